"""The verdict names what happens, judges the measured rate, and its remedy helps."""

from itertools import product

import numpy as np
import pytest

import rnnviz as rv

SMALL = {"hidden_size": 24, "steps": 60, "batch_size": 5}


def distance(factor):
    """How far a factor is from holding."""
    return abs(np.log(factor)) if 0 < factor < np.inf else np.inf


def judge(**settings):
    config = rv.RunConfig(**{**SMALL, **settings})
    return rv.diagnostics.verdict(rv.run(config))


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, "vanishing"),
        ({"cell": "linear", "init": "orthogonal", "gain": 0.9}, "vanishing"),
        ({"cell": "linear", "init": "orthogonal"}, "holding"),
        ({"cell": "linear", "init": "orthogonal", "gain": 1.2}, "exploding"),
        ({"cell": "relu", "init": "identity", "bias": "zero"}, "holding"),
        ({"cell": "relu", "gain": 10, "steps": 240}, "exploding"),
        ({"cell": "linear", "init": "normal", "gain": 10, "steps": 240}, "overflowed"),
        (
            {"cell": "linear", "init": "normal", "gain": 10, "steps": 240, "task": "sine"},
            "overflowed",
        ),
        ({"gain": 0.0}, "dead"),
        ({"cell": "relu", "bias": "constant", "bias_value": -10}, "dead"),
        ({"cell": "sigmoid"}, "vanishing"),
    ],
)
def test_the_kind_is_what_happens(settings, kind):
    verdict = judge(**settings)
    assert verdict.kind == kind
    assert str(verdict).startswith(kind.capitalize() + ".")


def test_a_linear_orthogonal_network_has_every_number_in_closed_form():
    verdict = judge(cell="linear", init="orthogonal", gain=0.9)
    assert verdict.factor == pytest.approx(0.9, rel=1e-12)
    assert verdict.half_life == pytest.approx(np.log(0.5) / np.log(0.9))
    assert verdict.reach == int(np.ceil(np.log(0.01) / np.log(0.9)))
    assert verdict.doubling_time is None
    assert verdict.fit_lags == (7, 53)
    growing = judge(cell="linear", init="orthogonal", gain=1.25)
    assert growing.doubling_time == pytest.approx(np.log(2) / np.log(1.25))
    assert growing.half_life is None
    assert growing.reach is None


def test_the_measured_rate_decides_and_not_the_spectral_radius():
    """tanh, H = 64, gain 1.2, inputs of unit variance: the radius is above 1, and it vanishes."""
    config = rv.RunConfig(
        hidden_size=64, init="normal", gain=1.2, input_init="he", task="delayed_recall", bias="zero"
    )
    record = rv.run(config)
    verdict = rv.diagnostics.verdict(record)
    radius = rv.diagnostics.eigenvalues(record.network).spectral_radius
    assert radius > 1.1
    assert verdict.kind == "vanishing"
    assert verdict.factor < 0.85
    assert f"The spectral radius is {radius:.3g}, not below 1, but" in verdict.sentence


def test_a_loss_at_every_step_gives_the_verdict_of_one_steps_loss():
    last, everywhere = judge(loss_at="last"), judge(loss_at="all")
    assert everywhere.factor == pytest.approx(last.factor, rel=1e-9)


def test_the_first_bad_step_is_the_first_in_the_order_of_computing():
    config = rv.RunConfig(**SMALL).replace(
        cell="linear", init="normal", gain=10, steps=400, task="sine"
    )
    record = rv.run(config)
    verdict = rv.diagnostics.verdict(record)
    first = int(np.argmax(~np.isfinite(record.h).all(axis=(1, 2))))
    assert verdict.first_bad_step == first
    assert f"infinite in float64 at t = {first}" in verdict.sentence
    assert judge(gain=0.0).first_bad_step == SMALL["steps"] - 1


def test_an_underflow_is_told_from_an_exact_zero():
    verdict = judge(cell="linear", init="identity", gain=0.1, steps=240, dtype="float32")
    assert verdict.kind == "vanishing"
    assert verdict.factor == pytest.approx(0.1, rel=1e-5)
    assert "0 in float32, too small for it" in verdict.sentence
    assert "exactly 0" in judge(gain=0.0).sentence


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cell": "sigmoid"},
        {"gain": 0.0},
        {"cell": "linear", "init": "normal", "gain": 3.0},
        {"cell": "linear", "init": "normal", "gain": 10.0, "steps": 240, "task": "sine"},
        {"cell": "relu", "gain": 10.0},
        {"init": "normal", "gain": 1.2, "input_init": "he", "task": "delayed_recall"},
        {"cell": "relu", "bias": "constant", "bias_value": -10.0},
    ],
)
def test_the_remedy_brings_the_factor_nearer_to_one(settings):
    config = rv.RunConfig(**{**SMALL, **settings})
    before = rv.diagnostics.verdict(rv.run(config))
    changed = before.remedy.apply(config)
    assert before.remedy.control in rv.RunConfig.model_fields
    assert changed != config
    after = rv.diagnostics.verdict(rv.run(changed))

    assert distance(after.factor) < distance(before.factor)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_a_remedy_always_changes_something_and_nearly_always_helps(cell):
    helped = []
    few = 1 + rv.CELLS[cell].in_pairs
    for init, gain, bias, H in product(
        ("normal", "uniform"), (0.05, 1.0, 2.0, 10.0), ("zero", "constant"), (16, few)
    ):
        settings = {"cell": cell, "init": init, "gain": gain, "bias": bias, "bias_value": 3.0}
        config = rv.RunConfig(**{**SMALL, "hidden_size": H, **settings})
        before = rv.diagnostics.verdict(rv.run(config), config=config)
        changed = before.remedy.apply(config)
        assert changed != config, (settings, before.remedy.text)
        after = rv.diagnostics.verdict(rv.run(changed))
        if before.kind != "holding":
            nearer = distance(after.factor) < distance(before.factor)
            revived = before.kind in ("dead", "overflowed") and after.kind != before.kind
            helped.append(nearer or revived)
    assert np.mean(helped) > 0.75


def test_a_remedy_stays_within_the_data():
    config = rv.RunConfig(cell="linear", init="orthogonal", steps=249, bias="zero")
    verdict = rv.diagnostics.verdict(rv.run(config), config=config)
    assert verdict.kind == "holding"
    assert verdict.remedy.apply(config) != config
    assert rv.diagnostics.verdict(rv.run(config)).remedy.apply(config).steps == 249


def test_a_radius_of_one_is_not_called_small():
    for seed in range(6):
        verdict = judge(cell="linear", init="spectral_radius", seed=seed)
        assert "small" not in verdict.sentence


@pytest.mark.parametrize("change", [{"steps": 1}, {"hidden_size": 1}, {"batch_size": 1}])
@pytest.mark.parametrize("gain", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("cell", rv.CELLS)
def test_every_extreme_gives_one_sentence(cell, gain, change):
    if "hidden_size" in change:
        change = {"hidden_size": 1 + rv.CELLS[cell].in_pairs}
    verdict = judge(cell=cell, gain=gain, **change)
    assert verdict.sentence.endswith(".")
    assert "nan" not in verdict.sentence
    assert len(verdict.to_frame()) == 1


def test_a_remedy_never_narrows_a_ring():
    for edges in ((0.9995, 0.9999), (0.999, 0.9995), (0.5, 0.6), (0.9, 0.999)):
        config = rv.RunConfig(cell="lru", ring_min=edges[0], ring_max=edges[1], task="sine")
        remedy = rv.diagnostics.verdict(rv.run(config), config=config).remedy
        after = remedy.apply(config)
        assert (after.ring_min, after.ring_max) >= edges
        rv.run(after)


def test_a_highway_that_the_gradient_does_not_reach_is_told():
    config = rv.RunConfig(cell="lstm", bias="constant", bias_value=10.0, steps=60, hidden_size=16)
    verdict = rv.diagnostics.verdict(rv.run(config))
    assert "The cell state is handed on times 1 at each step" in verdict.sentence
    assert verdict.sentence.endswith("but little of the gradient gets there.")


def test_where_nothing_is_left_there_is_nothing_to_fit():
    record = rv.run(rv.RunConfig(gain=0.0, hidden_size=6, steps=9, batch_size=3))
    verdict = rv.diagnostics.verdict(record)
    assert (verdict.kind, verdict.factor) == ("dead", 0)
    assert verdict.evidence[0] == "factor 0 a step"
