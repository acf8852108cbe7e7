"""The linear recurrent unit: complex numbers, each turned and shrunk by one of its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import Adjoint, Cell, Tape
from rnnviz.products import Step, rows

_TINY = float(np.finfo(np.float64).tiny)
"""Put in the place of an exact zero that has no logarithm."""


@dataclass(frozen=True)
class LRU(Cell):
    """h_t = lambda h_{t-1} + gamma (B x_t), each a vector of H/2 complex numbers.

    lambda = exp(-exp(nu_log) + i exp(theta_log)) and gamma = exp(gamma_log). The state is kept as
    H real numbers: first the real parts, then the imaginary ones; W_ih (H, I) is B, its first
    H/2 rows the real part. The paper's output is y = Re(C h) + D x: W_hy of the readout, or
    W_ih of the layer above, is C, and D is what residual connections are for. The paper has no
    biases here.
    """

    ring_min: float = 0.9
    """The least |lambda| at the start, as the next one: table 8's for sCIFAR and Pathfinder."""
    ring_max: float = 0.999
    """The largest |lambda| at the start; lemma 3.2 allows 1, but gamma's logarithm does not."""
    max_phase: float = 6.28
    """The largest angle of lambda at the start: a whole turn (lemma 3.2), pi/10 for PathX."""

    title = "LRU"
    paper = (
        "Orvieto et al. (2023), Resurrecting recurrent neural networks for long sequences, ICML, "
        "arXiv:2303.06349, equation 7; the start: lemma 3.2"
    )
    settings = ("ring_min", "ring_max", "max_phase")
    in_pairs = True

    def __post_init__(self) -> None:
        """Refuse a ring whose inside is outside."""
        super().__post_init__()
        if not 0 <= self.ring_min <= self.ring_max < 1:
            raise ValueError(
                "ring_min must be in [0, ring_max] and ring_max below 1, "
                f"got ring_min {self.ring_min:g} and ring_max {self.ring_max:g}"
            )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """B, and three numbers for each complex one."""
        half = (self.hidden_size // 2,)
        W_ih = super().shapes["W_ih"]
        return {"W_ih": W_ih, "nu_log": half, "theta_log": half, "gamma_log": half}

    def own(self, rng: np.random.Generator) -> Params:
        """lambda uniform on the ring, and gamma = sqrt(1 - |lambda|^2): lemma 3.2, section 3.4."""
        radius, angle = rng.random((2, self.hidden_size // 2))
        squared = radius * (self.ring_max**2 - self.ring_min**2) + self.ring_min**2
        return {
            "nu_log": np.log(-np.log(np.maximum(squared, _TINY)) / 2),
            "theta_log": np.log(np.maximum(self.max_phase * angle, _TINY)),
            "gamma_log": np.log1p(-squared) / 2,
        }

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; what a step adds and its state share one row."""
        states = self.empty_states(steps, batch_size, dtype)
        return Tape(states["h"][1:], states)

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """Put gamma (B x_t) of several steps into ``a``."""
        np.matmul(rows(x), _scaled(params).T, out=rows(a))

    def forward(self, params: Params, tape: Tape) -> Step:
        """No product of matrices: each complex number is multiplied by its own."""
        re, im = _factors(params)
        h = tape.h

        def step(t: int) -> None:
            now = h[t + 1]
            now += _turned(h[t], re, im)

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """da_t = dh_t;  dh_{t-1} += dh_t times the conjugate of lambda."""
        re, im = _factors(params)

        def step(t: int) -> None:
            da_t, before = adjoint.da[t], adjoint.dh[t]
            da_t[...] = adjoint.dh[t + 1]
            before += _turned(da_t, re, -im)

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """W_ih hears x times gamma; nu_log shrinks lambda, theta_log turns it."""
        re, im = _factors(params)
        nu, theta = np.exp(params["nu_log"]), np.exp(params["theta_log"])
        carried = _turned(tape.h[steps], re, im)
        dB = np.exp(np.tile(params["gamma_log"], 2))[:, None] * (rows(da).T @ rows(x))
        return {
            "W_ih": dB,
            "nu_log": -nu * _both(rows(da * carried).sum(axis=0)),
            "theta_log": theta * _both(rows(da * _quarter_turn(carried)).sum(axis=0)),
            "gamma_log": _both((params["W_ih"] * dB).sum(axis=1)),
        }

    def to_input(
        self,
        params: Params,
        da: Float[Array, "T B GH"],
        x: Float[Array, "T B I"],
    ) -> tuple[Float[Array, "T B R"], Float[Array, "R I"]]:
        """The derivative by x_t is da_t times gamma B."""
        return da, _scaled(params)

    @property
    def recurrent_name(self) -> str:
        """What ``recurrent`` is, in short."""
        return "Λ"

    def recurrent(self, params: Params) -> Float[Array, "H H"]:
        """Multiplication by lambda as a real matrix: its eigenvalues are lambda and conjugates."""
        re, im = (np.diag(part) for part in _factors(params))
        whole: Array = np.block([[re, -im], [im, re]])
        return whole


def _factors(params: Params) -> tuple[Float[Array, " half"], Float[Array, " half"]]:
    """Real and imaginary part of lambda."""
    size, angle = np.exp(-np.exp(params["nu_log"])), np.exp(params["theta_log"])
    return size * np.cos(angle), size * np.sin(angle)


def _scaled(params: Params) -> Float[Array, "H I"]:
    """B, each row times its gamma."""
    scaled: Array = np.exp(np.tile(params["gamma_log"], 2))[:, None] * params["W_ih"]
    return scaled


def _turned(
    h: Float[Array, "... H"], re: Float[Array, " half"], im: Float[Array, " half"]
) -> Float[Array, "... H"]:
    """Every complex number of h times the one of re + i im."""
    turned: Array = h * np.tile(re, 2) + _quarter_turn(h) * np.tile(im, 2)
    return turned


def _quarter_turn(h: Float[Array, "... H"]) -> Float[Array, "... H"]:
    """Every complex number of h times i."""
    h_re, h_im = np.split(h, 2, axis=-1)
    return np.concatenate([-h_im, h_re], axis=-1)


def _both(whole: Float[Array, " H"]) -> Float[Array, " half"]:
    """What the real and the imaginary parts add up to."""
    both: Array = whole.reshape(2, -1).sum(axis=0)
    return both
