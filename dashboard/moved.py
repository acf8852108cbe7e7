"""Explore's words and pictures while a slider of the sidebar moves."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Final

from pydantic import Field
from starlette.routing import Route

from dashboard import follow, scene, words
from dashboard.chart import Follow
from dashboard.chart.wire import addressed
from dashboard.controls import rests
from dashboard.limits import FOLLOWED_PATIENCE
from dashboard.link import FIELDS, MOST_PARAMETERS, State, from_query, to_query
from dashboard.pins import pinned
from dashboard.records import explore
from dashboard.section import Sight
from dashboard.settle import changed
from dashboard.thin import thinned
from rnnviz.fields import options
from rnnviz.figures.theme import Theme

NAME: Final = "settings"


class Moved(follow.Asked, frozen=True):
    """Where a slider of the sidebar stands, and what was on screen before it was touched."""

    query: dict[str, str] = Field(max_length=MOST_PARAMETERS)
    """The page's own link."""
    theme: Theme
    field: str = Field(max_length=40)

    def parts(self) -> Iterator[bytes]:
        """The page with the slider there; of a run that takes too long, a smaller one."""
        state = self.state()
        config, note = thinned(state.config)
        explored = explore(config.run)
        sight = Sight(state.view, self.theme, FOLLOWED_PATIENCE)
        others = pinned(state)
        key, panel = scene.panel(explored, others, sight)
        leads = followed_by(state, self.theme, self.token)
        yield follow.part(key, panel, self.token, follow=leads)
        for name, html in words.following(explored, note).items():
            yield addressed(f"words:{name}", html.encode())
        if not self.sees(f"{scene.section_of(explored, state.view)}-"):
            return
        with suppress(ValueError):  # said on release
            for drawn in scene.below(explored, others, sight):
                if not isinstance(drawn, str):
                    yield follow.part(*drawn, self.token)

    def state(self) -> State:
        """What is on screen when the slider is let go.

        Raises
        ------
        ValueError
            If there is no such slider, or no such place on it.
        """
        state = _before(frozenset(self.query.items()))
        if self.field not in FIELDS or options(FIELDS[self.field]):
            raise ValueError(f"there is no slider called {self.field!r}")
        places = rests(state.config, self.field)
        if self.at >= len(places):
            raise ValueError(f"{self.field} has {len(places)} places, got number {self.at}")
        config, _ = changed(state.config, **{self.field: places[self.at]})
        return replace(state, config=config)


@lru_cache(maxsize=64)
def _before(query: frozenset[tuple[str, str]]) -> State:
    """What a link describes; every move of a drag brings the same one."""
    return from_query({name: [value] for name, value in query})[0]


def followed_by(state: State, theme: Theme, token: str) -> Follow:
    """What Explore's first picture says, so that its pictures follow the sidebar."""
    return follow.follow(NAME, "set-", query=to_query(state), theme=theme, token=token)


def route() -> Route:
    """Where the browser asks."""
    return follow.route(NAME, Moved)
