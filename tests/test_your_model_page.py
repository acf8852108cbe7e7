"""Your model, driven without a browser: what is opened is seen, and what is refused is said."""

import io

import numpy as np
import pytest
from helpers import network as drawn_network
from safetensors.numpy import save
from streamlit.testing.v1 import AppTest

import rnnviz as rv
from dashboard import brought
from dashboard.own_file import Data, _size
from dashboard.own_weights import EXAMPLE
from rnnviz.interop import parity, probe
from rnnviz.run import network_bytes, record_bytes, untrained

CSV = b"day;flow;rain\n" + b"".join(
    b"2020-01-%02d;%d,5;%s\n" % (n, n % 5, b"" if n == 9 else b"%d" % (n % 3)) for n in range(1, 29)
)


def your_page():
    from dashboard import session
    from dashboard.views import your_model

    session.start()
    your_model.render()


@pytest.fixture
def page():
    """An empty page."""
    app = AppTest.from_function(your_page, default_timeout=60)
    for name, value in {"hidden_size": "6", "cell": "gru"}.items():
        app.query_params[name] = value
    return app.run()


def opened(app, slot, data, name):
    """The page with a file opened in it."""
    (place,) = [one for one in app.file_uploader if one.key.startswith(slot)]
    place.set_value((name, data, "application/octet-stream"))
    app.run()
    assert not app.exception
    return app


def chosen(app, **values):
    """The page with something else chosen."""
    for name, value in values.items():
        kinds = (app.selectbox, app.number_input, app.multiselect, app.get("button_group"))
        (widget,) = [one for kind in kinds for one in kind if one.key == f"own-{name}"]
        widget.set_value(value)
        app.run()
    assert not app.exception
    return app


def record_of(app):
    """What is on the page."""
    return brought._kept[app.session_state["kept-visitor"], "result"][0][1].record


def said(app):
    """Every sentence on the page."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(one.value.replace("\\", "") for kind in kinds for one in kind)


def tables(app):
    return "".join(one.proto.body for one in app.get("html"))


def example():
    from importlib.resources import files

    return (files("rnnviz") / "data" / EXAMPLE).read_bytes()


def test_an_empty_page_says_what_it_is_for_and_has_an_example(page):
    assert "Open its weights from PyTorch, Keras or Flax" in said(page)
    page.button(key="example").click().run()
    assert not page.exception
    assert "Holding." in tables(page)
    assert "<td>LSTM</td>" in tables(page)
    network = rv.interop.load(example(), EXAMPLE)
    batch = rv.TASKS["adding"].sample(np.random.default_rng(0), 50, 8, 0)
    record = rv.bptt(network, batch.x, batch.loss("last"))
    np.testing.assert_array_equal(record_of(page).dh, record.dh)


def test_the_example_has_learnt_its_task():
    batch = rv.TASKS["adding"].sample(np.random.default_rng(9), 40, 50, 0)
    y = rv.predict(rv.interop.load(example(), EXAMPLE), batch.x)
    loss_t, _ = batch.loss("last").value_and_grad(y)
    assert loss_t.sum() < 0.01 * rv.TASKS["adding"].baseline(40, 0, "last")


def test_a_refused_file_is_one_sentence_and_nothing_is_lost(page):
    opened(page, "weights", b"\x80\x04.", "model.pkl.npz")
    assert "Not opened: model.pkl.npz must be a NumPy archive (.npz), got a pickle" in said(page)
    opened(page, "weights", example(), EXAMPLE)
    assert "Not opened" not in said(page)
    assert "<td>LSTM</td>" in tables(page)


def test_what_was_recognised_can_be_corrected(page):
    opened(
        page, "weights", save({"w.weight_ih_l0": np.eye(5, 2), "w.weight_hh_l0": np.eye(5)}), "a"
    )
    assert record_of(page).network.layers[0].cell == rv.CELLS["tanh"](2, 5)
    page.session_state["corrections"] = True
    page.run()
    page.selectbox(key="correct-cell").set_value("relu").run()
    assert not page.exception
    assert record_of(page).network.layers[0].cell == rv.CELLS["relu"](2, 5)


def test_outputs_tell_whether_it_is_the_same_network_and_which_correction_makes_it(page):
    network = drawn_network("relu")
    x = probe(network)
    opened(page, "weights", save({k: np.array(W) for k, W in network.params.items()}), "own")
    page.session_state["parity"] = True
    page.run()
    outputs = io.BytesIO()
    np.savez(outputs, y=rv.predict(network, x))
    opened(page, "outputs", outputs.getvalue(), "outputs.npz")
    assert "more than rounding" in said(page)
    page.button(key="suggested").click().run()
    assert parity(network, x, rv.predict(network, x)).sentence in said(page)


def test_outputs_of_the_last_step_can_be_pasted(page):
    network = drawn_network("tanh")
    opened(page, "weights", save({k: np.array(W) for k, W in network.params.items()}), "own")
    page.session_state["parity"] = True
    page.run()
    rows = rv.predict(network, probe(network))[-1]
    text = "\n".join(", ".join(repr(float(v)) for v in row) for row in rows)
    page.text_area(key="pasted").set_value(text).run()
    assert not page.exception
    assert "the two are the same network" in said(page)


def test_the_network_of_the_settings_reads_a_series_whose_gaps_are_named(page):
    chosen(page, source="settings", data="file")
    opened(page, "data", CSV, "flow.csv")
    assert "Decimals follow a comma." in said(page)
    chosen(page, columns=["flow", "rain"], answered=["rain"], steps=4, batch_size=3)
    assert "rain lacks 1 value: line 10." in said(page)
    chosen(page, missing="interpolate", loss_at="all")
    record = record_of(page)
    table = rv.interop.read_table(CSV, "flow.csv")
    task = rv.interop.series(table, ["flow", "rain"], "interpolate", answered=["rain"])
    batch = task.sample(np.random.default_rng(0), 4, 3, 0)
    np.testing.assert_array_equal(record.x, batch.x)
    network = rv.build(rv.RunConfig(cell="gru", hidden_size=6), 2, 1)
    assert record.loss == rv.bptt(network, batch.x, batch.loss("all")).loss
    assert "divided by" in tables(page)


def test_one_array_is_told_as_one():
    assert _size(Data("mine.npz", 700, {"x": np.zeros((7, 3, 2))})) == "1 array, 700 bytes"


def test_data_that_do_not_fit_the_network_are_said_in_a_sentence(page):
    opened(page, "weights", example(), EXAMPLE)
    chosen(page, data="file")
    opened(page, "data", b"the quick brown fox jumps over the lazy dog", "fox.txt")
    assert "The network reads 2 inputs, and these sequences have 27." in said(page)


def test_arrays_are_read_as_they_are(page):
    x = np.random.default_rng(0).normal(size=(7, 3, 2))
    packed = io.BytesIO()
    np.savez(packed, x=x, target=np.ones((7, 3, 1)))
    opened(page, "weights", example(), EXAMPLE)
    chosen(page, data="file")
    opened(page, "data", packed.getvalue(), "mine.npz")
    chosen(page, steps=7, batch_size=3)
    np.testing.assert_array_equal(record_of(page).x, x)


def test_a_record_that_is_too_large_is_refused_with_the_numbers(page):
    page.query_params["hidden_size"] = "1024"
    chosen(page, source="settings", data="task", batch_size=64)
    assert "the record may take 64 MB" in said(page)


def test_what_is_brought_is_bounded_and_each_visitors_own(page):
    opened(page, "weights", example(), EXAMPLE)
    token = page.session_state["kept-visitor"]
    assert (token, "weights") in brought._kept
    other = AppTest.from_function(your_page, default_timeout=60).run()
    assert "1 to 24" not in said(other)
    assert EXAMPLE not in said(other)
    assert brought._kept.maxsize < 400 << 20
    page.button(key="weights-close").click().run()
    assert (token, "weights") not in brought._kept


@pytest.mark.parametrize(
    "settings", [{}, {"cell": "lstm", "layers": 2, "directions": "both"}, {"readout": "none"}]
)
def test_the_bytes_of_a_network_are_those_of_its_config(settings):
    config = rv.RunConfig(hidden_size=6, steps=9, batch_size=4, **settings)
    assert network_bytes(untrained(config), 9, 4) == pytest.approx(record_bytes(config), rel=0.1)
