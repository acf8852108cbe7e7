"""Noise that is added to the gradient, less of it as training goes on."""

import numpy as np

from rnnviz.arrays import Array, Float

_GAMMA = 0.55


def variance(eta: float, number: int) -> float:
    """The noise's variance at step ``number``, counted from 0: eta / (1 + t)^0.55.

    Examples
    --------
    >>> variance(0.3, 0), round(variance(0.3, 99), 4)
    (0.3, 0.0238)
    """
    return eta / float((1 + number) ** _GAMMA)


def noisy(
    g: Float[Array, " N"], eta: float, number: int, rng: np.random.Generator
) -> Float[Array, " N"]:
    """The gradient with N(0, eta / (1 + t)^0.55) added to each entry; itself where eta is 0.

    Neelakantan et al. (2015), Adding gradient noise improves learning for very deep networks,
    arXiv:1511.06807. Meant for the gradient after clipping: the noise itself is then not clipped.

    Parameters
    ----------
    g : (N,)
    eta : the variance at the first step; the paper tries 0.01, 0.3 and 1
    number : t, the step counted from 0
    rng : a stream of this step's own, so that training that goes on draws the same
    """
    if eta == 0:
        return g
    drawn = rng.standard_normal(g.shape)
    drawn *= np.sqrt(variance(eta, number))
    added: Array = g + drawn.astype(g.dtype, copy=False)
    return added
