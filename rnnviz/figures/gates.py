"""Which gates are open, and when?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.diagnostics import Gates
from rnnviz.figures.frame import Json, Row, Words, every, framed, stacked
from rnnviz.figures.gate_rows import MEANS, SHARES, UNITS, mean_row, share_row, unit_row
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.text import count, gate_title, ordinal
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.figures.units import MOST_COLUMNS, MOST_ROWS

QUESTION = "Which gates are open, and when?"
HOW_TO_READ = (
    "A gate is a number for each unit at each step: light is open, near 1, and lets all through; "
    "dark is shut, near 0. A forget or update gate that is open keeps what the unit held; an "
    "input gate that is open lets the candidate in. The candidate itself is no gate: it has a "
    "sign, purple or orange.\n\n"
    "The lines below are means over all units and sequences, with bands from the 10 to the 90 % "
    "quantile. The last row is the share of values at an end of their range: there the slope is "
    "nearly 0, so that hardly any gradient passes through the gate itself, while what it lets by "
    "is kept whole or stopped whole."
)


def gates(
    result: Gates, *, sequence: int = 0, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """Each gate unit by time, the means with their quantiles, and the share that is saturated.

    Parameters
    ----------
    result : Gates
    sequence : the one whose units are drawn
    """
    palette, found = PALETTES[theme], result.gates
    height, domains = stacked([UNITS] * len(found) + [MEANS, SHARES])
    tops = [high for _, high in domains]
    axes = [f"y{number or ''}" for number in (0, *range(2, len(domains) + 1))]
    rows = [
        unit_row(result, name, sequence, top, palette, axis)
        for name, top, axis in zip(found, tops[:-2], axes[:-2], strict=True)
    ]
    rows.append(mean_row(result, tops[-2], palette, axes[-2]))
    rows.append(share_row(result, tops[-1], palette, axes[-1]))
    layout = _axes(result, rows, domains, palette)
    layout["annotations"] = [note for row in rows for note in row.annotations]
    words = Words(QUESTION, subtitle(result, sequence), HOW_TO_READ, alt(result), "gates")
    data = [trace for row in rows for trace in row.data]
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: Gates, sequence: int = 0) -> str:
    """Whose units, what counts as saturated, and what was left out."""
    T, B, H = next(iter(result.gates.values())).values.shape
    steps, units = every(T, MOST_COLUMNS), every(H, MOST_ROWS)
    parts = [f"every {ordinal(steps)} step"] if steps > 1 else []
    parts += [f"every {ordinal(units)} unit"] if units > 1 else []
    left_out = f" The heatmaps draw {' and '.join(parts)}." if parts else ""
    return (
        f"Gates of {result.layer}. Units: sequence {sequence + 1} of {B}, ordered by the weight "
        f"of their first input. Saturated: within {result.margin:.0%} of the range of an end of "
        f"it.{left_out}"
    )


def alt(result: Gates) -> str:
    """What the picture shows, for those who do not see it."""
    with np.errstate(all="ignore"):
        rows = [
            f"{gate_title(name)} has a mean of {gate.mean.mean():.3g} over all steps, and "
            f"{gate.saturated.mean():.1%} of it are saturated"
            for name, gate in result.gates.items()
        ]
    return (
        f"Heatmaps of {count(len(rows), 'gate')} over {count(len(result.t), 'step')}, their means "
        f"and saturated shares: {'; '.join(rows)}."
    )


def _axes(
    result: Gates, rows: list[Row], domains: list[tuple[float, float]], palette: Palette
) -> Json:
    layout: Json = {
        "xaxis": {
            "title": {"text": "state t, after step t − 1"},
            "anchor": f"y{len(rows)}",
            "range": [0.5, len(result.t) + 0.5],
            **time_ticks(len(result.t)),
            "showgrid": False,
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "cursor",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": palette.muted,
        },
        "hovermode": "x",
        "hoversubplots": "axis",
    }
    for number, (row, domain) in enumerate(zip(rows, domains, strict=True), 1):
        layout[f"yaxis{number if number > 1 else ''}"] = {**row.yaxis, "domain": domain}
    return layout
