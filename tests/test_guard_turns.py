"""Turns: pages are drawn one after another, and one that takes long holds up nobody."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dashboard.guard.turns import Turns

AT_MOST = 20.0
"""Seconds after which a test has failed."""


@contextmanager
def drawing(turns: Turns, draw: Callable[[], object]) -> Iterator[threading.Thread]:
    """A page that draws so in its turn, in a thread of its own, which has ended behind this."""

    def page() -> None:
        with turns.turn():
            draw()

    thread = threading.Thread(target=page, daemon=True)
    thread.start()
    yield thread
    thread.join(AT_MOST)
    assert not thread.is_alive()


def queued(turns: Turns, count: int) -> None:
    """Wait until so many wait for their turn."""
    poll, until = threading.Event(), AT_MOST / 0.01
    while len(turns._waiting) < count and (until := until - 1):
        poll.wait(0.01)
    assert len(turns._waiting) == count


def test_pages_are_drawn_one_at_a_time_in_the_order_they_came_in() -> None:
    turns, order, alone = Turns(AT_MOST), list[int](), list[bool]()
    busy, short = threading.Lock(), threading.Event()

    def draw(number: int) -> None:
        alone.append(busy.acquire(blocking=False))
        order.append(number)
        short.wait(0.01)
        busy.release()

    def waits_for(number: int, *rest: int) -> None:
        with drawing(turns, lambda: draw(number)):
            queued(turns, number)
            if rest:
                waits_for(*rest)
            else:
                end.set()

    end = threading.Event()
    with drawing(turns, lambda: end.wait(AT_MOST)):
        waits_for(1, 2, 3, 4)
    assert order == [1, 2, 3, 4]
    assert all(alone)


def test_a_page_that_takes_long_is_overtaken_and_its_end_calls_nobody() -> None:
    turns, end, second = Turns(0.05), threading.Event(), threading.Event()
    with drawing(turns, lambda: end.wait(AT_MOST)) as slow:
        with drawing(turns, second.set):
            assert second.wait(AT_MOST)
        turns._patience = AT_MOST  # whoever comes now is not overtaken
        third = threading.Event()
        with drawing(turns, lambda: third.wait(AT_MOST)):
            came = threading.Event()
            with drawing(turns, came.set):
                queued(turns, 1)
                end.set()
                slow.join(AT_MOST)
                assert not came.is_set()
                third.set()
            assert came.is_set()


def test_a_turn_ends_with_what_ends_the_page() -> None:
    turns = Turns(AT_MOST)

    @turns.turn()
    def page() -> None:
        raise RuntimeError("the visitor moved on")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="moved on"):
            page()


def test_a_part_of_a_page_does_not_wait_for_the_page_it_is_in() -> None:
    turns = Turns(AT_MOST)

    @turns.turn()
    def part() -> str:
        return "drawn"

    with turns.turn():
        assert part() == "drawn"
    assert part() == "drawn"
