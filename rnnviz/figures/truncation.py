"""How many steps back must the gradient travel?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Bool
from rnnviz.diagnostics import Truncation
from rnnviz.figures.frame import Json, Row, Words, framed, halo, heading, stacked
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import edge_marks, edge_notes, kinds_of_values
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, RUNS, Palette, Theme

QUESTION = "How many steps back must the gradient travel?"
HOW_TO_READ = (
    "Truncated backpropagation lets each step's loss travel back through only K steps and takes "
    "what came before as given. It is cheaper, and it cannot see what lies further back. Both "
    "charts compare the gradient it gives with the full one, for every K.\n\n"
    "Above: how long the truncated gradient is, as a share of the full one's length. Below: the "
    "cosine of the angle between them: 1 is the same direction, 0 a right angle. It is a good "
    "stand-in only where both are near 1. A line above 1 is a gradient that what came from "
    "further back would have made smaller.\n\n"
    "The thick line takes all parameters as one vector, the coloured ones are the parameters of "
    "one layer, and thin grey ones all others. The upright line is the smallest window from "
    "which on both numbers stay at 99 % or more."
)
SHARE = 0.99
RATIO, COSINE = 190, 150
MOST_LINES = 5
"""Parameters with a colour and a label of their own."""


def truncation(result: Truncation, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """Norm ratio and cosine of the truncated gradient to the full one, by window."""
    palette = PALETTES[theme]
    height, ((low_2, top_2), (low_1, top_1)) = stacked([RATIO, COSINE])
    x = np.log10(result.windows)
    ends = (float(x[0]) - 0.03 * _span(x), float(x[-1]) + 0.03 * _span(x))
    rows = [
        _row(result, result.ratio, Area(ends, _range(result.ratio), RATIO), "y2", palette),
        _row(result, result.cosine, Area(ends, _range(result.cosine), COSINE), "y", palette),
    ]
    titles = [heading("Norm ratio", top_2), heading("Cosine", top_1)]
    layout: Json = {
        "xaxis": {
            "title": {"text": "window K: steps that each loss travels back"},
            "range": list(ends),
            **_window_ticks(result),
            "showgrid": False,
        },
        "yaxis": rows[1].yaxis | {"domain": [low_1, top_1]},
        "yaxis2": rows[0].yaxis | {"domain": [low_2, top_2]},
        "annotations": [*rows[0].annotations, *rows[1].annotations, *titles],
        "hovermode": "closest",
    }
    kept = result.window_keeping(SHARE)["all"]
    if kept is not None:
        layout["shapes"] = [_upright(kept, palette)]
        layout["annotations"].append(_kept_note(kept, ends, rows[0].yaxis["range"][0], palette))
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "truncated-gradient")
    data = [*rows[1].data, *rows[0].data]
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: Truncation) -> str:
    """Which gradients are compared, and what was left out."""
    left_out = f", one in {result.every} of those that have one" if result.every > 1 else ""
    windows = (
        ""
        if len(result.windows) == result.steps
        else (f" {count(len(result.windows), 'window')} of {result.steps:,} were taken.")
    )
    unknown = [
        name for name, row in zip(result.names, result.ratio, strict=True) if np.isnan(row).all()
    ]
    no_ratio = f" Exactly 0 or not finite, and without a ratio: {', '.join(unknown)}."
    return (
        f"∂L/∂W of the loss at {count(result.losses, 'step')}{left_out}, each travelling K steps, "
        f"against the same losses travelling all the way; coloured: the parameters of "
        f"{result.layer}.{windows}{no_ratio if unknown else ''}"
    )


def alt(result: Truncation) -> str:
    """What the picture shows, for those who do not see it."""
    kept = result.window_keeping(SHARE)["all"]
    first, last = int(result.windows[0]), int(result.windows[-1])
    reached = (
        f"From window {kept} on, both stay at 99 % or more"
        if kept is not None
        else "No window drawn keeps 99 % of both"
    )
    return (
        f"Two charts over the window, {first} to {last}. For all parameters as one vector the norm "
        f"ratio is {result.ratio[-1, 0]:.3g} at window {first} and {result.ratio[-1, -1]:.3g} at "
        f"window {last}; the cosine is {result.cosine[-1, 0]:.3g} and "
        f"{result.cosine[-1, -1]:.3g}. {reached}."
    )


def _row(result: Truncation, values: Array, area: Area, axis: str, palette: Palette) -> Row:
    x = np.log10(result.windows)
    whole = Curve(x, values[-1], "all parameters", palette.whole)
    named = _named(result, palette)
    others = set(range(len(values) - 1)) - {n for group, _, _ in named for n in group}
    data = [
        _line(Curve(x, values[n], result.names[n], palette.muted), result, axis, 0.75)
        for n in sorted(others)
    ]
    curves = [Curve(x, values[group[0]], text, colour) for group, text, colour in named]
    data += [_line(curve, result, axis, 2.0) for curve in curves]
    data.append(_line(whole, result, axis, 3.5))
    data += edge_marks(x, np.abs(values[-1]), area.y, axis, "log10 K =")
    notes, levels = edge_notes(kinds_of_values(values[-1]), _edge_words, area, axis)
    drawn = [curve for curve in [whole, *curves] if np.isfinite(curve.y).any()]
    title = "|g<sub>K</sub>| / |g|" if axis == "y2" else "cosine"
    yaxis = {"title": {"text": title}, "range": list(area.y), "nticks": 6}
    return Row(data, [*placed(drawn, area, axis, palette, levels), *notes], yaxis)


def _named(result: Truncation, palette: Palette) -> list[tuple[list[int], str, str]]:
    """The parameters of the layer, those whose lines coincide under one name and colour."""
    groups: list[list[int]] = []
    for n, name in enumerate(result.names):
        if name.rpartition(".")[0] != result.layer:
            continue
        twin = next((group for group in groups if _coincide(result, group[0], n)), None)
        if twin is None:
            groups.append([n])
        else:
            twin.append(n)
    return [
        (group, ", ".join(result.names[n].rpartition(".")[2] for n in group), colour)
        for group, colour in zip(groups[:MOST_LINES], _colours(palette), strict=False)
    ]


def _coincide(result: Truncation, one: int, other: int) -> bool:
    return all(
        np.allclose(values[one], values[other], atol=1e-9, equal_nan=True)
        for values in (result.ratio, result.cosine)
    )


def _colours(palette: Palette) -> list[str]:
    return [palette.measured, palette.other, *(RUNS[n] for n in (2, 3, 5))]


def _line(curve: Curve, result: Truncation, axis: str, width: float) -> Json:
    return measured(curve, axis, width) | {
        "customdata": result.windows,
        "hovertemplate": "K = %{customdata}, %{fullData.name}: %{y:.4g}<extra></extra>",
    }


def _range(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = float(min(0.0, finite.min(initial=0.0))), float(finite.max(initial=1.0))
    return low - 0.05 * (high - low), high + 0.08 * (high - low)


def _span(x: Array) -> float:
    return float(x[-1] - x[0]) or 1.0


def _window_ticks(result: Truncation) -> Json:
    """The windows' own numbers, on an axis of their logarithms."""
    first, last = int(result.windows[0]), int(result.windows[-1])
    steps = [1, 2, 5] if last < 200 * first else [1]
    ticks = [m * 10**e for e in range(6) for m in steps if first <= m * 10**e <= last] or [first]
    return {"tickvals": np.log10(ticks).tolist(), "ticktext": [f"{tick:,}" for tick in ticks]}


def _upright(window: int, palette: Palette) -> Json:
    at = float(np.log10(window))
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "layer": "below",
        "line": {"color": palette.fit, "width": 1.5, "dash": "dot"},
    }


def _kept_note(window: int, ends: tuple[float, float], low: float, palette: Palette) -> Json:
    at = float(np.log10(window))
    left = at < (ends[0] + ends[1]) / 2
    return {
        "text": f"K = {window:,} keeps 99 %",
        "font": {"color": palette.fit, "shadow": halo(palette)},
        "x": at,
        "xref": "x",
        "xanchor": "left" if left else "right",
        "xshift": 4 if left else -4,
        "y": low,
        "yref": "y2",
        "yanchor": "bottom",
    }


def _edge_words(kind: str, at: Bool[Array, " N"] | Array) -> str:
    word = {"infinite": "infinite", "nan": "no number (NaN)"}[kind]
    return f"{word} at {count(len(at), 'window')}"
