"""A link restores exactly what was on screen, and a broken one says what was not used."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.link import CHOICES, COUNTS, FIELDS, State, View, from_query, to_query
from dashboard.sweep_choice import PARTS
from rnnviz import PRESETS, TrainConfig
from rnnviz.fields import bounds, options


def field_values(name):
    field = FIELDS[name]
    if options(field):
        return st.sampled_from(sorted(options(field)))
    low, high = bounds(field)
    return st.integers(low, high) if field.annotation is int else st.floats(low, high)


STATES = st.builds(
    State,
    st.fixed_dictionaries({name: field_values(name) for name in FIELDS}).map(
        lambda chosen: TrainConfig(**chosen)
    ),
    st.builds(
        View,
        sequence=st.integers(0, 511),
        at=st.none() | st.integers(0, 99_999),
        **{name: st.sampled_from(sorted(ways)) for name, ways in CHOICES.items()},
    ),
)


def as_browser_sends(query):
    return {name: [value] for name, value in query.items()}


@settings(max_examples=60, deadline=None)
@given(STATES)
def test_a_link_restores_every_field(state):
    assert from_query(as_browser_sends(to_query(state))) == (state, [])


def test_a_link_carries_the_defaults_too():
    assert set(to_query(State())) == {*FIELDS, *CHOICES, *COUNTS, "pins", "columns", *PARTS}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hidden_size", "0", "hidden_size must be in [1, 1024], got 0; 64 is used."),
        ("hidden_size", "1025", "hidden_size must be in [1, 1024], got 1025"),
        ("hidden_size", "1" * 31, "hidden_size must be in [1, 1024], got 1111"),
        ("hidden_size", "0x40", "hidden_size must be a whole number in [1, 1024], got '0x40'"),
        ("hidden_size", "true", "hidden_size must be a whole number"),
        ("hidden_size", "[64]", "hidden_size must be a whole number"),
        ("hidden_size", "64.5", "hidden_size must be a whole number"),
        ("hidden_size", "", "hidden_size must be a whole number"),
        ("hidden_size", "9" * 60_000, "hidden_size must be"),
        ("gain", "nan", "gain must be in [0, 10], got nan; 1.0 is used."),
        ("gain", "inf", "gain must be in [0, 10], got inf"),
        ("gain", "1e308", "gain must be in [0, 10], got 1e+308"),
        ("gain", "-1", "gain must be in [0, 10], got -1.0"),
        ("gain", "1,5", "gain must be in [0, 10], got '1,5'"),
        ("cell", "../../etc/passwd", "cell must be one of ['antisymmetric', 'gru', "),
        ("cell", "<script>alert(1)</script>", "cell must be one of"),
        ("seed", "-1", "seed must be in [0, 9999], got -1"),
        ("seed", str(2**64), "seed must be in [0, 9999]"),
        ("section", "nowhere", "section must be one of ['batch', "),
        (
            "scale",
            "log",
            "scale must be one of ['absolute', 'relative'], got 'log'; absolute is used.",
        ),
        ("sequence", "-3", "sequence must be a whole number in [0, 99999], got '-3'; 0 is used."),
        ("look", "nice", "look must be one of ['accuracy', "),
        ("at", "-1", "at must be latest or a whole number in [0, 99999], got '-1'; latest"),
        ("at", "1e3", "at must be latest or a whole number in [0, 99999], got '1e3'; latest"),
        ("at", "None", "at must be latest or a whole number in [0, 99999], got 'None'; latest"),
        ("at", "9" * 60_000, "at must be latest or a whole number in [0, 99999], got '999"),
        ("hiden_size", "3", "There is no setting called 'hiden_size'; did you mean hidden_size?"),
        ("__proto__", "1", "There is no setting called '__proto__'"),
        ("file", "/etc/passwd", "There is no setting called 'file'"),
    ],
)
def test_a_bad_part_is_named_and_the_rest_is_used(name, value, message):
    state, notices = from_query(as_browser_sends({"steps": "77", name: value}))
    assert len(notices) == 1
    assert notices[0].startswith(message)
    assert len(notices[0]) < 300
    assert state == State(TrainConfig(steps=77))


def test_a_preset_is_what_the_other_settings_of_a_link_change():
    state, notices = from_query({"steps": ["33"], "preset": ["pascanu-sigmoid"], "gain": ["nan"]})
    known = PRESETS["pascanu-sigmoid"].config
    assert known.gain != State().config.gain
    assert state.config == known.replace(steps=33) != known
    assert notices == [f"gain must be in [0, 10], got nan; {known.gain} is used."]
    assert from_query({"preset": ["irnn"]})[0].config == PRESETS["irnn"].config
