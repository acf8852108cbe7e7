"""The step that descent would take, as arrows: what each is called, and where it is cut."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.diagnostics import Axis, DescentStep, LossSurface
from rnnviz.figures.frame import Json
from rnnviz.figures.text import short
from rnnviz.figures.theme import Palette

Box = tuple[tuple[float, float], ...]
"""The range of each axis."""
SHORTEST = 0.02
"""An arrow below this share of both ranges is said, not drawn."""


@dataclass(frozen=True)
class Arrow:
    """One step: where it goes, what it is called, and how long it is."""

    move: Float[Array, " A"]
    name: str
    length: float
    colour: str
    width: float

    @property
    def finite(self) -> bool:
        """Whether it goes anywhere that can be drawn."""
        return bool(np.isfinite(self.move).all())


def arrows(step: DescentStep, palette: Palette) -> Iterator[Arrow]:
    """The step without clipping and the clipped one, or one step where they are the same."""
    if step.shortening == 1:
        name = "step, shorter than the clip" if step.clip else "step"
        yield Arrow(step.move, name, step.in_plane, palette.measured, 4.5)
        return
    yield Arrow(step.move, "without clipping", step.in_plane, palette.growing, 2.0)
    name = f"clipped to norm {short(step.clip)}"
    length = step.in_plane * step.shortening if step.clipped_move.any() else 0.0
    yield Arrow(step.clipped_move, name, length, palette.measured, 4.5)


def cut(start: Float[Array, " A"], move: Float[Array, " A"], box: Box) -> tuple[Array, bool]:
    """The end of an arrow, at the edge if it leaves the picture, and whether it does."""
    share = 1.0
    for at, by, (low, high) in zip(start, move, box, strict=True):
        edge = high if by > 0 else low
        if by and abs(by) * share > abs(edge - at):
            share = max(0.0, float((edge - at) / by))
    return start + share * move, share < 1


def drawn(arrow: Arrow, box: Box) -> bool:
    """Whether it is long enough to see."""
    spans = np.array([high - low for low, high in box])
    return arrow.finite and bool((np.abs(arrow.move) >= SHORTEST * spans).any())


def arrow_traces(x: list[float], y: list[float], arrow: Arrow, palette: Palette) -> list[Json]:
    """A line with a head, on a wider one in the colour of the paper that sets it off."""
    line = {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip"}
    head = {"symbol": "arrow", "angleref": "previous", "size": [0, 12 + 1.5 * arrow.width]}
    behind = {"name": "halo", "line": {"color": palette.paper, "width": arrow.width + 4}}
    own = {
        "name": arrow.name,
        "mode": "lines+markers",
        "line": {"color": arrow.colour, "width": arrow.width},
        "marker": head | {"color": arrow.colour, "line": {"color": palette.paper, "width": 1}},
    }
    return [line | behind, line | own]


def why_none(arrow: Arrow, step: DescentStep) -> str:
    """What to say of a step that cannot be seen."""
    if not arrow.finite:
        return f"{arrow.name}: not finite"
    if not arrow.move.any():
        what = "the learning rate" if step.learning_rate == 0 else "the slope here"
        return f"no step: {what} is exactly 0"
    return f"{arrow.name}: too short<br>to see, {short(arrow.length)}"


def axis_title(axis: Axis) -> str:
    """What an axis of the picture moves, with its unit."""
    if axis.is_entry:
        layer, _, name = axis.of.rpartition(".")
        letter, _, small = name.partition("_")
        own = f"{letter}<sub>{small}</sub>" if small else letter
        return f"weight {own}[{', '.join(map(str, axis.index))}] of {layer}"
    if axis.is_gradient:
        return "along the gradient (weights)"
    return f"random direction {axis.seed} (1 = the weights' size)"


def plain_axis(axis: Axis) -> str:
    """The same for a text without tags."""
    if axis.is_entry:
        return f"{axis.of}[{', '.join(map(str, axis.index))}]"
    return "the gradient" if axis.is_gradient else f"random direction {axis.seed}"


def step_words(result: LossSurface) -> str:
    """The step in words: how long it is over all weights, and how much of it is in the picture."""
    step = result.step
    if not np.isfinite(step.length):
        return "The gradient there is not finite."
    text = f"−ηg with η = {step.learning_rate:g} is {step.length:.3g} long over all weights"
    if step.length > 0:
        share = 100 * min(step.in_plane / step.length, 1.0)
        text += f", {share:.3g} % of it in this picture"
    if step.shortening != 1:
        text += f"; clipped it is {step.clipped_length:.3g} long"
    return text + "."


def left_out(result: LossSurface) -> str:
    """How many points have no finite loss."""
    bad = result.not_finite
    return f" At {bad:,} of {result.passes:,} points the loss is not finite." if bad else ""
