"""Omega: a penalty on every step back that changes the gradient's length."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells import Cell
from rnnviz.cells.vanilla import Vanilla
from rnnviz.products import one_blas_thread, rows
from rnnviz.record import LayerRecord, Record

BOUND = 1e-20
"""The squared norm of dL/dh from which the released code counts a step: its default."""


@dataclass(frozen=True)
class _Steps:
    """All steps of one layer, each of every sequence: what comes to a step, and what leaves it.

    Where a square would under- or overflow, both are divided by the power of two nearest to the
    size of what comes: Omega reads only their ratio.
    """

    da: Float[Array, "R H"]
    out: Float[Array, "R H"]
    """dL/dh_{t+1} dh_{t+1}/dh_t = da_t W_hh."""
    size: Float[Array, " R"]
    """The norm of dL/dh_{t+1}, divided as it is."""
    square: Float[Array, " R"]
    """Its square undivided, as zero or infinite as the precision makes it."""


def takes_omega(cell: Cell) -> bool:
    """Whether Omega is defined here: one W_hh is all that a step multiplies its derivative by."""
    return isinstance(cell, Vanilla)


def omega(record: Record, form: str = "paper") -> tuple[float, Params]:
    """Omega of a pass, summed over layers, and its gradient by each layer's W_hh.

    With r the length of dL/dh_{t+1} dh_{t+1}/dh_t over the length of dL/dh_{t+1}, h the state
    and L the record's loss:

    - "paper" is the sum over steps of the mean over the batch of (r - 1)^2: Pascanu, Mikolov and
      Bengio (2013), On the difficulty of training recurrent neural networks, ICML,
      arXiv:1211.5063, equation 9. The paper gives it for one sequence. Steps where dL/dh_{t+1}
      is exactly zero add nothing.
    - "code" is (r^2 - 1)^2, the mean over all steps and sequences whose dL/dh_{t+1} has a squared
      norm of at least 1e-20: as RNN.py of github.com/pascanur/trainingRNNs computes it.

    In the gradient both dL/dh_{t+1} and the slopes f'(a_t) are constants: W_hh counts only where
    the step's Jacobian diag(f'(a_t)) W_hh names it. This is the immediate derivative of the
    paper's equation 10, taken as that code takes it, by h; the paper writes its state before the
    nonlinearity.

    Parameters
    ----------
    record : Record
    form : "paper" or "code"

    Returns
    -------
    Omega, and its gradients as ``{"l0.W_hh": (H, H), ...}``, both without a weight before them

    Raises
    ------
    ValueError
        If a layer's cell is not a vanilla one, or the form is unknown.

    Examples
    --------
    A linear unit of weight 1/2 halves the gradient at each of 3 steps:

    >>> import rnnviz as rv
    >>> W = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), 0.5), "b_ih": np.zeros(1)}
    >>> network = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    >>> last = np.array([[False], [False], [True]])
    >>> record = rv.bptt(network, np.ones((3, 1, 1)), rv.losses.MSE(np.zeros((3, 1, 1)), last))
    >>> value, grads = omega(record)
    >>> value, grads["l0.W_hh"].tolist()
    (0.75, [[-3.0]])
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {sorted(FORMS)}, got {form!r}")
    total, grads = 0.0, {}
    layers = zip(record.network.names, record.network.layers, record.layers, strict=True)
    with np.errstate(all="ignore"), one_blas_thread():
        for name, layer, seen in layers:
            if not takes_omega(layer.cell):
                raise ValueError(
                    f"omega must have vanilla cells (tanh, relu, linear, sigmoid), "
                    f"got {layer.cell.title}"
                )
            steps = _steps(seen, layer.params["W_hh"])
            value, by_out = FORMS[form](steps, record.batch_size)
            total += value
            grads[f"{name}.W_hh"] = steps.da.T @ by_out
    return total, grads


def _steps(seen: LayerRecord, W: Array) -> _Steps:
    dh, da = rows(seen.dh[1:]), rows(seen.da)
    square = np.vecdot(dh, dh)
    low = np.finfo(dh.dtype).tiny ** 0.75
    if low < square.min() and square.max() < 1 / low:
        return _Steps(da, da @ W, np.sqrt(square), square)
    _, exponent = np.frexp(np.maximum(dh.max(axis=1), -dh.min(axis=1)))
    dh, da = (np.ldexp(part, -exponent[:, None]) for part in (dh, da))
    scaled = np.vecdot(dh, dh)
    return _Steps(da, da @ W, np.sqrt(scaled), np.ldexp(scaled, 2 * exponent))


def _paper(steps: _Steps, batch_size: int) -> tuple[float, Array]:
    """(|out| / |dh| - 1)^2;  by out: 2 (|out| / |dh| - 1) out / (|out| |dh|)."""
    length, counted = np.sqrt(np.vecdot(steps.out, steps.out)), steps.size != 0
    excess = np.where(counted, length / steps.size - 1, 0)
    # Where all of it is lost the length has a corner, and its slope is taken to be 0.
    weight = np.where(counted & (length != 0), 2 * excess / (length * steps.size), 0)
    value = float(np.vecdot(excess, excess)) / batch_size
    return value, (weight / batch_size)[:, None] * steps.out


def _code(steps: _Steps, batch_size: int) -> tuple[float, Array]:  # noqa: ARG001
    """(|out|^2 / |dh|^2 - 1)^2;  by out: 4 (|out|^2 / |dh|^2 - 1) out / |dh|^2."""
    counted = ~(steps.square < BOUND)
    many = max(1, int(counted.sum()))
    square = steps.size**2
    excess = np.where(counted, np.vecdot(steps.out, steps.out) / square - 1, 0)
    weight = np.where(counted, 4 * excess / square, 0)
    return float(np.vecdot(excess, excess)) / many, (weight / many)[:, None] * steps.out


FORMS = {"paper": _paper, "code": _code}
"""Omega and its derivative by each step's ``out``, for the two published forms."""
