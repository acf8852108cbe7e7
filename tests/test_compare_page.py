"""Compare: several networks on the same data and seed, sizes that match, bands over seeds."""

import re
from urllib.parse import parse_qsl

import numpy as np
import pytest
from drawn import drawn
from streamlit.testing.v1 import AppTest
from test_app import link_of

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import gradient_flow, spread
from rnnviz.match import matched, parameter_count

SMALL = {"hidden_size": "12", "steps": "20", "batch_size": "3"}


def compare_page():
    from dashboard import session
    from dashboard.views import compare

    session.start()
    compare.render()


def opened(**query):
    """The page under a link of these settings."""
    app = AppTest.from_function(compare_page, default_timeout=60)
    for name, value in {**SMALL, **query}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def table_of(app):
    """The table's rows, each by its cells' words."""
    bodies = [h.proto.body for h in app.get("html") if "<table>" in h.proto.body]
    if not bodies:
        return []
    rows = re.findall(r"<tr>(.*?)</tr>", bodies[0])
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[re.sub(r"<[^>]*>", "", cell) for cell in row] for row in cells]


def lines_of(app):
    return {t["name"]: t for t in drawn(app)["gradient-by-lag"]["figure"]["data"]}


def test_without_another_run_the_page_says_what_to_do():
    app = opened(columns="none")
    assert app.info[0].value == "Add a run, and choose what is different in it."
    assert "No run is pinned" in opened(compare="pins").info[0].value


def test_a_run_is_added_changed_and_removed_and_the_link_follows():
    app = opened()
    assert set(lines_of(app)) == {"settings", "cell lstm"}
    app.button(key="add-column").click().run()
    assert not app.exception
    assert link_of(app)["columns"] == "cell=lstm;cell=lstm"
    app.button(key="remove-column-1").click().run()
    assert link_of(app)["columns"] == "cell=lstm"
    app.multiselect(key="differs-0").set_value(["init", "gain"]).run()
    app.selectbox(key="column-0-init").set_value("orthogonal").run()
    app.number_input(key="column-0-gain").set_value(1.2).run()
    assert not app.exception
    assert link_of(app)["columns"] == "init=orthogonal,gain=1.2"
    assert set(lines_of(app)) == {"settings", "init orthogonal, gain 1.2"}
    again = opened(**link_of(app))
    assert again.session_state["state"] == app.session_state["state"]
    app.button(key="remove-column-0").click().run()
    assert link_of(app)["columns"] == "none"


def test_the_lines_are_the_flows_of_the_configs_on_the_same_data():
    app = opened(columns="gain=1.2;cell=gru")
    base = rv.RunConfig(hidden_size=12, steps=20, batch_size=3)
    wanted = {
        "settings": base,
        "gain 1.2": base.replace(gain=1.2),
        "cell gru": base.replace(cell="gru"),
    }
    assert set(lines_of(app)) == set(wanted)
    for name, config in wanted.items():
        flow = gradient_flow(rv.run(config), "last")
        np.testing.assert_array_equal(
            lines_of(app)[name]["y"], flow.log10_norm[flow.loss_state :: -1]
        )


def test_the_table_has_only_what_differs():
    heads, *rows = table_of(opened(columns="gain=1.2;cell=gru"))
    assert heads[:3] == ["Run", "Cell", "Gain g"]
    assert [row[:3] for row in rows] == [
        ["settings", "tanh", "1"],
        ["gain 1.2", "tanh", "1.2"],
        ["cell gru", "gru", "1"],
    ]
    assert "Factor per step" in heads


def test_the_same_parameter_count_is_found_and_shown():
    app = opened(columns="cell=lstm", sizes="parameters")
    base = rv.RunConfig(hidden_size=12, steps=20, batch_size=3)
    found = matched(base, "lstm", by="parameters")
    heads, one, two = table_of(app)
    sizes = heads.index("Hidden size H"), heads.index("Parameters")
    assert [one[n] for n in sizes] == ["12", f"{parameter_count(base):,}"]
    assert [two[n] for n in sizes] == [str(found.hidden_size), f"{parameter_count(found):,}"]


def test_several_seeds_have_a_band_from_the_smallest_to_the_largest():
    app = opened(columns="gain=1.2")
    app.number_input(key="seeds").set_value(3).run()
    assert not app.exception
    assert link_of(app)["seeds"] == "3"
    base = rv.RunConfig(hidden_size=12, steps=20, batch_size=3)
    flows = [gradient_flow(rv.run(base.replace(seed=n)), "last") for n in range(3)]
    norms = np.stack([flow.log10_norm[flow.loss_state :: -1] for flow in flows])
    lines = lines_of(app)
    np.testing.assert_array_equal(lines["settings"]["y"], np.median(norms, axis=0))
    np.testing.assert_array_equal(lines["settings, smallest"]["y"], norms.min(axis=0))
    np.testing.assert_array_equal(lines["settings, largest"]["y"], norms.max(axis=0))
    words = drawn(app)["gradient-by-lag"]["subtitle"]
    assert "median of 3 seeds, band from the smallest to the largest" in words


def test_pinned_runs_are_compared_on_the_data_of_the_settings():
    app = opened(compare="pins", pins="2:gain=1.2,steps=50,seed=4")
    assert set(lines_of(app)) == {"settings", "gain 1.2"}
    assert len(lines_of(app)["gain 1.2"]["y"]) == 21
    assert lines_of(app)["gain 1.2"]["line"]["color"] == figures.theme.RUNS[2]


def test_heatmaps_share_a_scale():
    app = opened(columns="gain=1.5;cell=lstm")
    maps = [t for t in drawn(app)["compared-panel"]["figure"]["data"] if t["name"].endswith("h")]
    assert len(maps) == 3
    assert len({(t["zmin"], t["zmax"]) for t in maps}) == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            {"columns": "hidden_size=1024,layers=8", "steps": "2000", "task": "sine"},
            "hidden size 1024: the run must take at most 128 MB",
        ),
        (
            {"columns": "hidden_size=9", "hidden_size": "8", "steps": "10000", "task": "sine"}
            | {"cell": "lstm_norm", "layers": "6", "batch_size": "1", "seeds": "9"},
            "the runs must take at most about 20 s together",
        ),
    ],
)
def test_what_would_take_too_much_is_refused_in_a_sentence(query, said):
    app = opened(**query)
    assert said in app.error[0].value.replace("\\", "")
    assert not drawn(app)


@pytest.mark.parametrize("query", [{"gain": "0"}, {"steps": "1"}, {"hidden_size": "1"}])
def test_every_extreme_is_drawn(query):
    app = opened(**{"columns": "cell=lstm;gain=10;cell=lru", "seeds": "2", "task": "sine", **query})
    assert not app.error
    assert drawn(app)["gradient-by-lag"]


def test_lags_that_not_every_seed_has_are_left_out_and_no_seed_is_refused():
    found = spread([np.array([0.0, -1.0, -2.0]), np.array([0.0, -np.inf])])
    assert found.to_frame().shape == (2, 4)
    assert found.low[1] == -np.inf
    with pytest.raises(ValueError, match="a spread takes at least 1 seed, got 0"):
        spread([])


def test_the_remedy_opens_as_a_pair():
    app = AppTest.from_file("../dashboard/app.py", default_timeout=60)
    for name, value in SMALL.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    pair = links["Compare before and after"]
    query = dict(parse_qsl(pair.query_string, keep_blank_values=True))
    assert query["compare"] == "changes"
    assert query["columns"].startswith("gain=1.")
    both = opened(**query)
    before, after = (float(row[2].lstrip("×")) for row in table_of(both)[1:])
    assert before < after
