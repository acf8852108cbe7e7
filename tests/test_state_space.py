"""Principal components of the states, and the picture of them."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import B, T, network, sequences

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import fixed_points, gradient_flow, state_space
from rnnviz.figures.paths import MOST_DOTS, MOST_SEQUENCES

SMALL = {"hidden_size": 8, "steps": 20, "batch_size": 5, "task": "sine"}


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)


def config(**changes):
    return rv.RunConfig(**{**SMALL, **changes})


def moved(record, s):
    """The record with other states of its one layer, whose derivatives no one asks for."""
    tape = replace(record.top.tape, states={"h": s})
    return replace(record, layers=(replace(record.top, tape=tape),))


def traces(figure, start):
    return [trace for trace in figure.data if trace.name.startswith(start)]


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("components", [2, 3])
def test_the_components_are_the_right_singular_vectors_of_the_centred_states(cell, components):
    record = recorded(network(cell, layers=2))
    for n, seen in enumerate(record.layers):
        result = state_space(record, n, components)
        rows = seen.s.reshape(-1, seen.s.shape[2])
        _, spread, axes = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        np.testing.assert_allclose(np.abs(result.axes), np.abs(axes[:components]), atol=1e-10)
        np.testing.assert_allclose(
            result.share, (spread**2 / (spread**2).sum())[:components], rtol=1e-10
        )
        np.testing.assert_allclose(result.path, result.project(seen.s), atol=1e-12)
        np.testing.assert_allclose(result.mean, rows.mean(axis=0), atol=1e-14)


def test_the_variance_along_a_component_is_its_eigenvalue_of_the_covariance():
    record = recorded(network("gru"))
    result = state_space(record)
    covariance = np.cov(record.s.reshape(-1, record.s.shape[2]).T, bias=True)
    largest = np.linalg.eigvalsh(covariance)[::-1][:2]
    np.testing.assert_allclose(result.path.var(axis=(0, 1)), largest, rtol=1e-10)


def test_the_largest_entry_of_each_component_is_positive():
    result = state_space(recorded(network("gru")), components=3)
    for axis in result.axes:
        assert axis[np.abs(axis).argmax()] > 0


def test_a_rotation_of_the_states_turns_no_path():
    record = recorded(network("tanh"))
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    one, two = state_space(record), state_space(moved(record, record.s @ Q))
    np.testing.assert_allclose(np.abs(one.path), np.abs(two.path), atol=1e-12)
    np.testing.assert_allclose(one.share, two.share, rtol=1e-10)


def test_the_colour_of_a_step_is_each_sequences_change_of_the_last_losss_gradient():
    record = recorded(network("lstm"))
    result, flow = state_space(record), gradient_flow(record, "last")
    expected = flow.log10_norms[:-1] - flow.log10_norms[1:]
    np.testing.assert_array_equal(result.log10_change, expected)


def test_states_are_cut_at_the_first_that_is_not_finite():
    record = recorded(network("tanh"))
    s = record.s.copy()
    s[4, 1, 2] = np.nan
    result = state_space(moved(record, s))
    assert result.first_bad_state == 4
    assert result.path.shape == (4, B, 2)
    assert np.isfinite(result.path).all()
    assert "Not finite from t = 4 on" in figures.state_space(result).layout.meta["subtitle"]
    s[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="the initial state must be finite"):
        state_space(moved(record, s))


def test_states_that_never_move_have_no_variance_and_are_drawn():
    record = recorded(network("tanh"))
    result = state_space(moved(record, np.full_like(record.s, 0.25)))
    np.testing.assert_array_equal(result.share, 0)
    np.testing.assert_array_equal(result.path, 0)
    figure = figures.state_space(result, fixed_points(record))
    assert "no variance" in figure.layout.xaxis.title.text


def test_float32_states_are_decomposed_in_float64():
    assert state_space(rv.run(config(dtype="float32"))).path.dtype == np.float64


def test_other_than_two_or_three_components_are_refused():
    with pytest.raises(ValueError, match="components must be 2 or 3, got 4"):
        state_space(recorded(network()), components=4)


def test_the_frame_has_a_row_a_state():
    result = state_space(recorded(network("gru")), components=3)
    frame = result.to_frame()
    assert len(frame) == B * (T + 1)
    own = frame[(frame.sequence == 2) & (frame.t == 3)]
    np.testing.assert_array_equal(own[["pc1", "pc2", "pc3"]].to_numpy()[0], result.path[3, 2])


def test_ten_thousand_steps_are_thinned_and_it_is_said():
    result = state_space(rv.run(config(steps=10_000, batch_size=2)))
    figure = figures.state_space(result)
    assert sum(len(trace.x) for trace in traces(figure, "states")) <= MOST_DOTS
    assert "Every 11th state has a dot" in figure.layout.meta["subtitle"]
    assert np.isfinite(result.path).all()


# The picture


def test_every_state_of_the_first_sequences_is_drawn_where_it_lies():
    result = state_space(rv.run(config(batch_size=MOST_SEQUENCES + 3)))
    figure = figures.state_space(result)
    (dots,) = traces(figure, "states")
    sequence, t = dots.customdata.T
    assert len(dots.x) == MOST_SEQUENCES * 21
    np.testing.assert_array_equal(dots.x, result.path[t, sequence, 0])
    np.testing.assert_array_equal(dots.y, result.path[t, sequence, 1])
    np.testing.assert_array_equal(dots.marker.color, t)
    assert "the first 16 of 19 sequences" in figure.layout.meta["subtitle"]
    assert figure.layout.yaxis.scaleanchor == "x"
    assert f"{100 * result.share[0]:.3g} %" in figure.layout.xaxis.title.text
    texts = [note.text for note in figure.layout.annotations]
    assert {"start", "ends"} <= set(texts)


def test_dots_may_take_the_colour_of_their_steps_factor():
    result = state_space(rv.run(config()))
    (dots,) = traces(figures.state_space(result, colour="factor"), "states")
    sequence, t, factor = dots.customdata.T
    change = result.log10_change[t.astype(int), sequence.astype(int)]
    np.testing.assert_array_equal(dots.marker.color, change)
    np.testing.assert_allclose(factor, 10**change)
    assert dots.marker.cmin == -dots.marker.cmax


def test_a_gradient_that_is_exactly_zero_has_a_mark_and_a_word():
    figure = figures.state_space(state_space(rv.run(config(gain=0.0))), colour="factor")
    (zeros,) = traces(figure, "exactly 0")
    assert len(zeros.x) == 20 * 5
    assert any("exactly 0: 100 of 105" in note.text for note in figure.layout.annotations)


def test_the_shape_of_a_fixed_point_says_its_kind():
    settings = config(hidden_size=2, cell="tanh", gain=1.5, init="identity", bias="zero")
    record = rv.run(settings)
    result, points = state_space(record), fixed_points(record, starts=400)
    assert points.counts == {"stable node": 4, "saddle": 4, "unstable": 1}
    figure = figures.state_space(result, points)
    symbols = {t.name: t.marker.symbol for t in figure.data if ":" in t.name}
    assert {name.partition(":")[0]: symbol for name, symbol in symbols.items()}.items() <= {
        "stable node": "circle",
        "saddle": "diamond-open",
        "unstable": "circle-open",
    }.items()
    drawn = sum(len(t.x) for t in figure.data if t.name in symbols)
    left = [n.text for n in figure.layout.annotations if "beyond the picture" in n.text]
    assert drawn + sum(int(text.split()[0]) for text in left) == 9
    assert "9 fixed points under zero input" in figure.layout.meta["subtitle"]


def test_one_unit_is_drawn_over_time_with_its_fixed_points_at_the_end():
    record = rv.run(config(hidden_size=1, gain=2.0, init="identity", bias="zero"))
    result = state_space(record)
    assert result.path.shape == (21, 5, 1)
    figure = figures.state_space(result, fixed_points(record))
    assert figure.layout.xaxis.title.text == "time step t"
    (unstable,) = traces(figure, "unstable")
    assert unstable.x.tolist() == [20]


def test_fixed_points_of_another_layer_are_refused():
    record = rv.run(config(layers=2))
    with pytest.raises(ValueError, match="points must be of layer l1, got those of l0"):
        figures.state_space(state_space(record), fixed_points(record, layer=0))
