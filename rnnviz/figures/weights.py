"""Who feeds whom, and how strongly?"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float, Int
from rnnviz.figures.frame import HEADING_HEIGHT, Json, Words, compact, every, framed, key
from rnnviz.figures.marks import cells, cells_note, kinds_of_values
from rnnviz.figures.text import ordinal, short
from rnnviz.figures.theme import PALETTES, SIGNED, Palette, Theme, colorscale
from rnnviz.network import Layer, Network

QUESTION = "Who feeds whom, and how strongly?"
HOW_TO_READ = (
    "Each cell is one weight: the column is where the signal comes from, the row the unit it "
    "goes to. Purple pushes the same way, orange the opposite way, near-white hardly at all.\n\n"
    "The square is W_hh, from each unit to each unit of the next step: what a gradient is "
    "multiplied by at every step back. The stripes beside it are W_ih, from the inputs, on the "
    "same scale."
)
MOST = 256
"""Rows and columns drawn of each matrix."""
HEIGHT = 340
_TOP = 2 * HEADING_HEIGHT
_GAP, _STRIPES = 0.04, 0.16
"""Between the matrices, and for the inputs, as shares of the width of W_hh."""


@dataclass(frozen=True)
class _Place:
    """Where the two matrices lie on one x axis: W_hh a cell a unit, W_ih in the stripes."""

    recurrent: Float[Array, "GH H"]
    inputs: Float[Array, "GH I"]

    @property
    def stripes(self) -> float:
        """Where W_ih begins."""
        return self._units * (1 + _GAP) - 0.5

    @property
    def end(self) -> float:
        """Where it ends."""
        return self.stripes + self._units * _STRIPES

    @property
    def _units(self) -> int:
        return int(self.recurrent.shape[1])

    def edges(self, inputs: Int[Array, " N"]) -> Float[Array, " M"]:
        """Left and right edges of the stripes of these inputs."""
        count = self.inputs.shape[1]
        share = np.append(inputs, count) / count
        return np.asarray(self.stripes + share * (self.end - self.stripes))


def weights(
    network: Network, *, layer: int = -1, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The recurrent and the input weights of one layer, on one scale."""
    palette, place = PALETTES[theme], _place(network.layers[layer])
    limit = _limit(place.recurrent)
    notes, domain = _notes(place, limit, palette)
    layout = {
        "xaxis": {
            "title": {"text": "from unit, from input"},
            "range": [-0.5, place.end],
            "constrain": "domain",
            "showgrid": False,
            "tickangle": 0,
            **_columns(place),
        },
        "yaxis": {
            "title": {"text": "to unit"},
            "range": [len(place.recurrent) - 0.5, -0.5],
            "domain": domain,
            "constrain": "domain",
            "constraintoward": "top",
            "showgrid": False,
            **_rows(network.layers[layer]),
        },
        "annotations": notes,
        "hovermode": "closest",
    }
    words = Words(QUESTION, subtitle(network, layer), HOW_TO_READ, alt(network, layer), "weights")
    data = [*_recurrent(place, limit), *_input(place, limit)]
    return framed(data, layout, words, height=HEIGHT + _TOP, theme=theme, caption=caption)


def subtitle(network: Network, layer: int = -1) -> str:
    """Which weights, on which scale, and what was left out."""
    W_hh = network.layers[layer].params["W_hh"]
    step = every(max(W_hh.shape), MOST)
    largest = ", the largest recurrent weight" if W_hh.any() else ""
    left_out = f" Every {ordinal(step)} row and column is drawn." if step > 1 else ""
    return (
        f"W_hh and W_ih of layer {layer % len(network.layers)}; the colours end at "
        f"±{short(_limit(W_hh))}{largest}.{left_out}"
    )


def alt(network: Network, layer: int = -1) -> str:
    """What the picture shows, for those who do not see it."""
    W_hh, W_ih = (network.layers[layer].params[name] for name in ("W_hh", "W_ih"))
    with np.errstate(all="ignore"):
        spread = f"standard deviation {W_hh.std():.3g}, largest size {np.abs(W_hh).max():.3g}"
        inputs = f"standard deviation {W_ih.std():.3g}"
    return (
        f"Heatmap of the recurrent weights W_hh, {W_hh.shape[0]} by {W_hh.shape[1]}: {spread}. "
        f"Beside it the input weights W_ih, {W_ih.shape[0]} by {W_ih.shape[1]}: {inputs}."
    )


def _place(layer: Layer) -> _Place:
    return _Place(layer.params["W_hh"], layer.params["W_ih"])


def _recurrent(place: _Place, limit: float) -> list[Json]:
    rows, columns = _shown(place.recurrent)
    grid = {"x": columns, "y": rows}
    return _matrix("W_hh", place.recurrent[np.ix_(rows, columns)], grid, limit, "from unit %{x} ")


def _input(place: _Place, limit: float) -> list[Json]:
    rows, inputs = _shown(place.inputs)
    grid = {"x": place.edges(inputs), "y": rows}
    return _matrix("W_ih", place.inputs[np.ix_(rows, inputs)], grid, limit, "from input ")


def _matrix(name: str, W: Float[Array, "R C"], grid: Json, limit: float, source: str) -> list[Json]:
    masks = kinds_of_values(W)
    hover = f"{name}, {source}to unit %{{y}}"
    values = {
        "type": "heatmap",
        "name": name,
        "z": compact(W),
        "zmin": -limit,
        "zmax": limit,
        "colorscale": colorscale(SIGNED),
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": f"{hover}: %{{z:.3g}}<extra></extra>",
    }
    return [grid | values, *cells(masks, grid, hover)]


def _notes(place: _Place, limit: float, palette: Palette) -> tuple[list[Json], list[float]]:
    """Names above the matrices, the key above those, and where the matrices may be drawn."""
    top = HEIGHT / (HEIGHT + _TOP)
    above = {"y": -0.5, "yref": "y", "yanchor": "bottom", "xanchor": "left"}
    notes = [
        above | {"text": "<b>W<sub>hh</sub></b>", "x": -0.5},
        above | {"text": "<b>W<sub>ih</sub></b>", "x": place.stripes},
        key(SIGNED, short(-limit), short(limit), 1 - HEADING_HEIGHT / (HEIGHT + _TOP), palette),
        *cells_note(kinds_of_values(place.recurrent), top, palette),
    ]
    if not place.recurrent.any():
        middle = {"x": place.recurrent.shape[1] / 2 - 0.5, "y": len(place.recurrent) / 2 - 0.5}
        notes.append(middle | {"text": "every recurrent weight is exactly 0"})
    return notes, [0.0, top]


def _columns(place: _Place) -> Json:
    H = place.recurrent.shape[1]
    units = np.arange(0, H, _tick(H))
    inputs = (place.stripes + place.end) / 2
    return {
        "tickvals": [*units.tolist(), inputs],
        "ticktext": [*(str(unit) for unit in units), "in"],
    }


def _rows(layer: Layer) -> Json:
    """Units along the rows, square cells; for gates their names, a block of rows each."""
    names, H = layer.cell.gate_names, layer.cell.hidden_size
    if not names:
        return {"scaleanchor": "x", "dtick": _tick(H)}
    blocks = [(g + 0.5) * H - 0.5 for g in range(len(names))]
    return {"tickvals": blocks, "ticktext": list(names)}


def _shown(W: Array) -> tuple[Int[Array, " R"], Int[Array, " C"]]:
    rows, columns = W.shape
    return np.arange(0, rows, every(rows, MOST)), np.arange(0, columns, every(columns, MOST))


def _tick(count: int) -> int:
    """Units between two ticks: about four along an axis, at powers of two."""
    return int(2 ** max(0, np.ceil(np.log2(count / 4))))


def _limit(W_hh: Array) -> float:
    """The size of the largest recurrent weight that is a number; 1 where all are 0."""
    return float(np.abs(W_hh).max(initial=0, where=np.isfinite(W_hh))) or 1.0
