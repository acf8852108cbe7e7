"""What stands between the network and the pages: who may come in, and what they may say.

Every request passes, from the outside in: the headers of its answer, the name it was sent to, its
visitor, the seats, and what is uploaded. Streamlit's own checks come after them.
"""

from collections.abc import Callable

from starlette.middleware import Middleware

from dashboard import visitor
from dashboard.guard.door import Door
from dashboard.guard.errors import tell
from dashboard.guard.files import Files, held, in_memory
from dashboard.guard.headers import Headers
from dashboard.guard.hosts import Hosts
from dashboard.guard.seats import Seats
from dashboard.guard.settings import hosts, sessions
from dashboard.guard.turns import turn
from dashboard.guard.upkeep import Lifespan, upkeep

__all__ = ["is_here", "lifespan", "middleware", "tell", "turn"]

_seats = Seats(sessions())
_arrived: dict[tuple[str, str], float] = {}
is_here = _seats.is_here
"""Whether a visitor has a page open, or opens one."""


def middleware() -> list[Middleware]:
    """What ``st.App(middleware=...)`` takes, to stand before all else."""
    in_memory()
    return [
        Middleware(Headers),
        Middleware(Hosts, names=hosts()),
        *visitor.middleware(),
        Middleware(Door, seats=_seats),
        Middleware(Files, owner=_seats.owner, held=held, arrived=_arrived),
    ]


def lifespan(forget: Callable[[], None]) -> Lifespan:
    """What ``st.App(lifespan=...)`` takes, so that what nobody comes back for is let go.

    ``forget`` lets go of what all pages share, when the last of them was left.
    """
    return upkeep(_seats, _arrived, forget)
