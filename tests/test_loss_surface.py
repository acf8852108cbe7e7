"""The loss around a network: its values, its slopes, the step of descent, and the pictures."""

import numpy as np
import pytest
from helpers import H, I, network, sequences
from scipy.special import expit

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import Axis, loss_surface, pascanu_cliff
from rnnviz.diagnostics.descent import Plane

ENTRIES = [Axis("l0.W_hh", (0, 1)), Axis("l0.b_ih", (2,))]
KINDS = {
    "entries": ENTRIES,
    "random": [Axis.random(3), Axis.random(4)],
    "oblique": [Axis.gradient(), Axis("readout.W_hy", (1, 2))],
}
W = "l0.W_hh"


def surface(cell="tanh", axes=ENTRIES, layers=1, dtype=np.float64, net=None, **options):
    net = net or network(cell, layers=layers, dtype=dtype)
    data = sequences(net)
    loss = rv.losses.MSE(data.target.astype(dtype))
    s0 = [start.astype(dtype) for start in data.s0]
    return loss_surface(net, data.x.astype(dtype), loss, axes, s0=s0, points=3, **options)


def plane(cell="tanh", axes=ENTRIES):
    net = network(cell)
    data = sequences(net)
    return Plane.around(net, data.x, rv.losses.MSE(data.target), data.s0, axes)


@pytest.fixture(scope="module")
def cliff():
    return pascanu_cliff(points=41, gradients=True)


@pytest.mark.parametrize("cell", sorted(rv.CELLS))
def test_each_point_is_the_loss_of_the_network_with_those_weights(cell):
    net = network(cell)
    first, second = list(net.params)[:2]
    axes = [
        Axis(first, (0,) * net.params[first].ndim),
        Axis(second, (0,) * net.params[second].ndim),
    ]
    found = surface(axes=axes, net=net, span=(0.3, 0.7))
    data = sequences(net)
    params = {key: A.copy() for key, A in net.params.items()}
    params[first].flat[0] += 0.3
    params[second].flat[0] -= 0.7
    record = rv.bptt(net.with_params(params), data.x, rv.losses.MSE(data.target), data.s0)
    assert found.loss[2, 0] == pytest.approx(record.loss, rel=1e-14)
    assert found.passes == 9


@pytest.mark.parametrize("axes", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_the_slope_is_the_difference_of_the_surface_itself(cell, axes):
    step = 1e-5
    found = surface(cell, axes, span=step, gradients=True)
    along_0 = (found.loss[2, 1] - found.loss[0, 1]) / (2 * step)
    along_1 = (found.loss[1, 2] - found.loss[1, 0]) / (2 * step)
    np.testing.assert_allclose(found.slope[1, 1], [along_0, along_1], rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(found.slope[1, 1], found.step.slope)


def test_the_cliffs_slope_and_loss_are_those_of_pytorch(cliff):
    torch = pytest.importorskip("torch")
    for at in [(0, 0), (7, 31), (20, 13), (33, 4), (40, 40)]:
        w, b = (
            torch.tensor(values[n], dtype=torch.float64, requires_grad=True)
            for values, n in zip(cliff.values, at, strict=True)
        )
        x = torch.tensor(0.5, dtype=torch.float64)  # equation 8 as the paper has it
        for _ in range(50):
            x = w * torch.sigmoid(x) + b
        loss = (torch.sigmoid(x) - 0.7) ** 2
        loss.backward()
        assert cliff.loss[at] == pytest.approx(loss.item(), rel=1e-11)
        np.testing.assert_allclose(cliff.slope[at], [w.grad.item(), b.grad.item()], rtol=1e-10)


def test_the_surface_of_a_tanh_network_is_pytorchs():
    torch = pytest.importorskip("torch")
    found = surface(gradients=True)
    net, data = network(), sequences(network())
    twin = torch.nn.RNN(I, H, dtype=torch.float64)
    for at in [(0, 2), (1, 1), (2, 0)]:
        params = {name: torch.tensor(A) for name, A in net.params.items()}
        params["l0.W_hh"][0, 1] += found.offsets[0][at[0]]
        params["l0.b_ih"][2] += found.offsets[1][at[1]]
        with torch.no_grad():
            for own, name in zip(twin.parameters(), ("W_ih", "W_hh", "b_ih", "b_hh"), strict=True):
                own.copy_(params[f"l0.{name}"])
        h, _ = twin(torch.tensor(data.x), torch.tensor(data.s0[0])[None])
        y = h @ params["readout.W_hy"].T + params["readout.b_y"]
        loss = torch.nn.functional.mse_loss(y, torch.tensor(data.target))
        twin.zero_grad()
        loss.backward()
        assert found.loss[at] == pytest.approx(loss.item(), rel=1e-12)
        slopes = [twin.weight_hh_l0.grad[0, 1].item(), twin.bias_ih_l0.grad[2].item()]
        np.testing.assert_allclose(found.slope[at], slopes, rtol=1e-12)


def test_the_wall_stands_a_thousand_times_above_its_neighbours(cliff):
    on_the_wall = cliff.step.norm
    assert on_the_wall > 1e3 * np.median(cliff.gradient_norm)
    assert on_the_wall > 1e3 * cliff.gradient_norm[20, 12:15].max()
    w, b = (value + at for value, at in zip(cliff.centre, cliff.step.start, strict=True))
    assert b == pytest.approx(0.5 - w * expit(0.5))
    row = cliff.loss[20]
    assert row[12] - row[15] > 0.3  # 0.1 of bias apart


def test_on_the_wall_the_gradient_is_a_sum_of_powers_worked_by_hand(cliff):
    h = expit(0.5)
    each = h * (1 - h)
    powers = ((5.5 * each) ** np.arange(50)).sum() * 2 * (h - 0.7) * each
    np.testing.assert_allclose(cliff.step.slope, [powers * h, powers], rtol=1e-6)


def test_a_clipped_step_is_at_most_the_rate_times_the_threshold(cliff):
    step = cliff.step
    assert step.length > 5000
    assert step.clipped_length <= step.learning_rate * step.clip
    assert np.linalg.norm(step.clipped_move) == pytest.approx(0.1, rel=1e-9)
    cosine = step.clipped_move @ step.move / np.linalg.norm(step.move) / 0.1
    assert cosine == pytest.approx(1)
    assert step.in_plane == pytest.approx(step.length)  # it has no other weights


def test_a_gradient_below_the_threshold_and_a_threshold_of_0_clip_nothing():
    for clip in (0.0, 1e6):
        step = surface(clip=clip).step
        assert step.shortening == 1
        np.testing.assert_array_equal(step.clipped_move, step.move)


def test_a_step_along_the_gradient_lies_in_the_plane_whole():
    step = surface(axes=[Axis.gradient()], learning_rate=0.3).step
    np.testing.assert_allclose(step.move, [-0.3 * step.norm], rtol=1e-12)
    assert step.in_plane == pytest.approx(step.length, rel=1e-12)


def test_what_a_plane_leaves_of_a_step_is_at_right_angles_to_it():
    found = plane(axes=KINDS["oblique"])
    step = found.step_from(np.zeros(2), 1.0, 0.0)
    left = rv.bptt(found.network, found.x, found.loss, found.s0).grads
    left = {name: -grad for name, grad in left.items()}
    for far, direction in zip(step.move, found.directions, strict=True):
        left |= {name: left[name] - far * D for name, D in direction.items()}
    for direction in found.directions:
        assert abs(sum((left[name] * D).sum() for name, D in direction.items())) < 1e-12


def test_a_random_direction_has_each_row_as_long_as_the_weights_own():
    net = network("lstm", layers=2)
    found = Axis.random(5).direction(net, {})
    for name, A in net.params.items():
        lengths = [np.linalg.norm(one, axis=-1) for one in (A, found[name])]
        np.testing.assert_allclose(*lengths, rtol=1e-12)
    other = Axis.random(6).direction(net, {})
    assert not np.allclose(found["l0.W_hh"], other["l0.W_hh"])


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_random_direction_follows_weights_whose_squares_leave_the_range(scale):
    net = network(readout=False)
    [layer] = net.layers
    params = {name: W * scale for name, W in layer.params.items()}
    scaled = rv.Network([rv.Layer(layer.cell, params)])
    plain, found = (Axis.random(5).direction(one, {}) for one in (net, scaled))
    for name, A in plain.items():
        np.testing.assert_allclose(found[name] / scale, A, rtol=1e-12)


def test_the_steepest_start_is_the_point_with_the_largest_gradient():
    found = pascanu_cliff(points=9, start="steepest")
    at = np.unravel_index(found.gradient_norm.argmax(), found.gradient_norm.shape)
    expected = [offsets[n] for offsets, n in zip(found.offsets, at, strict=True)]
    np.testing.assert_array_equal(found.step.start, expected)
    assert found.step.norm == found.gradient_norm.max()


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_float32_layers_and_one_axis_give_the_same_line(cell):
    axes = [Axis("l1.W_hh", (1, 2))]
    single, double = (surface(cell, axes, 2, dtype) for dtype in (np.float32, np.float64))
    assert single.loss.shape == (3,)
    np.testing.assert_allclose(single.loss, double.loss, rtol=1e-4)


def overflowing():
    config = rv.RunConfig(
        cell="linear",
        gain=10.0,
        steps=330,
        hidden_size=2,
        batch_size=1,
        init="identity",
        task="sine",
    )
    record = rv.run(config)
    batch = rv.draw(config)
    axes = [Axis(W, (0, 0)), Axis(W, (1, 1))]
    return record, batch.loss("last"), axes


def test_a_loss_that_overflows_is_kept_counted_and_drawn():
    record, loss, axes = overflowing()
    for count, draw in ((1, figures.loss_slice), (2, figures.loss_surface)):
        found = loss_surface(record.network, record.x, loss, axes[:count], span=11.0, points=7)
        assert found.not_finite > 0
        assert found.not_finite == (~np.isfinite(found.loss)).sum()
        picture = draw(found)
        assert f"At {found.not_finite} of {7**count} points" in picture.layout.meta["subtitle"]
        words = " ".join(note.text or "" for note in picture.layout.annotations)
        kinds = [np.isposinf(found.loss), np.isnan(found.loss)]
        assert [mask.any() for mask in kinds] == ["infinite" in words, "NaN" in words]


def test_a_long_sequence_and_sizes_of_one_are_no_matter():
    for changes in ({"steps": 10_000, "hidden_size": 8}, {"steps": 1, "hidden_size": 1}):
        config = rv.RunConfig(batch_size=1, task="sine", **changes)
        record = rv.run(config)
        found = loss_surface(
            record.network, record.x, rv.draw(config).loss("last"), [Axis(W, (0, 0))], points=3
        )
        assert found.loss[1] == record.loss
        assert figures.loss_slice(found).data


def test_a_network_of_zeros_has_a_slope_of_exactly_zero_and_says_so():
    net = network()
    net = net.with_params({name: np.zeros_like(A) for name, A in net.params.items()})
    found = surface(net=net)
    np.testing.assert_array_equal(found.step.move, 0)
    said = [note.text for note in figures.loss_surface(found).layout.annotations]
    assert "no step: the slope here is exactly 0" in said
    with pytest.raises(ValueError, match="a random axis takes its lengths from the weights"):
        surface(net=net, axes=[Axis.random()])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"axes": []}, "must have 1 or 2 axes, got 0"),
        ({"axes": [Axis("l9.W", (0,))]}, "an axis must be of one of .*, got 'l9.W'"),
        ({"axes": [Axis(W, (0, H))]}, r"an index of l0.W_hh must be within \(5, 5\)"),
        ({"axes": [Axis(W, (0,))]}, "an index of l0.W_hh must be"),
        ({"axes": [Axis(W, (0, 0))] * 2}, "two axes must point in two directions"),
        ({"span": 0.0}, "span must be above 0"),
        ({"span": (1.0, 1.0, 1.0)}, "span must be above 0, one or one for each axis"),
        ({"start": (1.0,)}, r"start must be 'centre', 'steepest' or 2 offsets, got \(1.0,\)"),
        ({"clip": -1.0}, "clip must be at least 0 and finite, got -1"),
        ({"learning_rate": np.inf}, "learning_rate must be"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(options, match):
    with pytest.raises(ValueError, match=match):
        surface(**options)


def test_a_gradient_of_zero_is_no_axis():
    net, data = network(), sequences(network())
    loss = rv.losses.MSE(rv.predict(net, data.x))
    with pytest.raises(ValueError, match="the gradient must be finite and not 0 to be an axis"):
        loss_surface(net, data.x, loss, [Axis.gradient()])


def test_the_frame_has_a_row_a_point(cliff):
    frame = cliff.to_frame()
    assert len(frame) == cliff.passes
    row = frame.iloc[41 * 7 + 3]
    assert (row.at_0, row.at_1) == (cliff.values[0][7], cliff.values[1][3])
    assert row.loss == cliff.loss[7, 3]
    assert row.slope_1 == cliff.slope[7, 3, 1]


# What is drawn


def traces(picture, name):
    return [trace for trace in picture.data if trace.name == name]


def test_the_surface_draws_log10_of_each_loss_where_it_belongs(cliff):
    picture = figures.loss_surface(cliff)
    (heat,) = traces(picture, "log10 loss")
    np.testing.assert_allclose(heat.z[3][7], np.log10(cliff.loss[7, 3]), rtol=1e-6)
    np.testing.assert_array_equal(heat.x, cliff.values[0])
    assert picture.layout.xaxis.title.text == "weight W<sub>hh</sub>[0, 0] of l0"


def test_the_step_that_leaves_is_cut_at_the_edge_and_its_length_is_said(cliff):
    picture = figures.loss_surface(cliff)
    (free,), (clipped,) = traces(picture, "without clipping"), traces(picture, "clipped to norm 1")
    at = np.array(cliff.centre) + cliff.step.start
    assert (free.x[0], free.y[0]) == tuple(at)
    assert free.y[1] == pytest.approx(picture.layout.yaxis.range[1]) or free.x[1] == pytest.approx(
        picture.layout.xaxis.range[1]
    )
    np.testing.assert_allclose([clipped.x[1], clipped.y[1]], at + cliff.step.clipped_move)
    texts = [note.text for note in picture.layout.annotations]
    assert "without clipping:<br>5,476 long,<br>beyond the edge" in texts
    assert "clipped to norm 1:<br>0.1 long" in texts


def test_the_slice_draws_the_loss_its_slope_and_the_step():
    found = surface(axes=[Axis(W, (0, 1))], learning_rate=20.0, clip=0.05)
    picture = figures.loss_slice(found)
    (line,) = traces(picture, "loss")
    np.testing.assert_array_equal(line.y, found.loss)
    dashed = next(trace for trace in picture.data if trace.line.dash)
    rise = (dashed.y[-1] - dashed.y[0]) / (dashed.x[-1] - dashed.x[0])
    assert rise == pytest.approx(found.step.slope[0])
    assert len(traces(picture, "start of the step")) == 1


def test_each_picture_refuses_the_others_surface(cliff):
    with pytest.raises(ValueError, match="drawn over 1 axis, got 2"):
        figures.loss_slice(cliff)
    with pytest.raises(ValueError, match="drawn over 2 axes, got 1"):
        figures.loss_surface(surface(axes=ENTRIES[:1]))
