"""The line under a gradient's picture: what its checks found, on Explore and Compare."""

import html
import re

import pytest
import test_compare_page
from drawn import drawn
from test_app import SMALL, opened, words_of

import rnnviz as rv
from dashboard.explored import Explored
from rnnviz.run import draw


def lines(app):
    """What stands under the time panel, with each line's colour in front."""
    (found,) = [text for text in words_of(app) if "data-words='health'" in text]
    spans = r"<span class='(.*?)'><b>(.*?)</b> (.*?)</span>"
    said = [f"{kind}: {word} {rest}" for kind, word, rest in re.findall(spans, found)]
    behind = re.findall(r"<span>(.*?)</span>", found)
    return [html.unescape(line) for line in (*said, *behind)]


def explored(**settings):
    config = rv.RunConfig(**{"task": "sine", **settings})
    return Explored(rv.run(config), draw(config).loss(config.loss_at), config)


def test_the_line_holds_in_green_with_its_numbers_and_says_where_more_is():
    app = opened(**SMALL, cell="relu")
    line, more = lines(app)
    assert line.startswith("holds: Holds. Gradient and carried change agree to ")
    assert " at 63 of 63 states; conservation by unit to " in line
    assert line.endswith(" of at most 60.")
    assert more == "More: Check."
    assert "time-panel" in drawn(app)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_overflowed_is_open_with_its_reason(dtype):
    query = {"cell": "linear", "gain": "10", "steps": "900", "task": "sine", "dtype": dtype}
    line, _ = lines(opened(**{**SMALL, **query}))
    assert line.startswith("open: Open. Adjoint and tangent: cannot be judged: ")
    assert "the states overflowed." in line


def test_units_that_are_all_shut_have_a_line():
    line, _ = lines(opened(**SMALL, cell="relu", input_scale="0", bias="zero"))
    assert "agree to 0 at 3 of 63 states" in line


def test_one_step_of_one_unit_has_a_line():
    line, _ = lines(opened(cell="tanh", hidden_size="1", steps="1", batch_size="1", task="sine"))
    assert "at 2 of 2 states" in line


def test_each_run_of_a_comparison_has_its_line():
    found = lines(test_compare_page.opened())
    assert len(found) == 2
    assert found[0].startswith("holds: Holds. settings: Gradient and carried change agree to ")
    assert found[1].startswith("holds: Holds. ")


@pytest.mark.parametrize(("steps", "judged"), [(30, 93), (100, 101), (1000, 177)])
def test_the_states_of_a_long_run_are_thinned_and_each_sequence_has_its_turn(steps, judged):
    checks = explored(steps=steps, batch_size=3, hidden_size=12, loss_at="all").health.checks
    assert f"the most of {judged} states" in checks[0].sentence


def test_singular_values_of_a_large_matrix_wait_for_the_section():
    names = [check.name for check in explored(hidden_size=65, steps=4).health.checks]
    assert not any("Rank" in name for name in names)
    names = [check.name for check in explored(hidden_size=64, steps=4).health.checks]
    assert any("Rank" in name for name in names)
