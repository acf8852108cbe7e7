"""Whatever the code cites is in the bibliography, and a page's sources are those it stands on."""

import ast
import re
from pathlib import Path

import pytest

import rnnviz as rv
from rnnviz.takeaway import Comparison, Training
from rnnviz.takeaway.bibliography import bibliography, cited, sources, sources_of

ROOT = Path(rv.__file__).parents[1]
NAME = r"(?:Le )?[A-Z][\w'-]+"
CITATION = re.compile(
    rf"(?:{NAME}(?:, | and ))*{NAME}(?: et al\.)? \((?:16|19|20)\d\d\)|{NAME} et al\. (?:19|20)\d\d"
)


@pytest.fixture(scope="module")
def texts():
    """Every text in the code, in one line each, with the name of its file."""
    return [
        (path.name, " ".join(node.value.split()))
        for path in [*ROOT.glob("rnnviz/**/*.py"), *ROOT.glob("dashboard/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def keys(page, *pictures):
    return {source.key for source in sources_of(page, dict.fromkeys(pictures, "?"))}


def test_every_citation_in_the_code_has_an_entry(texts):
    known = {(name, one.year) for one in sources().values() for name in one.names}
    for where, text in texts:
        for found in CITATION.findall(text):
            name, year = re.match(r"(.*?) \(?(\d{4})", found).groups()
            assert any(n.endswith(name) and y == year for n, y in known), f"{where}: {found}"


def test_every_arxiv_number_in_the_code_is_in_an_entry(texts):
    numbers = {n for _, text in texts for n in re.findall(r"arXiv:(\d{4}\.\d{4,5})", text)}
    assert len(numbers) > 15
    everything = "".join(source.bibtex for source in sources().values())
    assert {n for n in numbers if f"eprint = {{{n}}}" not in everything} == set()


def test_every_entry_is_read_whole():
    text = ROOT.joinpath("rnnviz/data/sources.bib").read_text("utf-8")
    assert len(sources()) == text.count("\n@") + 1
    for source in sources().values():
        assert source.bibtex.count("{") == source.bibtex.count("}")
        assert source.title
        assert source.authors


def test_entries_are_in_the_order_of_their_keys():
    dated = [source.key for source in sources().values() if source.year]
    assert dated == sorted(dated)


@pytest.mark.parametrize("registry", [rv.CELLS, rv.TASKS])
def test_every_cell_and_task_has_a_source(registry):
    for name, one in registry.items():
        assert cited(one.paper), name


def test_every_preset_and_optimiser_has_a_source():
    from rnnviz.optim import OPTIMIZERS

    for name, one in OPTIMIZERS.items():
        assert cited(one.paper), name
    for name, preset in rv.PRESETS.items():
        assert cited(preset.source) or name == "notebook", name


def test_papers_of_the_same_authors_and_year_are_told_apart_by_their_titles():
    warp = "Tallec and Ollivier (2018), Can recurrent neural networks warp time?, ICLR"
    assert [one.key for one in cited(warp)] == ["tallec2018warp"]
    assert cited("Tallec and Ollivier (2018), section 2") == []
    assert [
        one.key for one in cited("Jaeger (2001), Short term memory in echo state networks")
    ] == ["jaeger2001memory"]
    assert [one.key for one in cited("Li et al. (2018), Visualizing the loss landscape of")] == [
        "li2018landscape"
    ]


def test_accents_line_breaks_and_etal_do_not_hide_a_source():
    assert [one.key for one in cited("Drmac and\n    Veselic (2008)")] == ["drmac2008"]
    assert [one.key for one in cited("(Micikevicius et al. 2018, x)")] == ["micikevicius2018"]


def test_a_run_stands_on_its_cell_task_weights_and_verdict():
    config = rv.RunConfig(cell="lstm", task="adding", init="orthogonal", gate_bias="chrono")
    found = keys(config)
    assert {"hochreiter1997", "gers2000forget", "arjovsky2016", "le2015"} <= found
    assert {"mezzadri2007", "tallec2018warp", "werbos1990", "hochreiter1991"} <= found
    assert "tallec2018uoro" not in found
    assert "gers2000forget" not in keys(rv.RunConfig())


def test_what_is_drawn_brings_its_sources():
    run = rv.RunConfig()
    assert "cashman2018" not in keys(run)
    assert "cashman2018" in keys(run, "itemized")
    assert {"williams1990"} == keys(run, "truncated-gradient") - keys(run)


def test_training_brings_its_rule_schedule_and_penalties():
    config = rv.TrainConfig(optimizer="adamw", schedule="cosine", clip_by="percentile", noise=0.1)
    found = keys(Training(((0, config),), 5))
    assert {"loshchilov2019", "loshchilov2017", "seetharaman2020", "neelakantan2015"} <= found
    assert found == keys(config)
    assert "engelken2023flossing" in keys(rv.TrainConfig(floss=1.0))
    assert "williams1990" in keys(rv.TrainConfig(window=5))


def test_a_preset_brings_its_own_source_and_a_sweep_its_theory():
    assert "le2015" in keys(rv.PRESETS["irnn-adding"].config)
    phases = keys(rv.SWEEPS["tanh-phases"].config)
    assert {"molgedey1992", "chen2018", "sompolinsky1988"} <= phases


def test_a_comparison_brings_the_sources_of_every_run():
    base = rv.RunConfig()
    found = keys(Comparison({"a": base, "b": base.replace(cell="lru")}))
    assert {"elman1990", "orvieto2023"} <= found


def test_a_bibliography_begins_with_this_software_and_has_each_entry_once():
    text = bibliography(rv.RunConfig(cell="lstm", task="adding"), {"roads": "?"})
    entries = re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)
    assert entries[0] == "rnnviz"
    assert len(entries) == len(set(entries)) > 5
