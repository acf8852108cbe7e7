"""Labels at points: where each is placed so that it hides no other label and few points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.figures.frame import NARROWEST, Json, halo, text_width
from rnnviz.figures.theme import SIZE, Palette

_OFFSETS = ((9, 9), (-9, 9), (9, -9), (-9, -9), (11, 0), (-11, 0), *((9, 24), (-9, 24)))
"""Every way a label can stand to its point, in pixels to the right and up."""
_FARTHER = ((9, -24), (-9, -24), (9, 40), (-9, 40), (9, -40), (-9, -40))
_HALF_LINE = 8


@dataclass(frozen=True)
class Place:
    """A point, and the text that stands at it."""

    x: float
    y: float
    text: str
    colour: str


@dataclass(frozen=True)
class Field:
    """The ranges of two axes, and how they lie on the narrowest page."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: int
    equal: bool
    """Whether a unit is as long on both axes: then the wider range has all the room."""

    def pixels(self, x: Float[Array, " P"], y: Float[Array, " P"]) -> Float[Array, "P 2"]:
        """Where points lie, from the lower left corner."""
        room = np.array([NARROWEST, self.height])
        low, high = np.array([self.x, self.y]).T
        scale = room / (high - low)
        scale = np.full(2, scale.min()) if self.equal else scale
        places: Array = room / 2 + (np.column_stack([x, y]) - (low + high) / 2) * scale
        return places


def labelled(
    places: Sequence[Place], dots: Float[Array, "P 2"], field: Field, palette: Palette
) -> list[Json]:
    """An annotation for each place, the first ones having the choice; ``dots`` are in pixels."""
    taken: list[tuple[float, float, float]] = []
    notes = []
    for place in places:
        (point,) = field.pixels(np.array([place.x]), np.array([place.y]))
        width = text_width(place.text, SIZE)
        costs = []
        for n, (right, up) in enumerate(_OFFSETS + _FARTHER):
            left = point[0] + right - (width if right < 0 else 0)
            box = left, left + width, point[1] + up
            costs.append((_cost(box, taken, dots, field.height) + n / 4, n, box))
        _, best, box = min(costs)
        taken.append(box)
        notes.append(_annotation(place, *(_OFFSETS + _FARTHER)[best], palette))
    return notes


def _cost(
    box: tuple[float, float, float],
    taken: Sequence[tuple[float, float, float]],
    dots: Float[Array, "P 2"],
    height: int,
) -> float:
    """How many points a label would hide; much more for a label, or for leaving the picture."""
    left, right, y = box
    across = (dots[:, 0] > left) & (dots[:, 0] < right)
    hidden = int((across & (np.abs(dots[:, 1] - y) < _HALF_LINE)).sum())
    outside = max(0.0, -left) + max(0.0, right - NARROWEST)
    outside += max(0.0, _HALF_LINE - y) + max(0.0, y + _HALF_LINE - height)
    clashes = sum(
        left < end and right > start and abs(y - level) < 2 * _HALF_LINE
        for start, end, level in taken
    )
    return min(hidden, 40) + 1000.0 * clashes + 100.0 * outside


def _annotation(place: Place, right: int, up: int, palette: Palette) -> Json:
    return {
        "text": place.text,
        "font": {"color": place.colour, "shadow": halo(palette)},
        "x": place.x,
        "y": place.y,
        "xanchor": "left" if right > 0 else "right",
        "yanchor": "middle",
        "xshift": right,
        "yshift": up,
    }
