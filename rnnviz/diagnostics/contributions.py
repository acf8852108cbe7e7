"""Which step's loss, acting through which step, makes the derivative by a parameter?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.cells import Cell
from rnnviz.diagnostics.itemized import chosen
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread
from rnnviz.record import LayerRecord, Record
from rnnviz.sources import Wave, cut, waves

_LOG10_2 = np.log10(2.0)
_NONE = -(1 << 40)
"""The exponent of an exact zero, when it is compared with others."""
_FAR = 1 << 14
_CANCELS = 1e-4
"""Below this share of what was added up, a sum is taken again in another way."""


@dataclass(frozen=True)
class Contributions:
    """What the loss at each step s adds to a parameter's derivative at each step t, in log10."""

    parameter: str
    """Its full name."""
    sources: Int[Array, " K"]
    """The steps whose losses travel, one a row."""
    log10_norm: Float[Array, "K T"]
    """log10 of the Frobenius norm, summed over the batch first; -inf where t > s."""
    every: int
    """One in how many steps is a source, counted back from the last step with a loss."""

    @property
    def share(self) -> Float[Array, "K T"]:
        """Each norm over the sum of all norms: they add up to 1; NaN where that sum is 0."""
        with np.errstate(all="ignore"):
            finite = self.log10_norm[np.isfinite(self.log10_norm)]
            relative = 10.0 ** (self.log10_norm - finite.max(initial=-np.inf))
            share: Array = relative / relative.sum()
        return share

    def to_frame(self) -> pd.DataFrame:
        """One row a source and step that it acts at: source, t, lag, log10 of the norm, share."""
        row, t = np.nonzero(np.arange(self.log10_norm.shape[1]) <= self.sources[:, None])
        source = self.sources[row]
        columns = {"source": source, "t": t, "lag": source - t}
        norms = {"log10_norm": self.log10_norm[row, t], "share": self.share[row, t]}
        return pd.DataFrame(columns | norms)


def contributions(
    record: Record, parameter: str = "W_hh", *, every: int = 1, layer: int | None = None
) -> Contributions:
    """The norm of what each source adds to a parameter's derivative by each step it acts at.

    The derivative is a sum over sources s and steps t <= s of da_t (x) what the parameter hears
    at t, da_t being the derivative of the loss at s alone; the norm is of one term of that sum,
    added up over the batch.

    Parameters
    ----------
    record : Record
    parameter : one of the layer's
    every : one in how many steps is a source, counted back from the last step with a loss
    layer : the top one by default

    Raises
    ------
    ValueError
        If the layer has no such parameter, or as ``itemized``.

    Examples
    --------
    >>> import rnnviz as rv
    >>> record = rv.run(rv.RunConfig(steps=6, task="sine", loss_at="all"))
    >>> result = contributions(record, "W_ih")
    >>> result.parameter, result.log10_norm.shape, round(float(result.share.sum()), 12)
    ('l0.W_ih', (6, 6), 1.0)
    """
    number = record.network.top if layer is None else layer
    owner, seen = record.network.layers[number], record.layers[number]
    if parameter not in owner.params:
        raise ValueError(f"parameter must be one of {sorted(owner.params)}, got {parameter!r}")
    sources, fed = chosen(record, every)
    log10 = np.full((len(sources), record.steps), -np.inf)
    row = np.zeros(record.steps, np.int64)
    row[sources] = np.arange(len(sources))
    with np.errstate(all="ignore"), one_blas_thread():
        for wave in waves(record, fed, number):
            if wave.da is not None:
                norms = _log10_norm(owner, seen, wave, parameter)
                log10[row[wave.sources], wave.t - 1] = norms
    name = f"{record.network.names[number]}.{parameter}"
    return Contributions(name, sources, log10, every)


def _log10_norm(owner: Layer, seen: LayerRecord, wave: Wave, parameter: str) -> Array:
    da, exponent = _in_common(wave)
    t = wave.t - 1
    heard = {"W_ih": seen.x[t], "W_hh": seen.h[t]}.get(parameter)
    if type(owner.cell).grads is not Cell.grads:
        log10 = np.array([_log10_size(term(owner, seen, one, t, parameter)) for one in da])
    elif heard is None:
        log10 = np.array([_log10_size(one.sum(axis=0)) for one in da])
    else:
        log10 = _log10_outer(da, heard.astype(np.float64))
    log10 += exponent * _LOG10_2
    return log10


def _in_common(wave: Wave) -> tuple[Array, Int[Array, " K"]]:
    """da with its largest entry near 1 and one exponent for all sequences of a source."""
    assert wave.da is not None
    _, own = np.frexp(np.abs(wave.da).max(axis=2))
    exponent = np.where(wave.da.any(axis=2), wave.exponent + own, _NONE)
    top = exponent.max(axis=1)
    top[top == _NONE] = 0
    shift = np.clip(wave.exponent - top[:, None], -_FAR, _FAR).astype(np.int32)
    return np.ldexp(wave.da, shift[..., None]).astype(np.float64), top


def term(owner: Layer, seen: LayerRecord, da: Array, t: int, parameter: str) -> Array:
    """What da (B, G*H) at step t adds to the derivative by a parameter, for every cell."""
    here = slice(t, t + 1)
    own = da[None].astype(seen.pre.dtype)
    return owner.cell.grads(owner.params, cut(seen.tape, here), own, seen.x[here], slice(0, 1))[
        parameter
    ]


def _log10_outer(da: Float[Array, "K B GH"], heard: Float[Array, "B M"]) -> Float[Array, " K"]:
    """||da^T heard||^2 = sum of (da da^T) * (heard heard^T), which never makes the matrix.

    Where sequences cancel, that loses digits: there the matrix is made.
    """
    _, exponent = np.frexp(np.abs(heard).max())
    heard = np.ldexp(heard, -exponent)
    terms = (da @ da.swapaxes(1, 2)) * (heard @ heard.T)
    squares, size = terms.sum(axis=(1, 2)), np.abs(terms).sum(axis=(1, 2))
    log10: Array = np.log10(squares) / 2
    for k in np.flatnonzero(~(squares >= _CANCELS * size)):
        log10[k] = _log10_size(da[k].T @ heard)
    log10 += exponent * _LOG10_2
    return log10


def _log10_size(matrix: Array) -> float:
    """log10 of the norm, of numbers that may be too large or small to be squared."""
    flat = matrix.ravel().astype(np.float64)
    _, exponent = np.frexp(np.abs(flat).max())
    flat = np.ldexp(flat, -exponent)
    return float(np.log10(flat @ flat) / 2 + exponent * _LOG10_2)
