"""How does a gradient explode in one unit?"""

import numpy as np
from scipy.special import expit

from rnnviz.cells import CELLS
from rnnviz.diagnostics.directions import Axis
from rnnviz.diagnostics.loss_surface import LossSurface, Start, loss_surface
from rnnviz.losses import MSE
from rnnviz.network import Layer, Network

STEPS = 50
TARGET = 0.7
H0 = float(expit(0.5))
CENTRE = {"w": 5.5, "b": -2.7}
SPAN = (1.5, 0.7)
AT_THE_WALL = (0.0, 0.5 - CENTRE["w"] * H0 - CENTRE["b"])
"""On it at w = 5.5, where h_0 is a fixed point: b = 1/2 - 5.5 sigmoid(1/2) = -2.924."""


def pascanu_cliff(
    points: int = 41,
    *,
    gradients: bool = False,
    start: Start = AT_THE_WALL,
    learning_rate: float = 0.1,
    clip: float = 1.0,
) -> LossSurface:
    """The wall in the loss of one unit without input, over its weight w and its bias b.

    Pascanu, Mikolov and Bengio (2013), equation 8 and figure 6: x_t = w sigmoid(x_{t-1}) + b with
    x_0 = 1/2 and the loss (sigmoid(x_50) - 0.7)^2. With h_t = sigmoid(x_t) that is our sigmoid
    cell from h_0 = sigmoid(1/2). The wall is where h_0 itself is a fixed point that repels; the
    step starts there.

    Parameters
    ----------
    points, gradients, start, learning_rate, clip : as for ``loss_surface``; the offsets of a start
        are from w = 5.5 and b = -2.7

    Examples
    --------
    >>> surface = pascanu_cliff(points=5)
    >>> surface.loss.shape, f"{surface.loss.min():.4f} to {surface.loss.max():.4f}"
    ((5, 5), '0.0167 to 0.4392')
    """
    cell = CELLS["sigmoid"](1, 1)
    W = {
        "W_ih": np.zeros((1, 1)),
        "W_hh": np.full((1, 1), CENTRE["w"]),
        "b_ih": np.full(1, CENTRE["b"]),
    }
    last = np.arange(STEPS)[:, None] == STEPS - 1
    return loss_surface(
        Network([Layer(cell, W)]),
        np.zeros((STEPS, 1, 1)),
        MSE(np.full((STEPS, 1, 1), TARGET), last),
        [Axis("l0.W_hh", (0, 0)), Axis("l0.b_ih", (0,))],
        s0=np.full((1, 1), H0),
        span=SPAN,
        points=points,
        gradients=gradients,
        start=start,
        learning_rate=learning_rate,
        clip=clip,
    )
