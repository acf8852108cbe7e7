"""Matrices of weights side by side, a block of rows for each gate."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Int
from rnnviz.figures.frame import Json, compact, every
from rnnviz.figures.marks import cells, kinds_of_values
from rnnviz.figures.theme import SIGNED, Palette, colorscale
from rnnviz.network import Layer

MOST = 256
"""Rows and columns drawn of each matrix; of one with gates, rows of each gate's block."""
HEIGHT, BLOCK_HEIGHT = 340, 130
_GAP, _STRIPES = 0.04, 0.16
"""Between the matrices, and for the inputs, as shares of the width of W_hh."""


@dataclass(frozen=True)
class Place:
    """Where the two matrices lie on one x axis: W_hh a cell a unit, W_ih in the stripes."""

    recurrent: Float[Array, "GH M"]
    """Without columns for a cell that has no such matrix."""
    inputs: Float[Array, "GH I"]
    gates: tuple[str, ...]
    """Of the blocks of rows; one without a name where there are no gates."""

    @property
    def stripes(self) -> float:
        """Where W_ih begins."""
        return self.columns * (1 + _GAP) - 0.5

    @property
    def end(self) -> float:
        """Where it ends."""
        return self.stripes + (self.columns * _STRIPES or 1.0)

    @property
    def columns(self) -> int:
        """How many columns W_hh has: H, or none."""
        return int(self.recurrent.shape[1])

    @property
    def block(self) -> int:
        """How many rows a gate has."""
        return len(self.inputs) // len(self.gates)

    @property
    def scaled_by(self) -> Array:
        """The matrix whose largest entry ends the colours."""
        return self.recurrent if self.columns else self.inputs

    @property
    def step(self) -> int:
        """One in how many rows and columns of W_hh is drawn."""
        return every(max(self.block, self.columns), MOST)

    @property
    def height(self) -> int:
        """Pixels for the matrices."""
        return max(HEIGHT, BLOCK_HEIGHT * len(self.gates))

    def edges(self, inputs: Int[Array, " N"]) -> Float[Array, " M"]:
        """Left and right edges of the stripes of these inputs."""
        count = self.inputs.shape[1]
        share = np.append(inputs, count) / count
        return np.asarray(self.stripes + share * (self.end - self.stripes))


def place_of(layer: Layer) -> Place:
    """Where the matrices of a layer lie."""
    inputs = layer.params["W_ih"]
    recurrent = layer.params.get("W_hh", np.empty((len(inputs), 0), inputs.dtype))
    return Place(recurrent, inputs, layer.cell.gate_names or ("",))


def recurrent(place: Place, limit: float) -> list[Json]:
    """W_hh, gate by gate; nothing for a cell without it."""
    columns = np.arange(0, place.columns, place.step)
    if not place.columns:
        return []
    return [
        trace
        for n, gate in enumerate(place.gates)
        for trace in _block(place, "W_hh", (n, gate), {"x": columns}, columns, limit)
    ]


def inputs_beside(place: Place, limit: float) -> list[Json]:
    """W_ih, gate by gate."""
    inputs = np.arange(0, place.inputs.shape[1], every(place.inputs.shape[1], MOST))
    return [
        trace
        for n, gate in enumerate(place.gates)
        for trace in _block(place, "W_ih", (n, gate), {"x": place.edges(inputs)}, inputs, limit)
    ]


def _block(
    place: Place,
    name: str,
    gate: tuple[int, str],
    across: Json,
    columns: Int[Array, " N"],
    limit: float,
) -> list[Json]:
    """One gate's rows of one matrix, with each row's unit for the cursor."""
    units = np.arange(0, place.block, place.step)
    rows = gate[0] * place.block + units
    W = (place.recurrent if name == "W_hh" else place.inputs)[np.ix_(rows, columns)]
    grid = across | {"y": rows}
    source = "from unit %{x}" if name == "W_hh" else "from input"
    goal = f"gate {gate[1]}, unit %{{customdata}}" if gate[1] else "unit %{y}"
    own = {"customdata": np.broadcast_to(units[:, None], W.shape).copy()} if gate[1] else {}
    masks = kinds_of_values(W)
    hover = f"{name}, {source} to {goal}"
    values = {
        "type": "heatmap",
        "name": f"{name} {gate[1]}".strip(),
        "z": compact(W),
        "zmin": -limit,
        "zmax": limit,
        "colorscale": colorscale(SIGNED),
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": f"{hover}: %{{z:.3g}}<extra></extra>",
    }
    return [grid | values | own, *cells(masks, grid | own, hover)]


def gaps(place: Place, palette: Palette) -> list[Json]:
    """A gap of paper between the blocks of rows."""
    across = {"type": "line", "xref": "x", "yref": "y", "x0": -0.5, "x1": place.end}
    return [
        across
        | {"y0": n * place.block - 0.5, "y1": n * place.block - 0.5}
        | {"line": {"color": palette.paper, "width": 5}}
        for n in range(1, len(place.gates))
    ]
