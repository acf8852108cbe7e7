"""Where do the states go, and where would they stand still?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.diagnostics import FixedPoints, StateSpace
from rnnviz.figures.frame import Json, Words, every, framed, heading, stacked
from rnnviz.figures.paths import MOST_DOTS, MOST_VERTICES, Colour, dotted, lines, thinned
from rnnviz.figures.plane import Plane, plane
from rnnviz.figures.points import Place, labelled
from rnnviz.figures.standstill import MOST_LABELS, found, labels, outside_note, stand_stills
from rnnviz.figures.text import count, ordinal, whole_state
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "Where do the states go, and where would they stand still?"
HOW_TO_READ = (
    "Each thin line is one sequence: its whole state, step after step, seen in the plane in which "
    "the states of all sequences spread most (their first two principal components). One unit is "
    "as long to the right as upwards. What lies off the plane is not seen, and the axes say how "
    "much of the variance is.\n\n"
    "Dots are coloured by time, or by what the step from there does to the gradient on its way "
    "back: blue shrinks it, red makes it grow, near-white keeps it.\n\n"
    "Large marks in ink are fixed points: states that the layer would keep for ever if its input "
    "stayed the same. A filled circle is stable, states near it come nearer. From an open circle "
    "they leave in every direction, from a diamond in some; at a crossed circle the numbers "
    "cannot tell. A fixed point off the plane is drawn at the foot of its perpendicular, so a "
    "path may pass over it without coming near. Under the inputs of the task the layer need not "
    "settle at any of them."
)
HEIGHT = 380


def state_space(
    result: StateSpace,
    points: FixedPoints | None = None,
    *,
    colour: Colour = "time",
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The states of some sequences along the first two principal components.

    Parameters
    ----------
    result : StateSpace
    points : fixed points of the same layer, to draw among them
    colour : of the dots, "time" or "factor": what the step from there does to the gradient
    """
    if points is not None and points.layer != result.layer:
        raise ValueError(f"points must be of layer {result.layer}, got those of {points.layer}")
    palette, thin = PALETTES[theme], thinned(result)
    height, ((_, top),) = stacked([HEIGHT])
    at = plane(result, thin.sequences, points, HEIGHT)
    dots, notes = dotted(result, at, thin, colour, top, palette)
    data = [
        lines(at, thin, palette),
        *dots,
        *_ends(at, palette),
        *stand_stills(at, points, palette),
    ]
    seen = at.field.pixels(at.x[thin.dots].ravel(), at.y[thin.dots].ravel())
    places = [*labels(at, points, palette), *_words(at, palette)]
    whole = whole_state(result.parts, "<sub>t</sub>")
    notes = [heading(f"States {whole}", top), *notes, *labelled(places, seen, at.field, palette)]
    notes += outside_note(at, palette)
    layout = {
        "xaxis": at.xaxis,
        "yaxis": at.yaxis | {"domain": [0, top]},
        "annotations": notes,
        "hovermode": "closest",
    }
    about = subtitle(result, points, colour)
    words = Words(QUESTION, about, HOW_TO_READ, alt(result, points), "state-space")
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: StateSpace, points: FixedPoints | None, colour: Colour) -> str:
    """What is drawn, what colours mean, and what was left out."""
    thin, parts = thinned(result), [f"{whole_state(result.parts)} of {result.layer}"]
    batch = result.path.shape[1]
    of = f"the first {thin.sequences} of " if batch > thin.sequences else ""
    parts[0] += f", {of}{count(batch, 'sequence')}."
    if colour == "factor":
        parts.append(
            f"Colour: the step's factor of |∂L/∂s|, loss at t = {result.loss_state} alone."
        )
    else:
        parts.append("Colour: time.")
    dot = every(len(result.t) * thin.sequences, MOST_DOTS)
    line = every(len(result.t) * thin.sequences, MOST_VERTICES)
    if dot > 1:
        through = f", lines through every {ordinal(line)}" if line > 1 else ""
        parts.append(f"Every {ordinal(dot)} state has a dot{through}.")
    if result.first_bad_state is not None:
        parts.append(f"Not finite from t = {result.first_bad_state} on: not drawn.")
    if points is not None:
        parts.append(found(points))
        if len(points.points) > MOST_LABELS:
            parts.append(f"{MOST_LABELS} of them are labelled.")
    return " ".join(parts)


def alt(result: StateSpace, points: FixedPoints | None) -> str:
    """What the picture shows, for those who do not see it."""
    shares = " and ".join(f"{100 * share:.3g} %" for share in result.share[:2])
    drawn = count(thinned(result).sequences, "sequence")
    what = f"Paths of the states of {drawn} over {count(len(result.t), 'state')}"
    seen = f"{what}, along components with {shares} of the variance."
    return seen if points is None else f"{seen} {found(points)}"


def _ends(at: Plane, palette: Palette) -> list[Json]:
    """A square at each start, open, and at each end, filled."""
    own: Json = {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "cliponaxis": False}
    return [
        own
        | {
            "name": name,
            "x": at.x[state],
            "y": at.y[state],
            "marker": {"symbol": symbol, "size": 7, "color": palette.fit, "line": {"width": 1.5}},
        }
        for name, state, symbol in (("start", 0, "square-open"), ("end", -1, "square"))
    ]


def _words(at: Plane, palette: Palette) -> list[Place]:
    """The words at a start and at an end: at the first sequence's, and it is said of how many."""
    many = at.x.shape[1] > 1
    last = int(np.argmax(at.x[-1]))
    start = Place(float(at.x[0, 0]), float(at.y[0, 0]), "start", palette.ink)
    end = Place(
        float(at.x[-1, last]), float(at.y[-1, last]), "ends" if many else "end", palette.ink
    )
    return [start] if len(at.x) == 1 else [start, end]
