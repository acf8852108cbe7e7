"""What is refused, in a real browser: who comes too many, or with a wrong file, reads why."""

import pytest
from browser.pages import settle, watching
from browser.serving import serving
from playwright.sync_api import Browser, expect


def test_who_comes_too_many_reads_why_and_who_reloads_stays(
    chromium: Browser, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RNNVIZ_SESSIONS", "1")
    problems: list[str] = []
    with serving("tests/guarded/app.py", tmp_path) as served:
        inside, outside = chromium.new_context(), chromium.new_context()
        page, late = inside.new_page(), outside.new_page()
        with watching(page, served.address.removeprefix("http://"), problems):
            page.goto(served.address)
            settle(page)

            answer = late.goto(served.address)
            assert answer is not None
            assert answer.status == 503
            expect(late.get_by_role("heading", name="rnnviz is full")).to_be_visible()
            expect(
                late.get_by_text("All 1 places are taken. This page tries again")
            ).to_be_visible()

            page.get_by_label("whole").fill("12")
            page.get_by_label("whole").press("Enter")
            expect(page.get_by_text("'whole': 12")).to_be_visible()
            page.reload()
            settle(page)
            expect(page.get_by_text("'whole': 7")).to_be_visible()
        assert problems == []

        inside.close()
        late.goto(served.address)
        settle(late)
        outside.close()


SAID = """place => getComputedStyle(place, "::after").content"""


def test_beside_a_file_of_a_wrong_kind_stands_what_may_come(open_page, app, problems):
    page = open_page(f"{app}/your-model")
    place = page.get_by_test_id("stFileUploader").first
    expect(place).to_contain_text(".safetensors, .npz")
    assert place.evaluate(SAID) == "none"
    file = {"name": "evil.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"}
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_test_id("stFileChipIconError")).to_be_visible()
    assert "must be of a kind that is named above" in place.evaluate(SAID)
    assert all("415" in problem for problem in problems)
    problems.clear()
