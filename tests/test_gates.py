"""The gates of a layer over time."""

import numpy as np
import pytest
from helpers import B, H, T, hidden, network, sequences
from scipy.special import expit

import rnnviz as rv
from rnnviz.diagnostics import gates

GATED = [name for name, cell in rv.CELLS.items() if cell.gate_names]


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target), s0=data.s0)


def without_weights(net, bias):
    params = {name: np.zeros_like(W) for name, W in net.params.items()}
    params["l0.b_ih"] = np.full_like(params["l0.b_ih"], bias)
    return net.with_params(params)


@pytest.mark.parametrize("cell", [name for name in GATED if "norm" not in name])
def test_without_weights_a_gate_is_the_nonlinearity_of_its_bias(cell):
    result = gates(recorded(without_weights(network(cell), 0.3)))
    for name, gate in result.gates.items():
        expected = np.tanh(0.3) if name in ("g", "n") else expit(0.3)
        for found in (gate.values, gate.mean, gate.quantiles):
            np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert (gate.saturated == 0).all()


@pytest.mark.parametrize("cell", GATED)
def test_every_gate_stays_in_its_span_and_its_statistics_are_those_of_its_values(cell):
    record = recorded(network(cell))
    result = gates(record)
    assert tuple(result.gates) == rv.CELLS[cell].gate_names
    assert sorted(result.order) == list(range(hidden(cell)))
    for name, gate in result.gates.items():
        low, high = gate.span
        np.testing.assert_array_equal(gate.values, record.gates[name])
        assert ((gate.values >= low) & (gate.values <= high)).all()
        flat = gate.values.reshape(T, -1)
        np.testing.assert_allclose(gate.mean, flat.mean(axis=1))
        nearest = np.quantile(flat, [0.1, 0.5, 0.9], axis=1, method="nearest")
        np.testing.assert_array_equal(gate.quantiles, nearest)


@pytest.mark.parametrize(("bias", "share"), [(2.9, 0.0), (3.0, 1.0), (-2.9, 0.0), (-3.0, 1.0)])
def test_a_gate_within_a_twentieth_of_an_end_is_saturated(bias, share):
    gate = gates(recorded(without_weights(network("lstm"), bias))).gates["f"]
    np.testing.assert_array_equal(gate.saturated, share)


def test_a_reverse_layers_gates_lie_where_they_do_in_time():
    record = recorded(network("gru", both=True))
    z = gates(record, 1).gates["z"].values
    np.testing.assert_array_equal(z, record.layers[1].gates["z"][::-1])
    assert gates(record).layer == "l0"
    assert gates(record, 1).layer == "l0_reverse"


def test_a_gate_that_is_no_number_is_not_saturated():
    net = network("lstm")
    data = sequences(net)
    data.x[3] = np.nan
    gate = gates(rv.bptt(net, data.x, rv.losses.MSE(data.target))).gates["f"]
    assert np.isnan(gate.mean[3:]).all()
    assert np.isfinite(gate.mean[:3]).all()
    assert (gate.saturated[3:] == 0).all()


@pytest.mark.parametrize("cell", sorted(set(rv.CELLS) - set(GATED)))
def test_a_cell_without_gates_is_refused_in_one_sentence(cell):
    with pytest.raises(ValueError, match="gates takes a cell with gates, got "):
        gates(recorded(network(cell)))


def test_the_frame_has_a_row_a_gate_and_step():
    result = gates(recorded(network("gru")))
    frame = result.to_frame()
    assert len(frame) == 3 * T
    np.testing.assert_array_equal(frame[frame.gate == "z"]["mean"], result.gates["z"].mean)
    assert result.gates["z"].values.shape == (T, B, H)
