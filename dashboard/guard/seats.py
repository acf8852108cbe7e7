"""Who sits where: a seat is one open page, and there are only so many.

A visitor who loads a page again has the old page's seat still for a moment, or for a minute if the
network broke. Such a one is not turned away at a full house: the new page takes the seat of the
visitor's quietest one. A page that was refused comes back by itself, and takes nobody's seat.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

HELD_SECONDS: Final = 30.0
"""How long a seat waits between a page's first answer and its socket."""
REFUSED_SECONDS: Final = 60.0
"""How long it is known that a visitor's page was refused its socket."""


@dataclass(eq=False)
class Seat:
    """One open page."""

    visitor: str
    session: str | None
    """Streamlit's name of it; None until it has told it."""
    heard: float
    """When the page last said something."""


@dataclass
class Seats:
    """The seats, and whose each session is for as long as it can be come back to."""

    limit: int
    clock: Callable[[], float] = time.monotonic
    taken: list[Seat] = field(default_factory=list)
    _held: dict[str, float] = field(default_factory=dict)
    _refused: dict[str, float] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)
    _left: dict[str, float] = field(default_factory=dict)

    def hold(self, visitor: str) -> bool:
        """Keep a seat for a page that is being opened; False where there is none."""
        if not self.welcomes(visitor):
            return False
        self._held[visitor] = self.clock() + HELD_SECONDS
        return True

    def welcomes(self, visitor: str) -> bool:
        """Whether a visitor's page may be opened: there is room, or the seat of an older page."""
        return self.has_room(visitor) or self.quietest(visitor) is not None

    def refuse(self, visitor: str) -> None:
        """Note that a page of this visitor is to read why it is not let in."""
        now = self.clock()
        self._refused = {who: until for who, until in self._refused.items() if until > now}
        self._refused[visitor] = now + REFUSED_SECONDS

    def is_refused(self, visitor: str) -> bool:
        """Whether a page of this visitor, were it to open its socket now, would not be let in."""
        if self.has_room(visitor) or self.is_held(visitor):
            return False
        was_refused = self._refused.get(visitor, 0.0) > self.clock()
        return was_refused or self.quietest(visitor) is None

    def has_room(self, visitor: str) -> bool:
        """Whether a seat is free that is not held for another visitor."""
        now = self.clock()
        self._held = {who: until for who, until in self._held.items() if until > now}
        seated = {seat.visitor for seat in self.taken}
        waiting = self._held.keys() - seated - {visitor}
        return len(self.taken) + len(waiting) < self.limit

    def is_held(self, visitor: str) -> bool:
        """Whether a page of this visitor was opened a moment ago."""
        return self._held.get(visitor, 0.0) > self.clock()

    def is_here(self, visitor: str) -> bool:
        """Whether a visitor has a page open, or opens one."""
        return self.is_held(visitor) or self.quietest(visitor) is not None

    def quietest(self, visitor: str) -> Seat | None:
        """The seat of a visitor's page that said nothing for longest; who has no token has none."""
        own = [seat for seat in self.taken if visitor and seat.visitor == visitor]
        return min(own, key=lambda seat: seat.heard, default=None)

    def sit(self, visitor: str, session: str | None) -> Seat:
        """Take a seat."""
        seat = Seat(visitor, session, self.clock())
        self.taken.append(seat)
        self._held.pop(visitor, None)
        if session is not None:
            self._left.pop(session, None)
        return seat

    def name(self, seat: Seat, session: str) -> None:
        """Note which session a seat has; it may be another than the one it came back to."""
        if seat.session not in {None, session} and seat.session in self._owners:
            self._left[seat.session] = self.clock()
        seat.session = session
        self._owners[session] = seat.visitor
        self._left.pop(session, None)

    def rise(self, seat: Seat) -> None:
        """Give a seat back; its session can be come back to for a while."""
        self.taken.remove(seat)
        if seat.session in self._owners and self.of(seat.session) is None:
            self._left[seat.session] = self.clock()

    def of(self, session: str) -> Seat | None:
        """The seat that a session has now."""
        return next((seat for seat in self.taken if seat.session == session), None)

    def owner(self, session: str) -> str | None:
        """The visitor that a session belongs to; None where it is not known here."""
        return self._owners.get(session)

    def forget(self, after: float) -> list[str]:
        """Sessions that were left so many seconds ago; they belong to nobody from now on."""
        before = self.clock() - after
        gone = [session for session, left in self._left.items() if left <= before]
        for session in gone:
            del self._left[session], self._owners[session]
        return gone
