"""A whole record to take away: every array as npz, every state and derivative as a table."""

import io

import numpy as np
import pandas as pd

from rnnviz.arrays import Array
from rnnviz.cells import CELLS
from rnnviz.config import RunConfig
from rnnviz.record import LayerRecord, Record

OWN = sorted({name for kind in CELLS.values() for name in kind.settings})
"""Settings that only some cells have."""


def caption(config: RunConfig) -> str:
    """The settings that made a picture, in a line."""
    c = config
    layers = "" if c.layers == 1 else f"{c.layers} layers, "
    both = "both directions, " if c.directions == "both" else ""
    past = "residual, " if c.residual == "add" and c.matters("residual") else ""
    weights = f"gain {c.gain:g}, " if c.matters("gain") else ""
    weights = f"{c.init} × {weights}" if c.matters("init") else weights
    inputs = f"input scale {c.input_scale:g}, " if c.matters("input_scale") else ""
    values = {name: getattr(c, name) for name in OWN if c.matters(name)}
    own = "".join(f"{name} {value}, " for name, value in values.items() if value != "none")
    return (
        f"{CELLS[c.cell].title}, {layers}{both}{past}H = {c.hidden_size}, {weights}{own}"
        f"{inputs}T = {c.steps}, B = {c.batch_size}, {c.task}, "
        f"loss at {c.loss_at}, seed {c.seed}{f'/{c.data_seed}' if c.data_seed else ''} · rnnviz 0.1"
    )


def arrays(record: Record) -> dict[str, Array]:
    """Every array of a record by name: ``x``, ``y``, ``l0.h``, ``l0.dh``, ``grad.l0.W_hh``, ..."""
    named = {name: getattr(record, name) for name in ("x", "y", "dy", "dx", "loss_t")}
    for own, layer in zip(record.network.names, record.layers, strict=True):
        inner = ("c", "dc", "ds") if layer.inner else ()
        named |= {f"{own}.{name}": getattr(layer, name) for name in ("h", "dh", "da", *inner)}
        named |= {f"{own}.gate.{name}": gate for name, gate in layer.gates.items()}
    named |= {f"param.{name}": W for name, W in record.network.params.items()}
    return named | {f"grad.{name}": grad for name, grad in record.grads.items()}


def to_npz(record: Record, config: RunConfig | None = None) -> bytes:
    """A compressed npz of every array, and of the config as JSON text under ``config``, if any.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(hidden_size=3, steps=4, batch_size=2)
    >>> with np.load(io.BytesIO(to_npz(rv.run(config), config))) as file:
    ...     file["l0.dh"].shape, rv.RunConfig.model_validate_json(str(file["config"])) == config
    ((5, 2, 3), True)
    """
    buffer = io.BytesIO()
    named = arrays(record)
    if config:
        named = {"config": np.array(config.model_dump_json()), **named}
    np.savez_compressed(buffer, allow_pickle=False, **named)
    return buffer.getvalue()


def to_frame(record: Record) -> pd.DataFrame:
    """One row for each layer, state, sequence and unit: h, dh, and what the step into it gave.

    That is da, or with gates each gate and its da; c and dc where the cell has them. The initial
    state (t = 0) has no step into it, and none of these. A reverse layer counts its own steps.
    """
    parts = []
    for name, layer in zip(record.network.names, record.layers, strict=True):
        t, sequence, unit = (axis.ravel() for axis in np.indices(layer.h.shape, sparse=False))
        columns = {"layer": name, "t": t, "sequence": sequence, "unit": unit}
        states = {"h": layer.h, "dh": layer.dh}
        states |= {"c": layer.c, "dc": layer.dc} if layer.inner else {}
        values = {key: array.ravel() for key, array in (states | _of_steps(layer)).items()}
        parts.append(pd.DataFrame({**columns, **values}))
    return pd.concat(parts, ignore_index=True)


def _of_steps(layer: LayerRecord) -> dict[str, Array]:
    """What each step gave, under the state it leads to."""
    names, H = list(layer.gates), layer.h.shape[2]
    found = {name: layer.gates[name] for name in names}
    for n in range(max(1, len(names))):
        found[f"da_{names[n]}" if names else "da"] = layer.da[:, :, n * H : (n + 1) * H]
    nothing = np.full((1, *layer.h.shape[1:]), np.nan, layer.h.dtype)
    return {name: np.concatenate([nothing, array]) for name, array in found.items()}
