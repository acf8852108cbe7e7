"""The triangle of losses by states, and the bars below it, read from what is drawn."""

import numpy as np
import plotly.graph_objects as go
import pytest

import rnnviz as rv
from rnnviz.diagnostics import itemized
from rnnviz.figures.source_bars import MOST_BANDS, MOST_STATES

SMALL = {"hidden_size": 4, "steps": 20, "batch_size": 3, "task": "sine", "loss_at": "all"}
SETTINGS = {
    "default": {},
    "last step": {"loss_at": "last"},
    "one of all": {"steps": 1, "hidden_size": 1, "batch_size": 1},
    "no recurrence": {"gain": 0.0},
    "overflow": {"cell": "relu", "gain": 10.0, "init": "identity", "steps": 400},
    "below any float": {"gain": 0.01, "steps": 200},
    "float32": {"dtype": "float32", "cell": "lstm"},
    "long": {"steps": 700},
}


def result_of(**changes):
    return itemized(rv.run(rv.RunConfig(**{**SMALL, **changes})))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_picture_is_valid_and_has_its_words(settings, relative, theme):
    figure = rv.figures.itemized(result_of(**settings), relative=relative, theme=theme)
    assert go.Figure(figure.to_dict()).data
    assert all(figure.layout.meta.values())
    assert ("Relative" in figure.layout.meta["subtitle"]) == relative


def test_the_triangle_is_the_norms_and_nothing_beyond_each_loss():
    result = result_of()
    z = rv.figures.itemized(result).data[0].z
    inside = result.lag >= 0
    np.testing.assert_allclose(z[inside], result.log10_norm[inside], rtol=1e-6)
    assert np.isnan(z[~inside]).all()


def test_a_relative_triangle_is_the_shares_of_each_column():
    z = rv.figures.itemized(result_of(), relative=True).data[0].z
    np.testing.assert_allclose(np.nansum(10.0**z, axis=0), 1, rtol=1e-5)


def test_stacked_bars_are_as_high_as_the_sum_of_the_norms():
    result = result_of()
    for relative in (False, True):
        figure = rv.figures.itemized(result, relative=relative)
        bars = [trace for trace in figure.data if trace.yaxis == "y2" and trace.type == "bar"]
        assert len(bars) == MOST_BANDS
        height = np.nansum([bar.y for bar in bars], axis=0)
        total = (10**result.log10_norm).sum(axis=0)
        unit = total if relative else 10 ** np.floor(np.log10(total.max()))
        np.testing.assert_allclose(height, total / unit, rtol=1e-9)


def test_the_bars_of_a_state_are_its_column_and_say_so():
    result = result_of()
    figure = rv.figures.itemized(result, at=7)
    bars = figure.data[-1]
    expected = np.maximum(result.log10_norm[:, 7] - bars.base, 0)
    np.testing.assert_allclose(bars.y, expected)
    assert "state t = 7," in figure.layout.annotations[bars.meta["note"]].text
    assert figure.data[bars.meta["columnOf"]].type == "heatmap"


def test_a_long_run_is_thinned_and_says_so():
    figure = rv.figures.itemized(result_of(steps=700))
    rows, columns = figure.data[0].z.shape
    assert rows <= 128
    assert columns <= 300
    assert len(figure.data[1].x) <= MOST_STATES
    assert "draws every 6th of these losses and every 3rd state" in figure.layout.meta["subtitle"]


def test_zeros_and_nans_are_marked_with_a_word():
    zeros = rv.figures.itemized(result_of(gain=0.0))
    assert any("exactly 0" in (trace.name or "") for trace in zeros.data)
    overflow = rv.figures.itemized(result_of(**SETTINGS["overflow"]))
    assert any("NaN" in note.text for note in overflow.layout.annotations)
    assert "NaN" in overflow.layout.meta["alt"]


def test_contributions_are_drawn_where_a_loss_can_act_and_nowhere_else():
    config = rv.RunConfig(steps=9, batch_size=2, hidden_size=3, loss_at="all", task="sine")
    result = rv.diagnostics.contributions(rv.run(config))
    z = rv.figures.contributions(result).data[0].z
    acts = np.arange(9) <= result.sources[:, None]
    np.testing.assert_allclose(z[acts], result.log10_norm[acts], rtol=1e-6)
    assert np.isnan(z[~acts]).all()
