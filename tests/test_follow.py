"""Pictures that follow a slider: what a rerun sends, without one."""

import asyncio
import json
import re

import pytest
from drawn import drawn
from starlette.applications import Starlette
from starlette.requests import Request
from test_app import opened, words_of
from test_train_page import (
    app_of,  # noqa: F401
    finished,
    scrubber,
)

from dashboard import follow, moved, stage
from dashboard.chart.wire import LENGTH_BYTES, TURN_BYTES, decode
from dashboard.controls import FIELDS, MORE, NETWORK, rests
from dashboard.link import from_query, to_query
from dashboard.moved import Moved
from dashboard.stage import AtMoment
from dashboard.thin import seconds, thinned
from rnnviz import CELLS, TrainConfig
from rnnviz.fields import options

SMALL = {"hidden_size": "12", "steps": "20", "batch_size": "3", "task": "sine", "loss_at": "all"}
TOKEN = "a-page"


def state_of(**query):
    return from_query({name: [value] for name, value in {**SMALL, **query}.items()})[0]


def moved_to(field, value, token=TOKEN, **query):
    """The question of a page whose slider has come to a value."""
    state = state_of(**query)
    at = rests(state.config, field).index(value)
    sent = {"query": to_query(state), "theme": "light", "token": token, "field": field}
    return Moved(**sent, at=at, turn=1)


def parts_of(asked):
    """What is sent, by its place on the page."""
    found, left = (
        {},
        b"".join(len(part).to_bytes(LENGTH_BYTES, "little") + part for part in asked.parts()),
    )
    while left:
        length = int.from_bytes(left[:LENGTH_BYTES], "little")
        part, left = left[LENGTH_BYTES : LENGTH_BYTES + length], left[LENGTH_BYTES + length :]
        end = 1 + part[0]
        found[part[1:end].decode()] = part[end:]
    return found


def pictures_on(app):
    """The bytes of each picture on a page, but for its turn."""
    found = (element.proto.bytes for element in app.get("bidi_component"))
    return {decode(payload)["key"]: payload[TURN_BYTES:] for payload in found}


@pytest.mark.parametrize("pins", ["", "2:gain=0.5"])
def test_a_picture_that_follows_is_to_the_byte_what_the_rerun_sends(pins):
    app = opened(**SMALL, gain="0.9", pins=pins)
    sent = parts_of(moved_to("gain", 0.9, app.session_state.token, gain="1", pins=pins))
    pictures = {key: part for key, part in sent.items() if not key.startswith("words:")}
    assert {key: part[TURN_BYTES:] for key, part in pictures.items()} == pictures_on(app)
    assert [*pictures] == ["time-panel", "why-0", "why-1"]


def test_a_picture_out_of_view_is_not_drawn():
    asked = moved_to("gain", 0.9)
    assert not {
        key for key in parts_of(asked.model_copy(update={"seen": {"time-panel"}})) if "why" in key
    }
    assert "why-1" in parts_of(asked.model_copy(update={"seen": {"why-0"}}))


def test_the_words_follow_too():
    sent = parts_of(moved_to("gain", 0.5))
    said = [part.decode() for key, part in sent.items() if key.startswith("words:")]
    shown = [text for text in words_of(opened(**SMALL, gain="0.5")) if "data-words" in text]
    assert len(said) == 2
    assert {_untimed(text) for text in said} < {_untimed(text) for text in shown}


def _untimed(words):
    return re.sub(r"data-turn='\d+'", "", words)


def _sliders():
    names = dict.fromkeys((*NETWORK, *MORE, "steps", "batch_size", "lag"))
    return [name for name in names if not options(FIELDS[name])]


@pytest.mark.parametrize("name", _sliders())
def test_every_slider_can_be_followed_to_its_end(name):
    state = state_of()
    sent = {"query": to_query(state), "theme": "dark", "token": TOKEN, "field": name, "turn": 1}
    last = len(rests(state.config, name)) - 1
    assert "time-panel" in parts_of(Moved(**sent, at=last, seen={"time-panel"}))


def test_what_takes_too_long_is_thinned_and_says_so():
    sent = parts_of(moved_to("hidden_size", 1024, steps="100", batch_size="64"))
    said = sent["words:verdict"].decode()
    assert "While the slider moves a smaller run is drawn, of 1 of 64 sequences" in said
    assert "of 1,024 hidden units" in said
    assert decode(sent["time-panel"])["figure"]["data"][1]["z"].shape[0] < 1024


@pytest.mark.parametrize("cell", CELLS)
def test_the_dearest_run_of_each_cell_is_thinned_below_the_limit(cell):
    config = TrainConfig(cell=cell, hidden_size=1024, layers=8, batch_size=256, steps=1000)
    assert seconds(thinned(config)[0]) <= 0.1


def test_a_run_that_is_quick_is_drawn_whole():
    config = TrainConfig()
    assert thinned(config) == (config, "")


def answered(questions):
    """What the server answers to several requests that come at once."""

    async def ask(body, content_type):
        async def receive():
            return {"type": "http.request", "body": body}

        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        scope = {"type": "http", "method": "POST", "headers": headers, "path": "/"}
        return await moved.route().endpoint(Request(scope, receive))

    async def all_of_them():
        follow._one_at_a_time = asyncio.Semaphore(1)
        return await asyncio.gather(*(ask(*question) for question in questions))

    return asyncio.run(all_of_them())


def body_of(asked, **changes):
    return json.dumps(asked.model_dump() | changes).encode()


def test_a_request_that_a_newer_one_overtakes_is_not_computed():
    asked = moved_to("gain", 0.9, "eager-page")
    bodies = [body_of(asked, turn=turn, at=turn) for turn in (3, 5, 7, 6, 9)]
    answers = answered([(body, b"application/json") for body in bodies])
    assert [answer.status_code for answer in answers] == [200, 204, 204, 204, 200]


@pytest.mark.parametrize(
    ("changes", "content_type", "status", "said"),
    [
        ({}, b"text/plain", 415, "must be JSON"),
        ({"field": "x" * 40_000}, b"application/json", 413, "at most 32,768 bytes"),
        ({"at": -1}, b"application/json", 400, "greater than or equal to 0"),
        ({"more": 1}, b"application/json", 400, "not permitted"),
        ({"token": "<script>"}, b"application/json", 400, "match pattern"),
        ({"field": "cell"}, b"application/json", 422, "there is no slider called 'cell'"),
        ({"at": 5000}, b"application/json", 422, "places, got number 5000"),
    ],
)
def test_a_request_that_is_not_one_is_refused_in_a_sentence(changes, content_type, status, said):
    (answer,) = answered([(body_of(moved_to("gain", 0.9), **changes), content_type)])
    assert (answer.status_code, said in answer.body.decode()) == (status, True)


def test_a_training_shows_at_any_moment_what_its_page_would(app_of):  # noqa: F811
    app = finished(app_of)
    token = app.session_state.token
    moments = [*stage._open[token].moments]
    sent = parts_of(AtMoment(token=token, at=moments.index(8), turn=1))
    scrubber(app).set_value(8).run()
    assert {key: part[TURN_BYTES:] for key, part in sent.items()} == pictures_on(app)
    assert drawn(app)["gradient-map"]["film"] == {"steps": moments, "at": moments.index(8)}


def test_a_page_that_is_gone_has_no_moments():
    with pytest.raises(ValueError, match="not open any more"):
        next(AtMoment(token="gone", at=0, turn=1).parts())


def test_the_app_answers_where_the_pictures_ask():
    paths = {route.path for route in (moved.route(), stage.route())}
    assert paths == {"/rnnviz/follow/settings", "/rnnviz/follow/moment"}
    assert Starlette(routes=[moved.route(), stage.route()]).routes
