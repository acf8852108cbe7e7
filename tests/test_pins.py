"""Pinned runs: kept in the link, drawn on every chart on one scale, and taken off one by one."""

from itertools import pairwise

import numpy as np
import pytest
from drawn import drawn
from test_app import SMALL, config_of, link_of, opened

import rnnviz as rv
from dashboard.differences import differing, name_of, told_apart
from dashboard.link import from_query
from dashboard.others import _compact, _size
from dashboard.variants import NUMBERS, Pin, columns_from_text, pins_from_text, pins_to_text
from rnnviz import figures
from rnnviz.diagnostics import gradient_flow
from rnnviz.figures import Ghost, with_ghosts
from rnnviz.figures.picture import plain

BASE = rv.TrainConfig(hidden_size=12, steps=20, batch_size=3)


def panel(**changes):
    record = rv.run(BASE.replace(**changes).run)
    return figures.time_panel(record, gradient_flow(record, "last"))


def trace(figure, name):
    return next(t for t in plain(figure)["data"] if t["name"].startswith(name))


def test_a_pin_is_told_by_what_differs_from_the_settings_and_read_back():
    pins = (Pin(1, BASE.replace(gain=1.2)), Pin(3, BASE), Pin(5, BASE.replace(cell="lstm", lag=3)))
    text = pins_to_text(pins, BASE)
    assert text == "1:gain=1.2;3:;5:cell=lstm,lag=3"
    assert pins_from_text(text, BASE) == (pins, [])
    assert pins_from_text(pins_to_text((), BASE), BASE) == ((), [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1:gain=nan", "gain must be in [0, 10], got nan"),
        ("4:gain=1.2", "a pin must begin with one of [1, 2, 3, 5], got '4:gain=1.2'"),
        ("gain=1.2", "a pin must begin with one of"),
        ("1:hidden=3", "there is no setting called 'hidden'"),
        ("1:<b>", "there is no setting called '<b>'"),
        ("1:gain=1.2;1:gain=1.3", "a pin's number may come once, got 1 again"),
        ("1:cell=" + "x" * 90_000, "cell must be one of"),
    ],
)
def test_a_bad_pin_is_named_and_the_settings_are_used(text, said):
    state, notices = from_query({"steps": ["77"], "pins": [text]})
    assert state.config.steps == 77
    assert len(notices) == 1
    assert notices[0].startswith(f"A pinned run was not used: {said}")
    assert len(notices[0]) < 300


def test_more_columns_than_there_is_room_for_are_said():
    columns, said = columns_from_text("gain=1;gain=2;gain=3;gain=4", BASE)
    assert [dict(c)["gain"] for c in columns] == [1.0, 2.0, 3.0]
    assert said == ["A run to compare with was not used: at most 3 may stand beside the settings."]


def test_a_run_is_named_by_the_settings_that_differ_and_matter():
    base = BASE.run
    assert name_of(base.replace(gain=1.2), base) == "gain 1.2"
    assert name_of(base.replace(forget_bias=3.0), base) == "same settings"
    many = base.replace(gain=1.2, steps=30, hidden_size=7, seed=2)
    assert name_of(many, base) == "hidden size 7, gain 1.2, steps 30 and 1 more"
    assert differing([base, base.replace(seed=1), base.replace(gain=2.0)]) == ["gain", "seed"]
    assert told_apart([BASE, BASE], BASE) == ["same settings", "same settings (2)"]


def test_a_ghost_is_a_thin_line_through_the_other_runs_numbers_in_its_colour():
    other = panel(gain=1.4)
    both = with_ghosts(panel(), [Ghost("gain 1.4", 2, other)])
    line = trace(both, "gain 1.4: measured")
    np.testing.assert_array_equal(line["y"], trace(other, "measured")["y"])
    assert line["line"] == {"color": figures.theme.RUNS[2], "width": 1.25}
    labels = [note["text"] for note in plain(both)["layout"]["annotations"]]
    assert any(label.endswith("</span> gain 1.4") for label in labels)


def test_the_axis_spans_every_ghost():
    both = with_ghosts(panel(gain=0.2), [Ghost("gain 3", 1, panel(gain=3.0))])
    line = trace(both, "gain 3: measured")
    low, high = plain(both)["layout"][f"yaxis{line['yaxis'][1:]}"]["range"]
    for name in ("measured", "gain 3: measured"):
        y = trace(both, name)["y"]
        assert low <= y.min() <= y.max() <= high


def test_heatmaps_are_on_one_scale_and_on_one_time_axis():
    others = [panel(gain=0.2), panel(cell="linear", gain=3.0)]
    ghosts = [Ghost(f"run {n}", n, other) for n, other in enumerate(others, 1)]
    both = with_ghosts(panel(), ghosts)
    for name in ("factor of the step", "h", "log10 |∂L/∂h|"):
        maps = [trace(both, f"{run}{name}") for run in ("", "run 1: ", "run 2: ")]
        assert len({(m["zmin"], m["zmax"]) for m in maps}) == 1
        ends = [trace(figure, name) for figure in (panel(), *others)]
        assert maps[0]["zmin"] == min(end["zmin"] for end in ends)
        assert maps[0]["zmax"] == max(end["zmax"] for end in ends)
        assert {m.get("xaxis", "x") for m in maps} == {"x"}
        assert len({m.get("yaxis", "y") for m in maps}) == 3


def test_zeros_in_another_runs_heatmap_have_a_word_at_its_row():
    other = panel(gain=0.0)
    both = with_ghosts(panel(), [Ghost("gain 0", 1, other)])
    layout = plain(both)["layout"]
    words = [note for note in layout["annotations"] if "exactly 0: " in note["text"]]
    rows = ("factor of the step", "log10 |∂L/∂h|")
    axes = [trace(both, f"gain 0: {row}")["yaxis"] for row in rows]
    tops = [layout[f"yaxis{axis[1:]}"]["domain"][1] for axis in axes]
    assert [note["y"] for note in words] == tops
    own = [n["text"] for n in plain(other)["layout"]["annotations"] if "exactly 0: " in n["text"]]
    assert [note["text"] for note in words] == own


def test_the_rows_of_a_picture_with_ghosts_do_not_overlap():
    both = with_ghosts(panel(), [Ghost("a", 1, panel(gain=2.0)), Ghost("b", 2, panel(gain=0.5))])
    layout = plain(both)["layout"]
    domains = sorted(v["domain"] for k, v in layout.items() if k.startswith("yaxis"))
    assert len(domains) == 10
    assert all(low[1] <= high[0] for low, high in pairwise(domains))
    assert 0 <= domains[0][0] < domains[-1][1] <= 1
    assert type(both.to_dict()) is dict


def test_sequences_of_another_length_are_laid_with_their_ends_together():
    both = with_ghosts(panel(), [Ghost("steps 30", 1, panel(steps=30))])
    assert trace(both, "steps 30: measured")["x"][-1] == trace(both, "measured")["x"][-1] == 20
    assert "ends lie together" in plain(both)["layout"]["meta"]["subtitle"]


def test_a_picture_with_ghosts_leaves_the_pictures_it_is_made_of_as_they_were():
    one, other = panel(), panel(gain=2.0)
    before = [str(plain(figure)["layout"]) for figure in (one, other)]
    with_ghosts(one, [Ghost("gain 2", 1, other)])
    assert [str(plain(figure)["layout"]) for figure in (one, other)] == before


def test_a_ghost_of_another_picture_adds_nothing():
    one = panel()
    weights = figures.weights(rv.run(BASE.run).network)
    assert with_ghosts(one, [Ghost("x", 1, weights)]) is one


def test_what_is_kept_of_a_run_is_a_small_part_of_its_record():
    record = rv.run(BASE.replace(steps=249, hidden_size=256, batch_size=64).run)
    found = _compact(figures.time_panel(record, gradient_flow(record, "last")))
    assert _size([found]) < 2_000_000 < record.h.nbytes


def pin(app):
    app.button(key="pin").click().run()
    assert not app.exception


def test_a_pinned_run_is_a_ghost_that_can_be_opened_and_removed():
    app = opened(**SMALL)
    pin(app)
    app.select_slider(key="set-gain").set_value(1.5).run()
    assert link_of(app)["pins"] == "1:gain=1.0"
    names = [t["name"] for t in drawn(app)["time-panel"]["figure"]["data"]]
    assert any(name.startswith("gain 1: measured") for name in names)
    told = next(h.proto.body for h in app.main.get("html") if "<table>" in h.proto.body)
    assert "Gain g" in told
    assert "Hidden size" not in told
    app.button(key="open-1").click().run()
    assert config_of(app).gain == 1.0
    app.button(key="remove-1").click().run()
    assert link_of(app)["pins"] == "none"
    assert not any("<table>" in h.proto.body for h in app.main.get("html"))


def test_as_many_runs_can_be_pinned_as_there_are_colours():
    app = opened(**SMALL)
    for seed in range(len(NUMBERS)):
        app.number_input(key="set-seed").set_value(seed).run()
        pin(app)
    assert app.button(key="pin").disabled
    app.button(key="remove-2").click().run()
    assert not app.button(key="pin").disabled
    assert [pin.number for pin in app.session_state["state"].pins] == [1, 3, 5]


def test_pins_open_with_the_link():
    app = opened(**SMALL, pins="2:gain=1.2;3:cell=lstm")
    assert [p.config.cell for p in app.session_state["state"].pins] == ["tanh", "lstm"]
    assert {b.key for b in app.button} >= {"open-2", "open-3"}


@pytest.mark.parametrize("section", ["why", "products", "exponents", "depth", "weights", "gates"])
def test_sections_show_ghosts_of_runs_that_have_them(section):
    app = opened(**SMALL, cell="lstm", section=section, pins="1:gain=1.5;2:cell=tanh")
    assert not app.exception
    names = [
        str(t.get("name"))
        for key, chart in drawn(app).items()
        if key.startswith(section)
        for t in chart["figure"]["data"]
    ]
    assert any(name.startswith("gain 1.5: ") for name in names)


def test_a_pin_that_is_too_large_is_refused_in_a_sentence_and_the_page_stays():
    app = opened(**SMALL, task="sine", pins="1:hidden_size=1024,steps=10000,batch_size=512")
    assert not app.exception
    assert "must take at most 128 MB" in app.warning[0].value.replace("\\", "")
    assert drawn(app)["time-panel"]
