"""Layer normalisation, and the way back through it."""

import numpy as np

from rnnviz.arrays import Array, Float

EPSILON = 1e-5
"""Added to the variance, as torch.nn.LayerNorm does: one unit alone is normalised to 0."""


def normalised(z: Float[Array, "... D"]) -> Float[Array, "... D"]:
    """(z - mean) / sqrt(variance + epsilon), over the last axis, without gain and bias.

    Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450, equation 3.
    """
    centred = z - z.mean(axis=-1, keepdims=True)
    n: Array = centred * _scale(centred)
    return n


def before_norm(d: Float[Array, "... D"], z: Float[Array, "... D"]) -> Float[Array, "... D"]:
    """The derivative by z, where d is the one by what z is normalised to, n.

    dz = (d - mean(d) - n mean(d n)) / sqrt(variance + epsilon): moving all of z by as much, or
    making it longer, changes nothing, so what d has along these two directions is taken out.
    """
    centred = z - z.mean(axis=-1, keepdims=True)
    scale = _scale(centred)
    n = centred * scale
    along = (d * n).mean(axis=-1, keepdims=True)
    dz: Array = (d - d.mean(axis=-1, keepdims=True) - n * along) * scale
    return dz


def _scale(centred: Array) -> Array:
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    scale: Array = 1 / np.sqrt(variance + EPSILON)
    return scale
