"""Seats: how many there are, who has one, and when a session belongs to nobody any more."""

from typing import Any

import pytest

from dashboard.guard import settings
from dashboard.guard.seats import HELD_SECONDS, REFUSED_SECONDS, Seats
from dashboard.limits import SESSIONS


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seats(clock: Clock) -> Seats:
    return Seats(3, clock)


def test_a_seat_is_held_from_the_page_to_its_socket_and_no_longer(
    seats: Seats, clock: Clock
) -> None:
    assert all(seats.hold(name) for name in "abc")
    assert not seats.hold("d")
    assert seats.hold("a")  # loaded again before its socket came
    seats.sit("a", None)
    assert not seats.has_room("d")
    clock.now += HELD_SECONDS
    assert seats.has_room("d")
    assert [seats.hold("d"), seats.hold("e"), seats.hold("f")] == [True, True, False]


def test_a_visitor_who_sits_is_welcome_at_a_full_house_and_another_is_not(seats: Seats) -> None:
    for name in "abc":
        seats.sit(name, None)
    assert seats.welcomes("a")
    assert seats.hold("a")
    assert not seats.welcomes("d")
    assert not seats.welcomes("")


def test_a_page_whose_socket_was_refused_reads_why_until_there_is_room(
    seats: Seats, clock: Clock
) -> None:
    first, *_ = [seats.sit(name, None) for name in "abc"]
    assert seats.is_refused("d")
    assert not seats.is_refused("a")  # its socket may be an old one, and its session come back to
    seats.refuse("a")
    assert seats.is_refused("a")
    clock.now += REFUSED_SECONDS
    assert not seats.is_refused("a")
    seats.refuse("a")
    seats.rise(first)
    assert not seats.is_refused("a")


def test_the_page_that_gives_way_is_the_visitors_quietest(seats: Seats, clock: Clock) -> None:
    first, second = seats.sit("a", None), seats.sit("a", None)
    clock.now += 1
    first.heard = clock.now
    assert seats.quietest("a") is second
    seats.sit("", None)
    assert seats.quietest("") is None


def test_a_session_is_its_visitors_until_it_was_left_long_enough(
    seats: Seats, clock: Clock
) -> None:
    seat = seats.sit("a", None)
    seats.name(seat, "s")
    assert (seats.owner("s"), seats.of("s")) == ("a", seat)
    clock.now += 1000
    assert seats.forget(60) == []
    seats.rise(seat)
    clock.now += 59
    assert seats.forget(60) == []
    again = seats.sit("a", "s")  # come back to in time
    clock.now += 1000
    assert seats.forget(60) == []
    seats.rise(again)
    clock.now += 60
    assert seats.forget(60) == ["s"]
    assert seats.owner("s") is None
    assert seats.forget(0) == []


def test_a_newer_socket_of_a_session_keeps_it_when_the_older_goes(
    seats: Seats, clock: Clock
) -> None:
    old = seats.sit("a", None)
    seats.name(old, "s")
    new = seats.sit("a", "s")
    seats.rise(old)
    clock.now += 1000
    assert seats.forget(0) == []
    assert seats.of("s") is new


def test_a_session_that_could_not_be_come_back_to_is_let_go(seats: Seats, clock: Clock) -> None:
    seat = seats.sit("a", None)
    seats.name(seat, "old")
    seats.rise(seat)
    seat = seats.sit("a", "old")
    seats.name(seat, "new")
    clock.now += 60
    assert seats.forget(60) == ["old"]
    assert seats.owner("new") == "a"


def test_nothing_is_kept_of_those_who_have_gone(seats: Seats, clock: Clock) -> None:
    for number in range(100):
        seat = seats.sit(f"v{number}", None)
        seats.name(seat, f"s{number}")
        seats.rise(seat)
        clock.now += 1
        seats.forget(10)
    clock.now += 10
    seats.forget(10)
    assert (seats.taken, seats._owners, seats._left) == ([], {}, {})


@pytest.mark.parametrize(("said", "found"), [("", SESSIONS), (" 7 ", 7), ("1000", 1000)])
def test_the_environment_may_say_how_many_seats_there_are(said: str, found: int) -> None:
    assert settings.sessions({settings.MOST_SESSIONS: said}) == found


@pytest.mark.parametrize("said", ["0", "-1", "1001", "1e3", "many", "²", "9" * 5000])
def test_a_number_of_seats_that_is_none_is_named(said: Any) -> None:
    with pytest.raises(ValueError, match="RNNVIZ_SESSIONS must be a number from 1 to 1000, got"):
        settings.sessions({settings.MOST_SESSIONS: said})


def test_a_visitor_is_here_from_the_first_answer_until_the_last_page_is_closed(
    seats: Seats, clock: Clock
) -> None:
    assert not seats.is_here("ada")
    seats.hold("ada")
    assert seats.is_here("ada")
    one, other = seats.sit("ada", "s"), seats.sit("ada", "t")
    clock.now += HELD_SECONDS
    seats.rise(one)
    assert seats.is_here("ada")
    seats.rise(other)
    assert not seats.is_here("ada")
    assert not seats.is_here("")
