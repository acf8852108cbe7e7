"""What does the network answer, and what was asked?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Bool, Float
from rnnviz.figures.frame import HEADING_HEIGHT, Json, Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.text import count, short
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.tasks import Batch

QUESTION = "What does the network answer, and what was asked?"
HOW_TO_READ = (
    "The thick line is what should come out at each step, the other what the network answers. "
    "Rings mark the steps at which the loss asks for an answer: everywhere else the network may "
    "say what it likes, and gradient starts at the rings alone.\n\n"
    "For tasks with classes, squares are the right class and dots the class with the largest "
    "output."
)
HEIGHT = 260


def prediction(
    y: Float[Array, "T B O"],
    batch: Batch,
    *,
    mask: Bool[Array, "T B"] | None = None,
    sequence: int = 0,
    output: int = 0,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """Target and output over time, for one sequence, with the steps that are asked for.

    Parameters
    ----------
    y : the network's outputs
    batch : the sequences and answers that they belong to
    mask : where the loss applies; where the task asks if left out
    sequence, output : which one is drawn
    """
    asked = (batch.asked if mask is None else mask)[:, sequence]
    palette, t = PALETTES[theme], np.arange(1, len(y) + 1)
    answers = y[:, sequence]
    if np.issubdtype(batch.target.dtype, np.integer):
        target, answer = batch.target[:, sequence].astype(float), _classes(answers)
        data, layout = _class_panel(t, target, answer, asked, palette)
    else:
        columns = batch.target.shape[2]
        target, answer = batch.target[:, sequence, output % columns], answers[:, output]
        data, layout = _value_panel(t, target, answer, asked, palette)
    subtitle = _subtitle(y, asked, sequence)
    words = Words(QUESTION, subtitle, HOW_TO_READ, alt(target, answer, asked), "prediction")
    return framed(data, layout, words, height=HEIGHT + HEADING_HEIGHT, theme=theme, caption=caption)


def alt(target: Array, answer: Array, asked: Array) -> str:
    """What the picture shows, for those who do not see it."""
    last = int(np.flatnonzero(asked)[-1]) if asked.any() else len(asked) - 1
    return (
        f"Target and answer over {count(len(asked), 'step')}, {int(asked.sum()):,} of them asked "
        f"for; at t = {last + 1} the target is {target[last]:.3g} and the answer "
        f"{answer[last]:.3g}."
    )


def _subtitle(y: Array, asked: Array, sequence: int) -> str:
    return (
        f"Sequence {sequence + 1} of {y.shape[1]}; the loss asks at "
        f"{int(asked.sum()):,} of {count(len(y), 'step')}. Time runs from left to right."
    )


def _value_panel(
    t: Array, target: Array, answer: Array, asked: Array, palette: Palette
) -> tuple[list[Json], Json]:
    y_range = _range(target, answer)
    curves = [
        Curve(t, target, "target", palette.whole),
        Curve(t, answer, _far("answer", answer, y_range), palette.measured),
    ]
    area = Area((0.5, len(t) + 0.5), y_range, HEIGHT)
    hover = {"hovertemplate": "t = %{x}, %{fullData.name}: %{y:.3g}<extra></extra>"}
    data = [
        measured(curve, width=width) | hover
        for curve, width in zip(curves, (3.5, 2.0), strict=True)
    ]
    if not asked.all():
        data += _rings(t[asked], target[asked], palette)
    marks, notes, levels = _broken(t, answer, area)
    labels = placed(curves, area, "y", palette, levels)
    names = [("○ asked for", palette.other)] if not asked.all() else []
    return data + marks, _layout(area, [*labels, *notes, *_legend(names)], "y")


def _class_panel(
    t: Array, target: Array, answer: Array, asked: Array, palette: Palette
) -> tuple[list[Json], Json]:
    known = np.concatenate([target, answer])
    known = known[np.isfinite(known)]
    area = Area((0.5, len(t) + 0.5), (known.min() - 0.7, known.max() + 0.7), HEIGHT)
    squares = {"symbol": "square-open", "size": 10, "color": palette.whole, "line": {"width": 2}}
    dots = {"symbol": "circle", "size": 5, "color": palette.measured}
    hover = {"hovertemplate": "t = %{x}, %{fullData.name}: %{y}<extra></extra>"}
    data = [
        {"type": "scatter", "mode": "markers", "name": name, "x": t, "y": y, "marker": mark} | hover
        for name, y, mark in (("right class", target, squares), ("answer", answer, dots))
    ]
    if not asked.all():
        data += _rings(t[asked], target[asked], palette)
    marks, notes, _ = _broken(t, answer, area)
    names = [("□ right class", palette.whole), ("● answer", palette.measured)]
    names += [("○ asked for", palette.other)] if not asked.all() else []
    return data + marks, _layout(area, [*notes, *_legend(names)], "class")


def _layout(area: Area, notes: list[Json], title: str) -> Json:
    return {
        "xaxis": {
            "title": {"text": "state t, after step t − 1"},
            "range": list(area.x),
            "showgrid": False,
            **time_ticks(round(area.x[1] - area.x[0])),
        },
        "yaxis": {
            "title": {"text": title},
            "range": list(area.y),
            "domain": [0, HEIGHT / (HEIGHT + HEADING_HEIGHT)],
            "nticks": 6,
        },
        "annotations": notes,
        "hovermode": "x",
    }


def _rings(t: Array, target: Array, palette: Palette) -> list[Json]:
    mark = {"symbol": "circle-open", "size": 12, "color": palette.other, "line": {"width": 2}}
    ring = {"type": "scatter", "mode": "markers", "name": "asked for", "hoverinfo": "skip"}
    return [ring | {"x": t, "y": target, "marker": mark, "cliponaxis": False}]


def _legend(names: list[tuple[str, str]]) -> list[Json]:
    """What the marks are, above the left end."""
    parts = [f'<span style="color:{colour}">{name}</span>' for name, colour in names]
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "paper", "yanchor": "top"}
    return [place | {"text": "   ".join(parts)}] if parts else []


def _far(name: str, answer: Array, y_range: tuple[float, float]) -> str:
    """The name of a line, and how far it goes where it leaves the picture."""
    beyond = answer[np.isfinite(answer) & ((answer < y_range[0]) | (answer > y_range[1]))]
    return (
        f"{name}, as far as {short(float(beyond[np.abs(beyond).argmax()]))}"
        if len(beyond)
        else name
    )


def _broken(t: Array, answer: Array, area: Area) -> tuple[list[Json], list[Json], list[float]]:
    """Marks and words for answers that are no numbers."""
    size = np.abs(answer)
    marks = edge_marks(t, np.where(np.isfinite(size), 0, size), area.y, "y", "t =")
    masks = {kind: mask for kind, mask in kinds(size).items() if kind != "zero"}
    notes, levels = edge_notes(masks, _words, area)
    return marks, notes, levels


def _words(kind: str, at: Array) -> str:
    return f"answer {WORDS[kind]} at {count(len(at), 'step')}"


def _classes(y: Float[Array, "T O"]) -> Float[Array, " T"]:
    """The class with the largest output; NaN where the outputs are not numbers."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(y).all(axis=1), y.argmax(axis=1), np.nan)


def _range(target: Array, answer: Array) -> tuple[float, float]:
    """All of the target, and of the answer what is not much further out."""
    low, high = float(target.min()), float(target.max())
    room = 1.5 * max(high - low, 1.0)
    near = answer[np.isfinite(answer)]
    low = min(low, max(float(near.min(initial=low)), low - room))
    high = max(high, min(float(near.max(initial=high)), high + room))
    margin = 0.08 * max(high - low, 0.1)
    return low - margin, high + margin
