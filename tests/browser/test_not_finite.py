"""Where nothing is a number the pages stay well: words in place of lines, and files that are whole.

Whoever opens the page looks afterwards whether it has logged an error.
"""

import csv
import re
from pathlib import Path

import numpy as np
from browser.pages import chart, settle
from playwright.sync_api import expect

import rnnviz as rv

NOTHING = "cell=linear&init=normal&gain=10&steps=340&hidden_size=3&batch_size=2&task=sine"


def test_pages_without_one_finite_number_say_so_and_give_their_files(open_page, app):
    page = open_page(f"{app}/?{NOTHING}", width=390)

    def says(key: str, words: str | re.Pattern[str]) -> None:
        expect(chart(page, key).get_by_text(words)).to_be_visible()

    def take(label: str) -> Path:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=label).click()
        return Path(waiting.value.path())

    says("time-panel", "NaN: 340 of 340")
    says("time-panel", "NaN at every state")

    page.get_by_role("link", name="Train").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("diverged at step 0: the states are")).to_be_visible(timeout=30_000)
    settle(page)
    says("loss", "training loss NaN at step 0")
    says("gradient-norm", "norm NaN at step 0")
    says("gradient-map", re.compile(r"^■? ?NaN: (\d+) of \1$"))

    page.get_by_role("button", name="Take away").click()
    run = rv.load_run(take("Run file").read_bytes(), "a.safetensors")
    assert np.isnan(run.history.rows[0, 1])
    assert all(np.isfinite(W).all() for W in run.record.network.params.values())
    (row,) = csv.DictReader(take("Every step as CSV").read_text().splitlines())
    assert (row["step"], row["loss"]) == ("0", "")
