"""Links that are damaged, lie, or mean harm: one sentence each, and the rest of each is used."""

import json
import re
import socket
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from drawn import drawn
from hostile_links import LINKS, MEANT, READ, TOO_DEAR
from streamlit.testing.v1 import AppTest

import rnnviz as rv
from dashboard.link import State, from_query, to_query
from rnnviz import TrainConfig

OLD = json.loads((Path(__file__).parent / "golden" / "link.json").read_text())
"""A link as version 0.1.0 wrote it, and numbers that it showed."""
SMALL = {"hidden_size": "6", "steps": "9", "batch_size": "2"}
ON_PAGE = ("Q01 nan", "Q16 hex", "Q23 __proto__", "Q24 a script", "Q24 a name of markup")
ON_PAGE += ("Q25 markup", "Q26 what is no UTF-8", "Q28 60 KB", "Q35 a path")


def opened(**query):
    app = AppTest.from_file("../dashboard/app.py", default_timeout=60)
    for name, values in query.items():
        app.query_params[name] = values
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("what", LINKS)
def test_a_hostile_part_is_one_sentence_and_the_rest_of_the_link_is_used(what):
    query, said = LINKS[what]
    started = time.process_time()
    tracemalloc.start()
    try:
        state, notices = from_query({"steps": ["77"], **query})
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 1
    assert state.config == TrainConfig(steps=77)
    assert state.view == State().view
    assert len(notices) == 1
    assert notices[0].startswith(said)
    assert notices[0].isprintable()
    assert len(notices[0]) < 500


@pytest.mark.parametrize("what", READ)
def test_an_unlike_part_is_read_without_a_word(what):
    query, settings = READ[what]
    assert from_query(query) == (State(TrainConfig(**settings)), [])


def test_a_setting_given_twice_is_said_and_the_last_is_used():
    state, notices = from_query({"hidden_size": ["64", "128"], "gain": ["nan", "2"]})
    assert (state.config.hidden_size, state.config.gain) == (128, 2.0)
    assert notices == [
        f"'{name}' is given 2 times; the last is used." for name in ("hidden_size", "gain")
    ]


def test_a_link_of_100_000_parameters_is_not_read():
    state, notices = from_query({"gain": ["2"]} | {f"x{n}": ["1"] for n in range(100_000)})
    assert (state, notices) == (State(), ["The link has 100001 settings; at most 128 are read."])


def test_no_part_of_a_link_opens_a_connection_or_a_file():
    with socket.create_server(("127.0.0.1", 0)) as here:
        here.settimeout(0)
        port = here.getsockname()[1]
        app = opened(**SMALL, **{name: text.format(port=port) for name, text in MEANT.values()})
        with pytest.raises(BlockingIOError):
            here.accept()
    said = app.warning[0].value
    assert said.count("There is no setting called") == len(MEANT)
    assert "root:" not in said
    assert drawn(app)["time-panel"]


@pytest.mark.parametrize("what", ON_PAGE)
def test_on_the_page_it_is_text_and_the_pictures_are_there(what):
    query, said = LINKS[what]
    app = opened(**(SMALL | query))
    shown = app.warning[0].value
    assert re.sub(r"\\([\W_])", r"\1", shown).startswith(said)
    assert not re.search(r"(?<!\\)[<>\[\]*$`]", shown)
    assert len(shown) < 1000
    assert app.session_state["state"].config == TrainConfig(
        **{name: int(text) for name, text in SMALL.items() if name not in query}
    )
    assert drawn(app)["time-panel"]


def test_what_each_may_be_and_all_together_may_not_is_refused_with_what_it_takes():
    app = opened(**TOO_DEAR)
    (said,) = [box.value.replace("\\", "") for box in app.error]
    assert re.match(
        r"Nothing was computed: the run must take at most [\d,]+ MB and \d+ s, got [\d,]+ MB and "
        r"about [\d,]+ s: lower \w+ \([\d,]+\) most of all\.",
        said,
    )
    assert app.session_state["state"].config.steps == int(TOO_DEAR["steps"][0])


def test_an_old_link_opens_what_it_did_and_shows_equal_numbers():
    state, notices = from_query({name: [text] for name, text in OLD["query"].items()})
    assert notices == []
    assert OLD["query"].items() <= to_query(state).items()
    record = rv.run(state.config.run)
    assert np.isclose(record.loss, OLD["loss"], rtol=1e-12, atol=0)
    flow = rv.diagnostics.gradient_flow(record, "last")
    factor = rv.diagnostics.verdict(record, flow, state.config.run).factor
    assert np.isclose(factor, OLD["factor"], rtol=1e-9, atol=0)
