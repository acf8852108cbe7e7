"""A page as one file says what was computed, from which settings, after whom, and how again."""

import re

import pytest

import rnnviz as rv
from rnnviz.takeaway import Comparison, Saved, Training, as_html, method, questions
from rnnviz.takeaway.document import settings_of

HOSTILE = "</script><img src=x onerror=alert(1)>"
BASE = rv.RunConfig(hidden_size=6, steps=9, batch_size=3)
CHANGED = rv.TrainConfig(iterations=90)
PAGES = {
    "run": BASE,
    "training": Training(((0, CHANGED), (40, CHANGED.replace(learning_rate=0.5))), 70),
    "comparison": Comparison({"settings": BASE, HOSTILE: BASE.replace(cell="gru")}, 2),
    "sweep": rv.SWEEPS["forget-lag"].config,
    "file": Saved("a run.safetensors"),
}


@pytest.fixture(scope="module")
def figure():
    network = rv.run(BASE).network
    return rv.figures.eigenvalues(rv.diagnostics.eigenvalues(network))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_document_has_charts_method_sources_script_and_settings(page, figure):
    text = as_html(page, [figure], f"A {HOSTILE}", f"Vanishing {HOSTILE}")
    body = text[text.index("<main>") : text.index("</main>")]
    headings = re.findall(r"<h2>(.*?)</h2>", body)
    assert headings == [
        figure.layout.meta["question"], "Method", "Sources", "In Python", "Settings",
    ]  # fmt: skip
    assert body.count('<div class="plot"') == 1
    assert "import rnnviz as rv" in body
    assert "<img" not in body


def test_the_method_says_what_was_run_and_how():
    config = rv.RunConfig(
        cell="lstm", hidden_size=1, layers=3, directions="both", task="copy", loss_at="task",
        gate_bias="forget", forget_bias=2.0, seed=7, init="orthogonal", gain=0.9,
    )  # fmt: skip
    network, weights, task, derivatives = method(config).split("\n\n")
    assert "3 recurrent layers of 1 unit that read in both directions" in network
    assert "Hochreiter and Schmidhuber (1997)" in network
    assert "Orthogonal, times 0.9" in weights
    assert "One value (2)" in weights
    assert "Seed 7" in weights
    assert "cross-entropy, taken at: Where the task asks" in task
    assert "Backpropagation through time" in derivatives


def test_the_method_of_a_training_says_what_was_changed_on_the_way():
    told = method(PAGES["training"])
    assert "trained for 70 steps" in told
    assert "Adam (Kingma and Ba (2015)" in told
    assert "From step 40 on the learning rate is 0.5" in told
    assert "From step" not in method(CHANGED)


@pytest.mark.parametrize("name", rv.PRESETS)
def test_every_preset_has_a_method(name):
    assert len(method(rv.PRESETS[name].config)) > 500


def test_the_settings_of_a_comparison_name_what_is_different():
    told = settings_of(PAGES["comparison"])
    assert told["settings: cell"] == "tanh"
    assert {name: v for name, v in told.items() if name.startswith(HOSTILE)} == {
        f"{HOSTILE}: cell": "gru"
    }
    assert settings_of(PAGES["training"])["steps taken"] == 70


def test_the_questions_are_by_the_names_of_the_pictures(figure):
    assert questions([figure]) == {"eigenvalues": figure.layout.meta["question"]}
