"""Each preset runs, and does what it claims."""

import re

import numpy as np
import pytest

import rnnviz as rv


@pytest.mark.parametrize("name", rv.PRESETS)
def test_a_preset_is_a_whole_config_with_a_claim_and_a_source(name):
    preset = rv.PRESETS[name]
    assert preset.title
    assert preset.claim.endswith(".")
    assert re.search(r"\(20\d\d\), \w|documentation|notebook", preset.source)
    assert np.isfinite(rv.run(preset.config).loss)


def measured(config, seed):
    """The factor as ``Preset.factor`` says it is measured."""
    if rv.TASKS[config.task].network:
        return rv.diagnostics.gradient_flow(rv.run(config.replace(seed=seed)), "last").factor
    config = config.replace(hidden_size=64, seed=seed)
    x = config.rng("data").normal(size=(200, 16, 8))
    last = np.zeros((200, 16), bool)
    last[-1] = True
    loss = rv.losses.MSE(np.zeros((200, 16, 1)), last)
    record = rv.bptt(rv.build(config, 8, 1), x, loss)
    return rv.diagnostics.gradient_flow(record, "last").factor


@pytest.mark.parametrize("name", rv.PRESETS)
def test_the_number_beside_a_claim_is_measured_again(name):
    preset = rv.PRESETS[name]
    factors = [measured(preset.config, seed) for seed in range(5)]
    assert min(factors) - 0.0005 <= preset.factor <= max(factors) + 0.0005
    assert preset.factor == pytest.approx(np.median(factors), abs=0.002)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("pytorch-rnn", 0.58),
        ("keras-rnn", 0.77),
        ("pytorch-lstm", 0.63),
        ("orthogonal-lstm", 0.95),
        ("chrono-lstm", 0.99),
        ("pytorch-gru", 0.64),
        ("orthogonal-gru", 0.73),
        ("irnn", 1.0),
    ],
)
def test_the_factors_agree_with_those_measured_elsewhere_to_two_digits(name, known):
    factors = [measured(rv.PRESETS[name].config, seed) for seed in range(5)]
    assert min(factors) - 0.005 <= known <= max(factors) + 0.005


@pytest.mark.parametrize("scale", [0.001, 10.0])
def test_the_scale_of_an_irnns_input_weights_changes_no_slope(scale):
    config = rv.PRESETS["irnn"].config
    one, other = rv.run(config), rv.run(config.replace(input_scale=scale))
    np.testing.assert_array_equal(one.h > 0, other.h > 0)
    assert rv.diagnostics.verdict(other).kind == rv.diagnostics.verdict(one).kind


def test_the_exploding_preset_grows_as_claimed_in_ten_steps():
    preset = rv.PRESETS["exploding"]
    radius = rv.diagnostics.eigenvalues(rv.run(preset.config).network).spectral_radius
    assert radius == pytest.approx(1.1)
    assert f"{radius**10:.1f}" in preset.claim


def test_the_notebook_preset_is_one_tanh_layer_without_a_readout():
    network = rv.run(rv.PRESETS["notebook"].config).network
    assert network.readout is None
    assert [layer.cell.title for layer in network.layers] == ["tanh"]


@pytest.mark.parametrize(
    ("name", "kind", "low", "high"),
    [
        ("pytorch-rnn", "vanishing", 0.5, 0.7),
        ("keras-rnn", "vanishing", 0.8, 0.98),
        ("orthogonal", "holding", 1 - 1e-12, 1 + 1e-12),
        ("irnn", "holding", 0.98, 1.02),
        ("flat-units", "vanishing", 0.6, 0.85),
        ("exploding", "exploding", 1.08, 1.12),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_measured_factor_is_the_claimed_one(name, kind, low, high, seed):
    config = rv.PRESETS[name].config.replace(seed=seed)
    verdict = rv.diagnostics.verdict(rv.run(config))
    assert verdict.kind == kind
    assert low <= verdict.factor <= high
