"""How far a model's outputs are from ours: the number, the place, the axes, the sentence."""

import numpy as np
import pytest
from helpers import I, O
from helpers import network as ours

import rnnviz as rv
from rnnviz.interop import parity, probe
from rnnviz.interop.suggest import suggest


@pytest.fixture(scope="module")
def case():
    network = ours("lstm")
    x = probe(network)
    return network, x, rv.predict(network, x)


def test_the_probe_is_the_same_in_both_precisions(case):
    network, x, _ = case
    assert x.shape == (20, 4, I)
    np.testing.assert_array_equal(x, x.astype(np.float32))
    np.testing.assert_array_equal(x, probe(network, seed=0))
    assert not np.array_equal(x, probe(network, seed=1))


def test_the_largest_difference_is_found_where_it_was_put(case):
    network, x, y = case
    theirs = y.copy()
    theirs[7, 2, 3] += 0.25
    theirs[1, 0, 0] -= 0.125
    found = parity(network, x, theirs)
    assert found.largest == pytest.approx(0.25, abs=1e-15)
    assert found.where == (7, 2, 3)
    assert found.precision is None
    assert "does so by 0.25 (step 7, sequence 2, output 3)" in found.sentence
    assert "not the same network" in str(found)
    frame = found.to_frame()
    assert frame.difference.to_numpy()[[1, 7]] == pytest.approx([0.125, 0.25], abs=1e-15)
    assert frame.difference.sum() == pytest.approx(0.375, abs=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rounding_is_told_from_another_network(case, dtype):
    network, x, y = case
    found = parity(network, x, y.astype(dtype))
    assert found.precision == dtype
    assert "the two are the same network" in found.sentence


def test_other_axes_are_read_and_said(case):
    network, x, y = case
    turned = parity(network, x, y.transpose(1, 0, 2))
    assert (turned.largest, turned.note) == (0, "the sequences stand first in it")
    last = parity(network, x, y[-1])
    assert (last.largest, last.where[0], last.note) == (0, 19, "it is the last step alone")


@pytest.mark.parametrize(
    ("y", "cause"),
    [
        (np.zeros((20, 4, O + 1)), r"\(T, B, O\) = \(20, 4, 4\).* got \(20, 4, 5\)"),
        (np.full((20, 4, O), np.nan), "finite numbers, got 320 of 320 infinite or NaN"),
        (np.full((20, 4, O), "a"), "finite numbers, got <U1"),
    ],
)
def test_outputs_that_cannot_be_compared_are_refused(case, y, cause):
    network, x, _ = case
    with pytest.raises(ValueError, match=cause):
        parity(network, x, y)


def test_the_correction_that_makes_a_model_ours_is_found():
    """Cho's GRU with its gates z r n, taken for PyTorch's: two corrections at once."""
    network = ours("gru_cho")
    x = probe(network)
    r, z, n = (slice(k * 5, (k + 1) * 5) for k in range(3))
    turned = {
        name: np.concatenate([W[z], W[r], W[n]]) if name.startswith("l0") else W
        for name, W in network.params.items()
    }
    asked = suggest(turned, x, rv.predict(network, x).astype(np.float32))
    assert asked == {"cell": "gru_cho", "gates": "z r n"}
    assert suggest(turned, x, np.ones((20, 4, O))) == {}
