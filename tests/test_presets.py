"""Each preset runs, and does what it claims."""

import pytest

import rnnviz as rv


@pytest.mark.parametrize("name", rv.PRESETS)
def test_a_preset_is_a_whole_config_with_a_claim_and_a_source(name):
    preset = rv.PRESETS[name]
    assert preset.title
    assert preset.claim.endswith(".")
    assert preset.source
    assert rv.run(preset.config).loss >= 0


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
