"""How fast does a loss fade on its way back?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import Decay
from rnnviz.figures.frame import Json, Words, every, framed, halo
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import log_axis, log_range, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, ordinal, plain, whole_state
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "How fast does a loss fade on its way back?"
HOW_TO_READ = (
    "Each step with a loss sends its gradient back by itself. The thick line is the norm at each "
    "lag, averaged over all of these sources; the band holds the middle 80 % of them. The axis "
    "counts powers of ten, so a straight line is a constant factor per step.\n\n"
    "The half-life is the number of steps back after which half of it is left, read from the "
    "dotted line that is fitted to the average. A loss at step s can go back s + 1 steps and no "
    "further, so at the longest lags the average is over few sources.\n\n"
    "The second line is the last step's loss alone. Where it leaves the band, the end of the "
    "sequence is not like the rest."
)
HEIGHT = 300
MOST_POINTS = 2500


@dataclass(frozen=True)
class _Drawn:
    """What is drawn of a result, and where."""

    result: Decay
    step: int
    area: Area
    palette: Palette


def decay(result: Decay, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The mean over sources with its band, the last step's loss and the fit, by lag."""
    palette, step = PALETTES[theme], every(len(result.lag), MOST_POINTS)
    area = Area((-0.5, float(result.lag[-1]) + 0.5), _range(result), HEIGHT)
    drawn = _Drawn(result, step, area, palette)
    curves = [curve for curve in _curves(drawn) if np.isfinite(curve.y).any()]
    notes, levels = edge_notes(kinds(result.log10_norm), _edge_words, area)
    data = _band(drawn)
    data += [theory(c) if c.dash else _line(c, result, c is curves[0]) for c in curves[::-1]]
    data += edge_marks(result.lag, result.log10_norm, area.y, "y", "lag")
    life = _half_life(drawn)
    by = whole_state(result.parts, "<sub>t</sub>")
    layout = {
        "xaxis": {
            "title": {"text": "lag k: steps back from the loss"},
            "range": list(area.x),
            **time_ticks(len(result.lag)),
            "showgrid": False,
        },
        "yaxis": log_axis(area.y, f"|∂L<sub>s</sub>/∂{by}|"),
        "annotations": [*placed(curves, area, "y", palette, levels), *notes, *life["annotations"]],
        "shapes": life["shapes"],
        "hovermode": "x",
    }
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "decay-by-lag")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(result: Decay) -> str:
    """Which derivative, of which losses, and what was left out."""
    by = whole_state(result.parts)
    thin, step = result.every, every(len(result.lag), MOST_POINTS)
    left_out = f" One in {thin} of the steps is a source." if thin > 1 else ""
    points = f" Every {ordinal(step)} lag is drawn." if step > 1 else ""
    return (
        f"|∂Lₛ/∂{by}| in {result.layer}, of the loss at each step s alone, mean of "
        f"{count(result.batch_size, 'sequence')}; averaged over up to "
        f"{count(int(result.sources.max()), 'source')}, further back to the right."
        f"{left_out}{points}"
    )


def alt(result: Decay) -> str:
    """What the picture shows, for those who do not see it."""
    life = result.half_life
    half = f"its half-life is {life:.3g} steps" if life else "it has no half-life"
    nothing = [
        f"{WORDS[k]} at {count(int(m.sum()), 'lag')}" for k, m in kinds(result.log10_norm).items()
    ]
    places = f" It is {', '.join(nothing)}." if nothing else ""
    return (
        f"A line with a band on a log scale. The mean norm over sources is "
        f"{plain(result.log10_norm[0])} at lag 0 and {plain(result.log10_norm[-1])} at lag "
        f"{result.lag[-1]}; {half}, from a line over lags {result.fit.first_lag} to "
        f"{result.fit.last_lag}.{places}"
    )


def _curves(drawn: _Drawn) -> Iterator[Curve]:
    result, palette, every_nth = drawn.result, drawn.palette, slice(None, None, drawn.step)
    text = f"mean of {count(int(result.sources[0]), 'source')}"
    text += " (band: 10–90 %)" if result.sources[0] > 1 else ""
    yield Curve(result.lag[every_nth], result.log10_norm[every_nth], text, palette.measured)
    last = result.log10_last
    if last is not None:
        lag = np.arange(len(last))
        yield Curve(lag[every_nth], last[every_nth], "last step's loss alone", palette.other)
    fit = result.fit
    if 0 < fit.factor < np.inf:
        lag = np.array([fit.first_lag, fit.last_lag])
        y = fit.log10_at_loss + lag * np.log10(fit.factor)
        yield Curve(lag, y, f"fit ×{fit.factor:.3g} per step", palette.fit, "dot")


def _half_life(drawn: _Drawn) -> Json:
    """An upright line at the half-life, if the axis reaches it."""
    life, area = drawn.result.half_life, drawn.area
    if life is None or life > drawn.result.lag[-1]:
        return {"shapes": [], "annotations": []}
    left = life < drawn.result.lag[-1] / 2
    line = {"color": drawn.palette.fit, "width": 1.5, "dash": "dot"}
    shape = {"type": "line", "x0": life, "x1": life, "y0": 0, "y1": 1, "yref": "paper"}
    note = {
        "text": f"half-life {life:.3g} steps",
        "font": {"color": drawn.palette.fit, "shadow": halo(drawn.palette)},
        "x": life,
        "xref": "x",
        "xanchor": "left" if left else "right",
        "xshift": 4 if left else -4,
        "y": area.at(40.0),
        "yref": "y",
        "yanchor": "middle",
    }
    return {"shapes": [shape | {"layer": "below", "line": line}], "annotations": [note]}


def _line(curve: Curve, result: Decay, first: bool) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    sources = result.sources[np.minimum(curve.x, len(result.sources) - 1)]
    reach = ", %{customdata[2]} sources" if first else ""
    return measured(curve, width=3.0 if first else 2.25) | {
        "customdata": np.stack([mantissa, exponent, sources], axis=1),
        "hovertemplate": (
            f"lag %{{x}}{reach}, {curve.text.partition(' (')[0]}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _band(drawn: _Drawn) -> list[Json]:
    result, (bottom, top) = drawn.result, drawn.area.y
    if result.sources[0] == 1:
        return []
    low, _, high = np.clip(result.log10_quantiles, bottom - 1, top + 1)[:, :: drawn.step]
    hidden = ~np.isfinite(result.log10_norm[:: drawn.step])
    low, high = (np.where(hidden, np.nan, edge) for edge in (low, high))
    edge = {"type": "scatter", "mode": "lines", "x": result.lag[:: drawn.step], "hoverinfo": "skip"}
    line = {"line": {"width": 0, "color": drawn.palette.measured}}
    fill = {"fill": "tonexty", "fillcolor": drawn.palette.band}
    return [
        edge | line | {"name": "10 %", "y": low},
        edge | line | fill | {"name": "90 %", "y": high},
    ]


def _range(result: Decay) -> tuple[float, float]:
    last = result.log10_last
    every_line = [result.log10_norm, *result.log10_quantiles, *([] if last is None else [last])]
    return log_range(np.concatenate(every_line))


def _edge_words(kind: str, at: Array) -> str:
    return f"{WORDS[kind]} at {count(len(at), 'lag')}"
