"""What a run takes, told before it is taken."""

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.run import record_bytes


def held_bytes(record):
    """The bytes of every array that a record holds, each counted once."""
    held = {}
    named = [vars(layer) | layer.parts | layer.inner for layer in record.layers]
    named += [layer.tape.states | layer.tape.kept for layer in record.layers]
    named += [{"a": layer.tape.a, "s": layer.s, "ds": layer.ds} for layer in record.layers]
    named += [record.grads, record.network.params]
    named += [{name: getattr(record, name) for name in ("x", "y", "dy", "dx", "loss_t")}]
    for array in (value for group in named for value in group.values()):
        whole = array
        while isinstance(whole, np.ndarray):
            held[id(whole)], whole = whole.nbytes, whole.base
            if whole is not None:
                del held[next(reversed(held))]
    return sum(held.values())


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"layers": 3, "residual": "add"},
        {"layers": 3, "directions": "both", "dtype": "float32"},
        {"layers": 2, "directions": "both", "residual": "add", "readout": "none"},
        {"layers": 4, "hidden_size": 128, "steps": 4, "batch_size": 1},
    ],
)
def test_a_record_takes_what_was_said(cell, settings):
    sizes = {"hidden_size": 32, "steps": 40}
    config = rv.RunConfig(cell=cell, task="sine", **{**sizes, **settings})
    assert 0.95 < record_bytes(config) / held_bytes(rv.run(config)) < 1.4
