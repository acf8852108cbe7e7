"""A whole record to take away: every array as npz, every state and derivative as a table."""

import io

import numpy as np
import pandas as pd

from rnnviz.arrays import Array
from rnnviz.config import RunConfig
from rnnviz.record import Record


def caption(config: RunConfig) -> str:
    """The settings that made a picture, in a line."""
    c = config
    layers = "" if c.layers == 1 else f"{c.layers} layers, "
    return (
        f"{c.cell} RNN, {layers}H = {c.hidden_size}, {c.init} × gain {c.gain:g}, "
        f"input scale {c.input_scale:g}, T = {c.steps}, B = {c.batch_size}, {c.task}, "
        f"loss at {c.loss_at}, seed {c.seed}{f'/{c.data_seed}' if c.data_seed else ''} · rnnviz 0.1"
    )


def arrays(record: Record) -> dict[str, Array]:
    """Every array of a record by name: ``x``, ``y``, ``l0.h``, ``l0.dh``, ``grad.l0.W_hh``, ..."""
    named = {name: getattr(record, name) for name in ("x", "y", "dy", "dx", "loss_t")}
    for number, layer in enumerate(record.layers):
        named |= {f"l{number}.{name}": getattr(layer, name) for name in ("h", "dh", "da")}
    named |= {f"param.{name}": W for name, W in record.network.params.items()}
    return named | {f"grad.{name}": grad for name, grad in record.grads.items()}


def to_npz(record: Record, config: RunConfig) -> bytes:
    """A compressed npz of every array, with the config as JSON text under ``config``.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(hidden_size=3, steps=4, batch_size=2)
    >>> with np.load(io.BytesIO(to_npz(rv.run(config), config))) as file:
    ...     file["l0.dh"].shape, rv.RunConfig.model_validate_json(str(file["config"])) == config
    ((5, 2, 3), True)
    """
    buffer = io.BytesIO()
    named = {"config": np.array(config.model_dump_json()), **arrays(record)}
    np.savez_compressed(buffer, allow_pickle=False, **named)
    return buffer.getvalue()


def to_frame(record: Record) -> pd.DataFrame:
    """One row for each layer, state, sequence and unit: h and dh, and da of the step into it.

    The initial state (t = 0) has no step into it, and no da.
    """
    parts = []
    for number, layer in enumerate(record.layers):
        t, sequence, unit = (axis.ravel() for axis in np.indices(layer.h.shape, sparse=False))
        da = np.full_like(layer.h, np.nan)
        da[1:] = layer.da
        columns = {"layer": number, "t": t, "sequence": sequence, "unit": unit}
        values = {"h": layer.h.ravel(), "dh": layer.dh.ravel(), "da": da.ravel()}
        parts.append(pd.DataFrame({**columns, **values}))
    return pd.concat(parts, ignore_index=True)
