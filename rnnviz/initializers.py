"""Weight schemes: how each parameter is drawn before any training.

Every scheme takes a generator and a shape (rows, columns), as PyTorch stores weights: a
row for each unit that listens, a column for each that is heard.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.mean_field import critical_gain


@dataclass(frozen=True)
class Initializer:
    """A scheme under the name that people know it by."""

    title: str
    draw: Callable[..., Float[Array, "rows columns"]]
    """Takes a generator, rows, columns, and what ``settings`` names by keyword."""
    whole: bool = False
    """Whether the rows of all gates are one draw; else each gate's H rows are one."""
    settings: tuple[str, ...] = ()
    """Config fields that this scheme takes."""


def normal(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """N(0, 1/columns): a sum over the columns keeps its variance, and the radius is about 1."""
    return rng.normal(0, 1 / np.sqrt(columns), (rows, columns))


def uniform(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """U(-1/sqrt(rows), 1/sqrt(rows)): PyTorch's default for recurrent layers (rows = H)."""
    bound = 1 / np.sqrt(rows)
    return rng.uniform(-bound, bound, (rows, columns))


def fixed(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """N(0, 1) at every size, so that the gain or the input scale is the standard deviation."""
    return rng.normal(size=(rows, columns))


def glorot_uniform(
    rng: np.random.Generator, rows: int, columns: int
) -> Float[Array, "rows columns"]:
    """U of variance 2/(rows + columns): Glorot and Bengio (2010), equation 16."""
    bound = np.sqrt(6 / (rows + columns))
    return rng.uniform(-bound, bound, (rows, columns))


def glorot_normal(
    rng: np.random.Generator, rows: int, columns: int
) -> Float[Array, "rows columns"]:
    """N(0, 2/(rows + columns)): Glorot and Bengio (2010), equation 12."""
    return rng.normal(0, np.sqrt(2 / (rows + columns)), (rows, columns))


def he(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """N(0, 2/columns), for ReLU: He et al. (2015), equation 10."""
    return rng.normal(0, np.sqrt(2 / columns), (rows, columns))


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """An orthogonal matrix, each equally likely (Haar): Mezzadri (2007), section 5.

    QR of a Gaussian is not uniform until the signs of R's diagonal are divided out.
    """
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if rows >= columns else q.T


def identity(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:  # noqa: ARG001
    """The identity: each unit copies itself. Le, Jaitly and Hinton (2015)."""
    return np.eye(rows, columns)


def spectral_radius(
    rng: np.random.Generator, rows: int, columns: int
) -> Float[Array, "rows columns"]:
    """A Gaussian divided by its largest absolute eigenvalue, so that the gain is the radius."""
    W = normal(rng, rows, columns)
    radius = float(np.abs(np.linalg.eigvals(W)).max())
    return W / radius


def sparse(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """15 weights a row, the others 0, and a radius of 1, so that the gain is the radius.

    The recurrent weights of "smart tanh" at gain 0.95: Pascanu, Mikolov and Bengio (2013),
    section 4, and the authors' code, github.com/pascanur/trainingRNNs, RNN.py.
    """
    heard = rng.permuted(np.tile(np.arange(columns) < _HEARD, (rows, 1)), axis=1)
    W = np.where(heard, rng.normal(size=(rows, columns)), 0.0)
    radius = float(np.abs(np.linalg.eigvals(W)).max())
    return W / radius


def random_walk(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """g N(0, 1/H) with g = exp(1/(2 H)), for linear units.

    The log of the gradient's norm is then a random walk without a drift: Sussillo and Abbott
    (2014), Random walk initialization for training very deep feedforward networks,
    arXiv:1412.6558. At g = 1 it falls by 1/(2 H) a step.
    """
    return math.exp(1 / (2 * columns)) * normal(rng, rows, columns)


def random_walk_relu(
    rng: np.random.Generator, rows: int, columns: int
) -> Float[Array, "rows columns"]:
    """g N(0, 1/H) with g = sqrt(2) exp(1.2 / (max(H, 6) - 2.4)), for ReLU.

    Sussillo and Abbott (2014), arXiv:1412.6558: a fit to simulations.
    """
    g = math.sqrt(2) * math.exp(1.2 / (max(columns, 6) - 2.4))
    return g * normal(rng, rows, columns)


def critical(
    rng: np.random.Generator, rows: int, columns: int, input_variance: float
) -> Float[Array, "rows columns"]:
    """g N(0, 1/H) with the ``critical_gain`` of tanh for this input."""
    return critical_gain(input_variance) * normal(rng, rows, columns)


_HEARD = 15
"""How many others a unit hears in a sparse network."""

RECURRENT: dict[str, Initializer] = {
    "normal": Initializer("Gaussian, N(0, 1/H)", normal),
    "uniform": Initializer("Uniform, ±1/√H (PyTorch)", uniform),
    "glorot_uniform": Initializer("Glorot uniform (Keras)", glorot_uniform, whole=True),
    "glorot_normal": Initializer("Glorot normal", glorot_normal, whole=True),
    "he": Initializer("He", he),
    "orthogonal": Initializer("Orthogonal", orthogonal),
    "orthogonal_whole": Initializer("Orthogonal over all gates (Keras)", orthogonal, whole=True),
    "identity": Initializer("Identity", identity),
    "spectral_radius": Initializer("Gaussian of exact radius", spectral_radius),
    "sparse": Initializer("Sparse of exact radius, 15 a unit", sparse),
    "random_walk": Initializer("Random walk, linear units", random_walk),
    "random_walk_relu": Initializer("Random walk, ReLU", random_walk_relu),
    "critical": Initializer("Critical gain for tanh", critical, settings=("input_variance",)),
    "fixed": Initializer("Gaussian, N(0, 1): the gain is its deviation", fixed),
}
"""Schemes for ``W_hh``, each times ``gain``."""

INPUT: dict[str, Initializer] = {
    "glorot_normal": Initializer("Glorot normal", glorot_normal, whole=True),
    "glorot_uniform": Initializer("Glorot uniform (Keras)", glorot_uniform, whole=True),
    "he": Initializer("He", he),
    "uniform": Initializer("Uniform, ±1/√H (PyTorch)", uniform),
    "fixed": Initializer("Gaussian, N(0, 1): the scale is its deviation", fixed),
}
"""Schemes for ``W_ih``, each times ``input_scale``."""
