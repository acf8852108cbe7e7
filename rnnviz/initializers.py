"""Weight schemes: how each parameter is drawn before any training.

Every scheme takes a generator and a shape (rows, columns), as PyTorch stores weights: a
row for each unit that listens, a column for each that is heard.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float


@dataclass(frozen=True)
class Initializer:
    """A scheme under the name that people know it by."""

    title: str
    draw: Callable[[np.random.Generator, int, int], Float[Array, "rows columns"]]


def normal(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """N(0, 1/columns): a sum over the columns keeps its variance, and the radius is about 1."""
    return rng.normal(0, 1 / np.sqrt(columns), (rows, columns))


def uniform(rng: np.random.Generator, rows: int, columns: int) -> Float[Array, "rows columns"]:
    """U(-1/sqrt(rows), 1/sqrt(rows)): PyTorch's default for recurrent layers (rows = H)."""
    bound = 1 / np.sqrt(rows)
    return rng.uniform(-bound, bound, (rows, columns))


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


RECURRENT: dict[str, Initializer] = {
    "normal": Initializer("Gaussian, N(0, 1/H)", normal),
    "uniform": Initializer("Uniform, ±1/√H (PyTorch)", uniform),
    "glorot_uniform": Initializer("Glorot uniform (Keras)", glorot_uniform),
    "glorot_normal": Initializer("Glorot normal", glorot_normal),
    "he": Initializer("He", he),
    "orthogonal": Initializer("Orthogonal", orthogonal),
    "identity": Initializer("Identity", identity),
    "spectral_radius": Initializer("Gaussian of exact radius", spectral_radius),
}
"""Schemes for ``W_hh``, each times ``gain``."""

INPUT: dict[str, Initializer] = {
    "glorot_normal": Initializer("Glorot normal", glorot_normal),
    "glorot_uniform": Initializer("Glorot uniform (Keras)", glorot_uniform),
    "he": Initializer("He", he),
    "uniform": Initializer("Uniform, ±1/√H (PyTorch)", uniform),
}
"""Schemes for ``W_ih``, each times ``input_scale``."""
