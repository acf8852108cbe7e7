"""Run files that are damaged, lie, or mean harm: a sentence each, soon, in little, and skipped."""

import time
import tracemalloc

import pytest
from hostile_runs import HOSTILE, NAMES, good, put

import rnnviz as rv


@pytest.fixture(scope="module")
def made():
    """Each hostile file's bytes."""
    return {what: make() for what, (make, _) in HOSTILE.items()}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_run_is_one_sentence_about_it(what, made):
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=HOSTILE[what][1]) as refused:
            rv.load_run(made[what], f"../folder/{what}.safetensors")
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()
    sentence = str(refused.value)
    assert sentence.startswith(f"{what}.safetensors ")
    assert sentence.isprintable()
    assert len(sentence) < 500
    assert time.process_time() - started < 5


def test_a_folder_of_them_shows_the_good_one_and_names_the_others(made, tmp_path):
    (tmp_path / "good.safetensors").write_bytes(good())
    for what, data in made.items():
        (tmp_path / f"{what}.safetensors").write_bytes(data)
    gallery = rv.runs(tmp_path)
    assert "good.safetensors" in [head.file for head in gallery.heads]
    assert len(gallery.heads) + len(gallery.skipped) == len(made) + 1
    for sentence in gallery.skipped:
        assert sentence.isprintable()
        assert sentence.split(".safetensors ")[0] in made
    for head in gallery.heads:  # what only its numbers betray still has a head to show
        assert head.cells.isprintable()
        assert (head.steps, head.batch_size) != (0, 0)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_text_and_no_more(name):
    assert rv.load_run(put("name", name)).name == name
