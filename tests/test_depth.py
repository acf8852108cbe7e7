"""The gradient at every layer and step."""

import numpy as np
import pytest
from helpers import T, network, sequences

import rnnviz as rv
from rnnviz.diagnostics import depth, gradient_flow


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("both", [True, False])
def test_each_row_is_the_norm_of_its_layers_ds_where_it_lies_in_time(cell, layers, both):
    record = recorded(network(cell, layers=layers, both=both))
    result = depth(record, "total")
    assert result.names == record.network.names
    for row, layer, seen in zip(
        result.log10_norm, record.network.layers, record.layers, strict=True
    ):
        norm = np.log10(np.linalg.norm(seen.ds, axis=2).mean(axis=1))
        np.testing.assert_allclose(row, norm[::-1] if layer.reverse else norm, atol=1e-12)


@pytest.mark.parametrize("source", ["last", "total"])
def test_each_row_is_its_layers_gradient_flow(source):
    record = recorded(network("gru", layers=3))
    result = depth(record, source)
    for number, row in enumerate(result.log10_norm):
        flow = gradient_flow(record, source, number)
        np.testing.assert_allclose(row, flow.log10_norm, atol=1e-14)
        assert result.loss_state == flow.loss_state == T


def test_what_the_last_loss_does_not_look_at_is_exactly_zero():
    data = sequences(net := network("tanh", layers=2))
    mask = np.zeros_like(data.mask)
    mask[3] = True
    result = depth(rv.bptt(net, data.x, rv.losses.MSE(data.target, mask)))
    assert result.loss_state == 4
    assert np.isneginf(result.log10_norm[:, 5:]).all()
    assert np.isfinite(result.log10_norm[:, :5]).all()


def test_the_frame_has_a_row_a_layer_and_state():
    result = depth(recorded(network(layers=2)))
    frame = result.to_frame()
    assert len(frame) == 2 * (T + 1)
    np.testing.assert_array_equal(frame[frame.layer == "l1"].log10_norm, result.log10_norm[1])
