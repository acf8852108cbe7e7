"""Who feeds whom, and how strongly?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float
from rnnviz.figures.blocks import Place, gaps, inputs_beside, place_of, recurrent
from rnnviz.figures.frame import HEADING_HEIGHT, LEFT, Json, Words, framed, key
from rnnviz.figures.marks import cells_note, kinds_of_values
from rnnviz.figures.text import gate_title, ordinal, short
from rnnviz.figures.theme import PALETTES, SIGNED, Palette, Theme
from rnnviz.network import Network

QUESTION = "Who feeds whom, and how strongly?"
HOW_TO_READ = (
    "Each cell is one weight: the column is where the signal comes from, the row the unit it "
    "goes to. Purple pushes the same way, orange the opposite way, near-white hardly at all.\n\n"
    "The large matrix is W_hh, from each unit to each unit of the next step: what a gradient is "
    "multiplied by at every step back. The stripes beside it are W_ih, from the inputs, on the "
    "same scale. In a cell with gates each gate has a block of rows of its own, a row for each "
    "unit. A cell whose units hear only themselves has no such matrix, and W_ih stands alone."
)
_LEFT_OF_GATES = 96
_TOP = 2 * HEADING_HEIGHT


def weights(
    network: Network, *, layer: int | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The recurrent and the input weights of one layer, on one scale.

    Parameters
    ----------
    network : Network
    layer : the top one that reads forward by default
    """
    number = network.top if layer is None else layer
    palette, place = PALETTES[theme], place_of(network.layers[number])
    limit = _limit(place.scaled_by)
    notes, domain = _notes(place, limit, palette)
    layout = {
        "xaxis": {
            "title": {"text": "from unit, from input" if place.columns else "from input"},
            "range": [-0.5, place.end],
            "constrain": "domain",
            "showgrid": False,
            "tickangle": 0,
            **_columns(place),
        },
        "yaxis": {
            "title": {"text": "to unit" if len(place.gates) == 1 else "to gate"},
            "range": [len(place.inputs) - 0.5, -0.5],
            "domain": domain,
            "constrain": "domain",
            "constraintoward": "top",
            "showgrid": False,
            **_rows(place),
        },
        "annotations": notes,
        "shapes": gaps(place, palette),
        "hovermode": "closest",
    }
    words = Words(QUESTION, subtitle(network, number), HOW_TO_READ, alt(network, number), "weights")
    data = [*recurrent(place, limit), *inputs_beside(place, limit)]
    left = _LEFT_OF_GATES if len(place.gates) > 1 else LEFT
    height = place.height + _TOP
    return framed(data, layout, words, height=height, theme=theme, caption=caption, left=left)


def subtitle(network: Network, layer: int) -> str:
    """Which weights, on which scale, and what was left out."""
    place = place_of(network.layers[layer])
    step, both = place.step, "W_hh and W_ih" if place.columns else "W_ih"
    kind = "recurrent" if place.columns else "input"
    largest = f", the largest {kind} weight" if place.scaled_by.any() else ""
    left_out = f" Every {ordinal(step)} row and column is drawn." if step > 1 else ""
    none = "" if place.columns else " This cell has no matrix W_hh."
    return (
        f"{both} of {network.names[layer]}; the colours end at "
        f"±{short(_limit(place.scaled_by))}{largest}.{none}{left_out}"
    )


def alt(network: Network, layer: int) -> str:
    """What the picture shows, for those who do not see it."""
    place = place_of(network.layers[layer])
    gates = f", a block of rows for each of the gates {', '.join(place.gates)}"
    blocks = gates if len(place.gates) > 1 else ""
    inputs = f"W_ih, {_size(place.inputs)}"
    if not place.columns:
        return f"Heatmap of the input weights {inputs}{blocks}. The cell has no matrix W_hh."
    W_hh = place.recurrent
    with np.errstate(all="ignore"):
        largest = f"{np.abs(W_hh).max():.3g}"
    return (
        f"Heatmap of the recurrent weights W_hh, {_size(W_hh)}, largest size {largest}{blocks}. "
        f"Beside it the input weights {inputs}."
    )


def _size(W: Float[Array, "R C"]) -> str:
    with np.errstate(all="ignore"):
        return f"{W.shape[0]} by {W.shape[1]}: standard deviation {W.std():.3g}"


def _notes(place: Place, limit: float, palette: Palette) -> tuple[list[Json], list[float]]:
    """Names above the matrices, the key above those, and where the matrices may be drawn."""
    whole = place.height + _TOP
    top = place.height / whole
    above = {"y": -0.5, "yref": "y", "yanchor": "bottom", "xanchor": "left"}
    notes = [
        above | {"text": "<b>W<sub>ih</sub></b>", "x": place.stripes},
        key(SIGNED, short(-limit), short(limit), 1 - HEADING_HEIGHT / whole, palette),
        *cells_note(kinds_of_values(place.scaled_by), top, palette),
    ]
    if place.columns:
        notes.append(above | {"text": "<b>W<sub>hh</sub></b>", "x": -0.5})
    if place.columns and not place.recurrent.any():
        middle = {"x": place.columns / 2 - 0.5, "y": len(place.recurrent) / 2 - 0.5}
        notes.append(middle | {"text": "every recurrent weight is exactly 0"})
    return notes, [0.0, top]


def _columns(place: Place) -> Json:
    units = np.arange(0, place.columns, _tick(max(place.columns, 1)))
    inputs = (place.stripes + place.end) / 2
    return {
        "tickvals": [*units.tolist(), inputs],
        "ticktext": [*(str(unit) for unit in units), "in"],
    }


def _rows(place: Place) -> Json:
    """Units along the rows, square cells; for gates their names, a block of rows each."""
    if len(place.gates) == 1:
        square = {"scaleanchor": "x"} if place.columns else {}
        return square | {"dtick": _tick(place.block)}
    blocks = [(n + 0.5) * place.block - 0.5 for n in range(len(place.gates))]
    return {"tickvals": blocks, "ticktext": [gate_title(name) for name in place.gates]}


def _tick(count: int) -> int:
    """Units between two ticks: about four along an axis, at powers of two."""
    return int(2 ** max(0, np.ceil(np.log2(count / 4))))


def _limit(W: Array) -> float:
    """The size of the largest weight that is a number; 1 where all are 0."""
    return float(np.abs(W).max(initial=0, where=np.isfinite(W))) or 1.0
