"""Can the gradient be trusted?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import GradientCheck
from rnnviz.diagnostics.gradient_check import TOLERANCE, CheckedEntry
from rnnviz.figures.frame import Json, Words, framed, text_width
from rnnviz.figures.marks import WORDS, kinds, square
from rnnviz.figures.norms import log_axis
from rnnviz.figures.text import power
from rnnviz.figures.theme import NOTHING, PALETTES, SIZE, Palette, Theme

QUESTION = "Can the gradient be trusted?"
HOW_TO_READ = (
    "Each mark is one weight. Its gradient by backpropagation is compared with the slope of the "
    "loss when that weight alone is moved a little, either way; the mark shows how far the two "
    "are apart, as a share of the largest gradient of the same parameter.\n\n"
    "Marks left of the dashed line agree. The slope itself carries rounding errors, so even a "
    "right gradient does not agree to the last digit. An open circle is undecided: there the slope "
    "depends on how far the weight is moved, as where the gradient explodes, or is smaller than "
    "its rounding error, as where the gradient vanishes."
)
ROW_HEIGHT = 24
_LEAST, _MOST = -12.0, 0.0
"""log10 of the errors that the axis always spans."""


def gradient_check(
    result: GradientCheck, *, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The error of each checked entry, a row for each parameter, with the tolerance."""
    palette, names = PALETTES[theme], list(dict.fromkeys(e.parameter for e in result.entries))
    with np.errstate(all="ignore"):
        log10 = np.log10([entry.error for entry in result.entries])
    low, high = _range(log10)
    layout = {
        "xaxis": log_axis((low, high), "error, as a share of the largest gradient"),
        "yaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": names[::-1],
            "range": [-0.6, len(names) - 0.1],
            "dtick": 1,
        },
        "annotations": _notes(result, log10, palette),
        "shapes": [_tolerance(palette)],
        "hovermode": "closest",
    }
    data = _points(result, log10, palette) + _edge_marks(result, log10, low, high)
    data += _undecided(result, np.nan_to_num(log10, nan=high, posinf=high, neginf=low), palette)
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, result.sentence, "gradient-check")
    left = int(max(text_width(name, SIZE) for name in names)) + 16
    height = ROW_HEIGHT * (len(names) + 1)
    return framed(data, layout, words, height=height, theme=theme, caption=caption, left=left)


def subtitle(result: GradientCheck) -> str:
    """What is compared, and how it came out."""
    count = len(result.entries)
    came = "passed" if result.passed else "failed"
    if result.undecided:
        came = "undecided" if result.undecided == count else f"{came}, {result.undecided} undecided"
    return f"∂L/∂w by BPTT against central differences, at {count} weights: {came}."


def _range(log10: Array) -> tuple[float, float]:
    finite = log10[np.isfinite(log10)]
    low = min(_LEAST, float(np.min(finite, initial=_LEAST)) - 0.5)
    return low, max(_MOST, float(np.max(finite, initial=_MOST)) + 0.5)


def _points(result: GradientCheck, log10: Array, palette: Palette) -> list[Json]:
    """Discs within the tolerance, diamonds beyond it; undecided ones are drawn elsewhere."""
    within, drawn = log10 < np.log10(TOLERANCE), _decided(result) & np.isfinite(log10)
    kinds_of_point = [("agrees", within, "circle", palette.shrinking)]
    kinds_of_point.append(("differs", ~within, "diamond", palette.growing))
    return [
        _markers(result, where & drawn, log10)
        | {"name": name, "marker": {"symbol": symbol, "size": 9, "color": colour, "opacity": 0.8}}
        for name, where, symbol, colour in kinds_of_point
        if (where & drawn).any()
    ]


def _edge_marks(result: GradientCheck, log10: Array, low: float, high: float) -> list[Json]:
    """Equal to the last bit at the left edge, no number at the right one."""
    symbols = {"zero": "triangle-left", "infinite": "triangle-right", "nan": "x"}
    return [
        _markers(result, mask, np.full(len(log10), low if kind == "zero" else high))
        | {
            "name": f"{WORDS[kind]}: {int(mask.sum())}",
            "marker": {"symbol": symbols[kind], "size": 9, "color": NOTHING[kind]},
            "cliponaxis": False,
        }
        for kind, mask in _nothing(result, log10).items()
    ]


def _undecided(result: GradientCheck, x: Array, palette: Palette) -> list[Json]:
    """Open circles, where the difference says nothing."""
    marker = {"symbol": "circle-open", "size": 9, "color": palette.muted}
    look = {"name": f"undecided: {result.undecided}", "marker": marker, "cliponaxis": False}
    return [_markers(result, ~_decided(result), x) | look] if result.undecided else []


def _decided(result: GradientCheck) -> Array:
    return np.array([entry.decided for entry in result.entries])


def _nothing(result: GradientCheck, log10: Array) -> dict[str, Array]:
    """Where a decided error is an exact zero, an infinity or a NaN."""
    return kinds(np.where(_decided(result), log10, 0.0))


def _markers(result: GradientCheck, where: Array, x: Array) -> Json:
    entries = [entry for entry, chosen in zip(result.entries, where, strict=True) if chosen]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x[where],
        "y": [entry.parameter for entry in entries],
        "customdata": [_described(entry) for entry in entries],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _described(entry: CheckedEntry) -> str:
    return (
        f"{entry.parameter}{list(entry.index)}<br>BPTT {entry.bptt:.3e}, difference "
        f"{entry.difference:.3e}<br>error {entry.error:.2e}{'' if entry.decided else ', undecided'}"
    )


def _tolerance(palette: Palette) -> Json:
    at = float(np.log10(TOLERANCE))
    line = {"color": palette.muted, "width": 1.5, "dash": "dash"}
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _notes(result: GradientCheck, log10: Array, palette: Palette) -> list[Json]:
    """The tolerance at its line, and how many errors are undecided or no finite number."""
    rows = len({entry.parameter for entry in result.entries})
    above = {"y": rows - 0.35, "yanchor": "middle", "xanchor": "left"}
    at, text = float(np.log10(TOLERANCE)), f"tolerance {power(np.log10(TOLERANCE))}"
    notes = [above | {"text": text, "x": at, "xshift": 4, "font": {"color": palette.muted}}]
    words = [
        f"{square(kind)} error {WORDS[kind]}: {int(mask.sum())}"
        for kind, mask in _nothing(result, log10).items()
    ]
    if result.undecided:
        words.insert(0, f"○ undecided: {result.undecided}")
    return [*notes, above | {"text": ", ".join(words), "x": 0, "xref": "paper"}] if words else notes
