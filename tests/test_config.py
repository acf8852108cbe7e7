"""A config is the only place a setting is described, and says in one sentence what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnviz as rv
from rnnviz.fields import bounds, options, stops

FIELDS = rv.TrainConfig.model_fields
NUMBERS = [name for name, field in FIELDS.items() if not options(field)]
CHOICES = [name for name, field in FIELDS.items() if options(field)]


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_a_default_a_title_and_a_help_text(name):
    field = FIELDS[name]
    assert field.default is not None
    assert field.title
    assert field.description.endswith(".")
    assert "unit" in field.json_schema_extra or "options" in field.json_schema_extra


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_taken_in_its_range_and_refused_outside(name):
    low, high = bounds(FIELDS[name])
    for value in (low, high):
        assert getattr(rv.TrainConfig(**{name: value}), name) == value
    for value in (low - 1, high + 1, 10**30, -(10**30)):
        with pytest.raises(ValueError, match=rf"^{name} must be in \[.*\], got {value}$"):
            rv.TrainConfig(**{name: value})
    for value in (np.nan, np.inf, "many", None, [1], True):
        with pytest.raises(ValueError, match=rf"^{name} must be .*in \["):
            rv.TrainConfig(**{name: value})


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_takes_what_is_offered_and_names_it_otherwise(name):
    for value in options(FIELDS[name]):
        assert getattr(rv.TrainConfig(**{name: value}), name) == value
    with pytest.raises(ValueError, match=rf"^{name} must be one of \[.*\], got '\.\./x'$"):
        rv.TrainConfig(**{name: "../x"})


def test_several_faults_are_all_named():
    with pytest.raises(ValueError, match=r"hidden_size must be.*; gain must be"):
        rv.RunConfig(hidden_size=0, gain=-1)


def test_of_thousands_of_faults_the_first_are_named_and_the_others_counted():
    with pytest.raises(ValueError, match=r"'a0'.*'a19'; choose [^;]*; and 2,980 more$") as refused:
        rv.RunConfig(**{f"a{n}": n for n in range(3000)})
    assert "a20" not in str(refused.value)


def test_an_unknown_setting_is_named():
    with pytest.raises(
        ValueError, match=r"unknown setting 'hiden_size'; did you mean hidden_size\?$"
    ):
        rv.RunConfig(hiden_size=3)
    with pytest.raises(
        ValueError, match=r"unknown setting 'zzzz'; choose from \['alpha', 'batch_size'"
    ):
        rv.RunConfig(zzzz=3)


def test_a_config_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        rv.RunConfig().gain = 2.0


def test_a_long_bad_value_is_cut():
    with pytest.raises(ValueError, match=r"cell must be") as error:
        rv.RunConfig(cell="x" * 5000)
    assert len(str(error.value)) < 300


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9999), st.integers(2, 40))
def test_the_batch_size_changes_no_weight(seed, batch_size):
    config = rv.RunConfig(seed=seed, hidden_size=6, steps=4, batch_size=1)
    one, more = rv.run(config), rv.run(config.replace(batch_size=batch_size))
    for name, W in one.network.params.items():
        np.testing.assert_array_equal(W, more.network.params[name])


def test_a_parameter_keeps_its_numbers_when_other_settings_change():
    base = rv.RunConfig(hidden_size=6)
    W_hh = rv.build(base, 1, 1).params["l0.W_hh"]
    for change in ({"layers": 3}, {"readout": "none"}, {"input_init": "he"}, {"bias": "zero"}):
        other = rv.build(base.replace(**change), 1, 1).params["l0.W_hh"]
        np.testing.assert_array_equal(W_hh, other)
    doubled = rv.build(base.replace(gain=2.0), 1, 1).params["l0.W_hh"]
    np.testing.assert_array_equal(2 * W_hh, doubled)


def test_another_data_draw_keeps_the_weights_and_another_seed_does_not():
    base = rv.RunConfig(hidden_size=6, steps=9, batch_size=2)
    first, drawn, seeded = (
        rv.run(base.replace(**change)) for change in ({}, {"data_seed": 1}, {"seed": 1})
    )
    np.testing.assert_array_equal(first.network.params["l0.W_hh"], drawn.network.params["l0.W_hh"])
    assert not np.array_equal(first.x, drawn.x)
    assert not np.array_equal(first.network.params["l0.W_hh"], seeded.network.params["l0.W_hh"])


@pytest.mark.parametrize("task", rv.TASKS)
def test_equal_configs_give_equal_records_to_the_bit(task):
    network = {"hidden_size": 5, "layers": 2} | rv.TASKS[task].network
    config = rv.RunConfig(task=task, steps=30, batch_size=3, **network)
    one, two = rv.run(config), rv.run(rv.RunConfig(**config.model_dump()))
    np.testing.assert_array_equal(one.h, two.h)
    np.testing.assert_array_equal(one.dh, two.dh)


def test_a_record_too_large_is_refused_with_the_numbers_before_anything_is_computed():
    config = rv.RunConfig(task="sine", steps=10_000, batch_size=512, hidden_size=1024)
    with pytest.raises(
        ValueError, match=r"must be at most 1,024 MB, got 120,\d+ MB for steps=10000"
    ):
        rv.run(config)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_memory_estimate_is_what_a_record_takes(layers, dtype):
    from rnnviz.run import record_bytes

    config = rv.RunConfig(layers=layers, dtype=dtype, hidden_size=40, steps=200, batch_size=9)
    record = rv.run(config)
    arrays = [record.x, record.y, record.dy, record.dx]
    arrays += [a for layer in record.layers for a in (layer.h, layer.dh, layer.da)]
    arrays += [*record.grads.values(), *record.network.params.values()]
    assert record_bytes(config) == pytest.approx(sum(a.nbytes for a in arrays), rel=0.05)


def test_the_settings_of_a_keeping_gate_matter_where_there_is_one():
    vanilla, lstm = rv.RunConfig(), rv.RunConfig(cell="lstm")
    asked = ("gate_bias", "forget_bias", "t_max")
    expected = {"none": asked[:1], "forget": asked[:2], "chrono": ("gate_bias", "t_max")}
    for kind, matter in expected.items():
        config = lstm.replace(gate_bias=kind)
        assert tuple(name for name in asked if config.matters(name)) == matter
    assert not any(vanilla.matters(name) for name in asked)
    assert not vanilla.matters("input_variance")
    assert vanilla.replace(init="critical").matters("input_variance")


@pytest.mark.parametrize("name", rv.TrainConfig.model_fields)
def test_no_slider_rests_at_minus_zero(name):
    """A slider finds its place by the stop's text: one at -0 is not one at 0."""
    field = rv.TrainConfig.model_fields[name]
    rests = [] if options(field) else stops(field)
    assert "-0" not in {f"{stop:g}" for stop in rests}


@pytest.mark.parametrize(
    ("names", "without", "with_it"),
    [
        (("momentum",), {"optimizer": "adam"}, {"optimizer": "nesterov"}),
        (("decay_every", "decay_factor"), {"schedule": "cosine"}, {"schedule": "step"}),
        (("clip",), {"clip_by": "percentile"}, {"clip_by": "value"}),
        (("clip_percentile",), {"clip_by": "norm"}, {"clip_by": "percentile"}),
        (("omega_form",), {"omega": 0}, {"omega": 0.5}),
        (("floss_exponents", "floss_sequences"), {"floss": 0}, {"floss": 0.5}),
        (("stride", "carry"), {"window": 0}, {"window": 5}),
    ],
)
def test_a_setting_of_training_matters_where_it_is_read(names, without, with_it):
    assert not any(rv.TrainConfig(**without).matters(name) for name in names)
    assert all(rv.TrainConfig(**with_it).matters(name) for name in names)
