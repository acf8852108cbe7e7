"""A network takes what it can compute with, keeps it, and refuses the rest."""

import numpy as np
import pytest
from helpers import H, I, O, network, sequences

import rnnviz as rv


def changed(name, change):
    """The two-layer network with one parameter changed."""
    net = network(layers=2)
    return net.with_params({**net.params, name: change(net.params[name])})


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("l1.W_hh", np.float32, "l1.W_hh must be float64 as the other weights are, got float32"),
        ("l0.W_ih", np.float32, "l0.W_ih must be float64 as the other weights are, got float32"),
        ("readout.b_y", np.float32, "readout.b_y must be float64 as the other weights are"),
        ("l0.W_ih", np.float16, "l0.W_ih must be float32 or float64, got float16"),
        ("l0.b_hh", np.int64, "l0.b_hh must be float32 or float64, got int64"),
        ("l1.W_hh", np.longdouble, "l1.W_hh must be float32 or float64, got (float128|longdouble)"),
        ("l1.W_hh", np.complex128, "l1.W_hh must be float32 or float64, got complex128"),
        ("readout.W_hy", ">f8", "readout.W_hy must be float32 or float64, got >f8"),
    ],
)
def test_a_parameter_of_another_precision_is_refused(name, dtype, message):
    if np.dtype(dtype) == np.float64:
        pytest.skip("this dtype is float64 here")
    with pytest.raises(ValueError, match=message):
        changed(name, lambda W: W.astype(dtype))


def test_a_precision_that_no_parameter_can_have_is_refused():
    with pytest.raises(ValueError, match=r"l0\.W_ih must be float32 or float64, got float16"):
        network(dtype=np.float16)


def strided(W):
    wide = np.zeros((2 * len(W), 3 * W.shape[1]))
    wide[::2, ::3] = W
    return wide[::2, ::3]


@pytest.mark.parametrize("stored", [np.asfortranarray, strided, lambda W: W.T.copy().T])
def test_how_a_matrix_is_stored_changes_no_result(stored):
    net = network(layers=2)
    data = sequences(net)
    other = net.with_params({**net.params, "l1.W_hh": stored(net.params["l1.W_hh"])})
    assert all(W.flags.forc for W in other.params.values())
    loss = rv.losses.MSE(data.target)
    expected, record = (rv.bptt(which, data.x, loss, data.s0) for which in (net, other))
    np.testing.assert_allclose(record.h, expected.h, rtol=1e-13)
    for name, grad in expected.grads.items():
        np.testing.assert_allclose(record.grads[name], grad, rtol=1e-12, atol=1e-14)


def test_later_changes_of_the_callers_arrays_do_not_reach_the_network():
    cell = rv.CELLS["tanh"](I, H)
    params = {name: np.ones(shape) for name, shape in cell.shapes.items()}
    out = {"W_hy": np.ones((O, H)), "b_y": np.ones(O)}
    net = rv.Network([rv.Layer(cell, params)], rv.Readout(out))
    for W in (*params.values(), *out.values()):
        W[...] = 7
    params.clear()
    assert all((W == 1).all() and not W.flags.writeable for W in net.params.values())
    assert len(net.params) == 6


def test_arrays_that_are_read_only_already_are_not_copied():
    net = network(layers=2)
    again = net.with_params(net.params)
    assert all(again.params[name] is W for name, W in net.params.items())


def test_a_list_of_numbers_is_a_parameter():
    net = network(layers=2)
    given = {**net.params, "l1.b_hh": net.params["l1.b_hh"].tolist()}
    assert (net.with_params(given).params["l1.b_hh"] == net.params["l1.b_hh"]).all()


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, -3), "hidden_size must be at least 1, got -3"),
        ((2, 0), "hidden_size must be at least 1, got 0"),
        ((0, 2), "input_size must be at least 1, got 0"),
    ],
)
def test_a_cell_without_units_or_inputs_is_refused(cell, sizes, message):
    with pytest.raises(ValueError, match=message):
        rv.CELLS[cell](*sizes)


def test_a_readout_that_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r"W_hy must be \(O, H\), got \(5,\)"):
        rv.Readout({"W_hy": np.ones(5), "b_y": np.ones(1)})
