"""Each check passes for every cell, and fails as soon as the gradient is broken on purpose."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from helpers import network, sequences

import rnnviz as rv
from rnnviz.cells import Adjoint, Tape
from rnnviz.cells.vanilla import ReLU, Tanh
from rnnviz.diagnostics import health
from rnnviz.diagnostics.tangent import Tangent

PRODUCT, CONSERVATION, RANK = range(3)
HOMOGENEOUS = ("relu", "linear", "indrnn")


def run(**settings):
    small = {"hidden_size": 12, "steps": 9, "batch_size": 3, "task": "sine"}
    return rv.run(rv.RunConfig(**{**small, **settings}))


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)


def broken(record, number=-1, **changes):
    """The same record with one layer's arrays replaced."""
    layers = list(record.layers)
    layers[number] = replace(layers[number], **changes)
    return replace(record, layers=tuple(layers))


def changed(array, index, by=1e-3):
    """The same array with one entry changed, by a share of the largest."""
    array = array.copy()
    array[index] += by * np.abs(array).max()
    return array


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize(
    "options", [{}, {"layers": 3}, {"layers": 2, "both": True}, {"layers": 2, "residual": True}]
)
def test_every_cell_is_healthy(cell, options):
    result = health(recorded(network(cell, **options)))
    assert result.passed, [check.sentence for check in result.checks]
    product, conservation, rank = result.checks
    assert product.passed
    assert product.number <= product.allowed < 1e-4
    assert conservation.passed is (True if cell in HOMOGENEOUS else None)
    assert rank.passed is None  # T*B is more than H


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_cell_is_healthy_in_float32(cell, seed):
    result = health(run(cell=cell, dtype="float32", steps=60, loss_at="all", seed=seed))
    assert result.passed, [check.sentence for check in result.checks]


@pytest.mark.parametrize("cell", ["tanh", "relu", "lstm", "gru"])
def test_it_is_healthy_in_chaos_and_at_great_lengths(cell):
    for settings in ({"gain": 3.0, "init": "normal", "steps": 200}, {"steps": 1500, "seed": 3}):
        result = health(run(cell=cell, **settings))
        assert result.passed is not False, [check.sentence for check in result.checks]


def test_a_tangent_is_the_derivative_of_a_step_by_hand():
    record = run(cell="tanh", steps=6)
    layer, seen = record.network.layers[0], record.layers[0]
    rng = np.random.default_rng(0)
    v, after = rng.normal(size=(2, 18, 12))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    x, s = seen.x.reshape(18, -1), seen.s[:-1].reshape(18, 12)
    found, off = Tangent(layer, 18)(x, s, v, after)
    slopes = 1 - seen.h[1:].reshape(18, 12) ** 2
    expected = (after * slopes * (v @ layer.params["W_hh"].T)).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert (np.abs(found - expected) <= off).all()
    assert off.max() < 1e-8


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru", "lru"])
@pytest.mark.parametrize("t", [0, 4, 8])
def test_one_changed_derivative_by_a_state_breaks_the_product(cell, t):
    record = run(cell=cell)
    parts = dict(record.top.parts)
    parts["h"] = changed(parts["h"], (t, 1, 3))
    found = health(broken(record, parts=parts)).checks[PRODUCT]
    assert found.passed is False
    assert found.number > found.allowed


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("at", [(4, 1, 3), (9, 2, 0)])
def test_a_derivative_that_is_nothing_where_it_should_not_be_is_found(cell, at):
    record = run(cell=cell)
    parts = dict(record.top.parts)
    parts["h"] = parts["h"].copy()
    parts["h"][at] = 0
    found = health(broken(record, parts=parts)).checks[PRODUCT]
    assert found.passed is False
    assert f"of sequence {at[1] + 1} in l0" in found.sentence


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_gradient_that_is_all_too_large_is_found_at_the_loss(dtype):
    record = run(dtype=dtype)
    parts = {name: part * part.dtype.type(1.001) for name, part in record.top.parts.items()}
    found = health(broken(record, parts=parts)).checks[PRODUCT]
    assert found.passed is False
    assert found.number == pytest.approx(1e-3, rel=0.01)
    assert "state 9 " in found.sentence


def test_a_step_is_judged_by_itself_where_the_gradient_has_shrunk_far():
    record = run(gain=0.01, steps=120)
    parts = dict(record.top.parts)
    assert 0 < np.abs(parts["h"][2]).max() < 1e-180
    parts["h"] = parts["h"].copy()
    parts["h"][2, 1] *= 1 + 1e-6
    found = health(broken(record, parts=parts)).checks[PRODUCT]
    assert found.passed is False
    assert found.number == pytest.approx(1e-6, rel=0.01)
    assert "of sequence 2 in l0" in found.sentence


def test_a_product_carried_over_all_steps_by_hand_is_as_constant_as_each_step_says():
    record = run(cell="tanh", loss_at="all")
    layer, seen = record.network.layers[0], record.layers[0]
    direct = record.dy @ record.network.readout.params["W_hy"]
    v, taken = np.random.default_rng(0).normal(size=seen.s[0].shape), 0.0
    products = []
    for t in range(record.steps + 1):
        products.append((seen.ds[t] * v).sum() + taken)
        if t == record.steps:
            break
        taken += (direct[t - 1] * v).sum() if t else 0
        v = (v @ layer.params["W_hh"].T) * (1 - seen.h[t + 1] ** 2)
    np.testing.assert_allclose(products, products[0], rtol=1e-12)
    assert health(record).checks[PRODUCT].number < 1e-9


@pytest.mark.parametrize("every", [1, 5, 1000])
def test_fewer_states_can_be_taken_and_their_number_is_said(every):
    record = run(layers=2)
    taken = 2 * len(range(0, 10 * 3, every))
    product = health(record, every=every).checks[PRODUCT]
    assert product.passed
    assert f"the most of {taken} states" in product.sentence
    assert product.brief.endswith(f"at {taken} of 60 states")


@pytest.mark.parametrize("at", [(1, 0, 3), (801, 2, 3)])
def test_every_block_of_many_states_is_judged_to_its_end(at):
    record = run(steps=801, loss_at="all")  # 2,406 states of 12 units: a block of 1,203 and another
    parts = {"h": changed(record.top.parts["h"], at)}
    found = health(broken(record, parts=parts)).checks[PRODUCT]
    assert found.passed is False
    assert f"of sequence {at[1] + 1} in l0" in found.sentence


def test_the_line_has_every_number_that_there_is():
    line = health(run(cell="relu", steps=2, batch_size=2, hidden_size=24)).line
    assert line.startswith("Gradient and carried change agree to ")
    assert "at 6 of 6 states; conservation by unit to " in line
    assert line.endswith("; rank of ∂L/∂W_hh 2 of at most 4.")
    assert "rank" not in health(run(), with_rank=False).line


def test_the_line_of_a_wrong_gradient_says_what_is_wrong_and_of_none_why():
    record = run()
    parts = {"h": changed(record.top.parts["h"], (4, 1, 3))}
    result = health(broken(record, parts=parts))
    assert result.line == result.checks[PRODUCT].sentence
    overflowed = health(run(gain=10.0, cell="linear", steps=900))
    assert overflowed.line == "Adjoint and tangent: cannot be judged: the states overflowed."


@dataclass(frozen=True)
class WrongSlope(Tanh):
    """A tanh whose slope is 1 % too steep."""

    @staticmethod
    def slope(h, out=None):
        return np.multiply(1.01, np.subtract(1, np.multiply(h, h, out), out), out)


@dataclass(frozen=True)
class Leaking(ReLU):
    """A ReLU that is not shut on the way back."""

    @staticmethod
    def slope(h, out=None):
        return np.maximum(np.greater(h, 0, np.empty_like(h) if out is None else out), 0.1, out=out)


@dataclass(frozen=True)
class Transposed(Tanh):
    """A tanh cell that multiplies by the wrong transpose on the way back."""

    def backward(self, params, tape: Tape, adjoint: Adjoint):
        return super().backward({**params, "W_hh": params["W_hh"].T.copy()}, tape, adjoint)


@pytest.mark.parametrize("kind", [WrongSlope, Leaking, Transposed])
def test_a_cell_with_a_wrong_backward_breaks_the_product(kind):
    record = run(cell="relu" if kind is Leaking else "tanh")
    net = record.network
    cell = kind(net.layers[0].cell.input_size, net.layers[0].cell.hidden_size)
    wrong = replace(net, layers=(replace(net.layers[0], cell=cell),))
    result = health(rv.bptt(wrong, record.x, rv.losses.MSE(np.zeros_like(record.y))))
    assert result.checks[PRODUCT].passed is False
    assert result.passed is False


@pytest.mark.parametrize("cell", HOMOGENEOUS)
@pytest.mark.parametrize("what", ["da", "ds", "grad"])
def test_one_changed_number_breaks_the_conservation(cell, what):
    record = run(cell=cell, layers=2)
    seen = record.top
    at = tuple(np.argwhere(seen.h[1:] * seen.da != 0)[0])
    changes = {
        "da": {"pre": changed(seen.pre, at)},
        "ds": {"parts": {"h": changed(seen.dh, (at[0] + 1, *at[1:]))}},
        "grad": {"grads": {**seen.grads, "W_ih": changed(seen.grads["W_ih"], (at[2], 1))}},
    }
    found = health(broken(record, **changes[what])).checks[CONSERVATION]
    assert found.passed is False
    assert f"unit {at[2]} of l1" in found.sentence


def test_conservation_is_what_balance_says_of_one_layer():
    record = run(cell="relu", loss_at="all")
    params, grads = record.network.params, record.grads
    both = {name: params[name] * grads[name] for name in params}
    comes_in = both["l0.W_ih"].sum(axis=1) + both["l0.W_hh"].sum(axis=1)
    comes_in += both["l0.b_ih"] + both["l0.b_hh"]
    goes_out = both["l0.W_hh"].sum(axis=0) + both["readout.W_hy"].sum(axis=0)
    np.testing.assert_allclose(comes_in, goes_out, atol=1e-14)
    by_states = (record.h * record.dh).sum(axis=(0, 1))
    np.testing.assert_allclose(comes_in, by_states, atol=1e-14)


@pytest.mark.parametrize("cell", [name for name in rv.CELLS if name not in ("indrnn", "lru")])
def test_the_rank_is_at_most_the_products_and_more_if_one_entry_is_changed(cell):
    record = run(cell=cell, steps=2, batch_size=2, hidden_size=24)
    products = 2 if cell in ("antisymmetric", "gru_cho", "mgu") else 1
    found = health(record).checks[RANK]
    assert found.passed
    assert found.number <= found.allowed == products * 4
    grads = dict(record.top.grads)
    for i in range(1 + products * 4):
        grads["W_hh"] = changed(grads["W_hh"], (i, i))
    found = health(broken(record, grads=grads)).checks[RANK]
    assert found.passed is False
    assert found.number > found.allowed


def test_one_changed_entry_raises_a_full_rank():
    record = run(steps=5, batch_size=1, hidden_size=24)  # s[0] is 0: of 5 products 4 are left
    assert health(record).checks[RANK].number == 4
    grads = dict(record.top.grads)
    for i in (3, 7):
        grads["W_hh"] = changed(grads["W_hh"], (i, 2 * i))
    assert health(broken(record, grads=grads)).checks[RANK].passed is False


def test_cells_without_the_matrix_have_no_rank():
    for cell in ("indrnn", "lru"):
        check = health(run(cell=cell)).checks[RANK]
        assert check.passed is None
        assert "does not apply" in check.sentence


def test_the_gradient_check_is_one_line_where_it_was_made():
    record = run()
    loss = rv.losses.MSE(np.zeros_like(record.y))
    checked = rv.diagnostics.gradient_check(record.network, record.x, loss)
    line = health(record, checked).checks[-1]
    assert line.passed
    assert line.number == checked.worst.error
    assert checked.sentence in line.sentence
    wrong = replace(checked, entries=tuple(replace(e, error=1.0) for e in checked.entries))
    assert health(record, wrong).passed is False
    undecided = replace(checked, entries=tuple(replace(e, decided=False) for e in checked.entries))
    assert health(record, undecided).checks[-1].passed is None


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 10.0, "cell": "relu", "init": "identity", "steps": 900},
        {"gain": 10.0, "cell": "linear", "steps": 900},
        {"gain": 10.0, "cell": "linear", "steps": 60, "dtype": "float32"},
    ],
)
def test_what_overflowed_cannot_be_judged(settings):
    result = health(run(**settings))
    assert result.passed is None
    assert all("cannot be judged" in check.sentence for check in result.checks)


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.0},
        {"gain": 0.0, "cell": "relu", "bias": "zero", "input_scale": 0.0},
        {"steps": 1, "hidden_size": 1, "batch_size": 1},
        {"gain": 0.01, "steps": 200},
        {"gain": 10.0, "init": "normal", "steps": 300},
    ],
)
def test_extremes_do_not_fail(settings):
    result = health(run(**settings))
    assert result.passed is not False, [check.sentence for check in result.checks]


def test_a_kink_within_the_moves_leaves_its_state_out():
    W = {"W_ih": [[1.0]], "W_hh": [[1.0]], "b_ih": [0.0]}
    W = {name: np.array(value) for name, value in W.items()}
    net = rv.Network([rv.Layer(rv.CELLS["relu"](1, 1), W)])
    x = np.array([[[0.0], [1.0]], [[1.0], [1.0]]])  # the first sequence starts on the kink
    record = rv.bptt(net, x, rv.losses.MSE(np.zeros((2, 2, 1))))
    check = health(record).checks[PRODUCT]
    assert check.passed
    assert check.number < 1e-9
    assert "1 of 6 states could not be judged" in check.sentence


def test_the_frame_has_a_row_a_check():
    frame = health(run(cell="relu")).to_frame()
    assert list(frame.columns) == ["name", "passed", "number", "allowed", "sentence"]
    assert len(frame) == 3
