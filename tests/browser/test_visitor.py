"""A visitor's runs: a reload finds them, and nobody else does, not even by the same link."""

import re

from browser.pages import settle
from playwright.sync_api import Page, expect


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()
    expect(running(page)).to_be_visible(timeout=30_000)


def running(page: Page):
    return page.get_by_text(re.compile(r"Step [\d,]+ of 100,000"))


def test_a_reload_finds_the_run_and_another_browser_does_not(open_page, app):
    address = f"{app}/train?iterations=100000&hidden_size=8&steps=12&task=sine"
    page = open_page(address)
    start(page)
    page.reload()
    settle(page)
    expect(running(page)).to_be_visible(timeout=15_000)

    (secret,) = [c for c in page.context.cookies() if c["name"] == "rnnviz_visitor"]
    assert secret["httpOnly"]
    assert secret["value"] not in page.url
    assert secret["value"] not in page.content()
    assert secret["value"] not in page.evaluate("document.cookie")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped after")).to_be_visible(timeout=15_000)

    other = open_page(page.url)
    expect(other.get_by_role("button", name="Start")).to_be_enabled()
    for shown in (running(other), other.get_by_text("Stopped after")):
        expect(shown).to_have_count(0)
