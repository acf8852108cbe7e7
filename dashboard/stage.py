"""A training's pictures at any of its moments, on its page and while its slider moves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from weakref import WeakValueDictionary

from starlette.routing import Route

from dashboard import follow
from dashboard.jobs import Snapshot
from dashboard.lab import Seen
from dashboard.looks import LOOKS, gradient_map
from dashboard.scene import Shown
from rnnviz import TASKS, Moment, TrainConfig, figures
from rnnviz.export import caption
from rnnviz.figures.theme import Theme
from rnnviz.figures.training import Runs
from rnnviz.train import baseline

NAME: Final = "moment"
MAP: Final = "gradient-map"


@dataclass(frozen=True, eq=False)
class Stage:
    """A run as it stood when its page was drawn, with all that decides its pictures."""

    config: TrainConfig
    snapshot: Snapshot
    runs: Runs
    """The run's history, or with it those that are drawn beside it, by their names."""
    wanted: str
    """The look that was asked for."""
    theme: Theme

    @cached_property
    def moments(self) -> dict[int, Moment]:
        """What the slider goes through, by step."""
        return {moment.step: moment for moment in self.snapshot.history.moments}

    def loss(self, now: Seen) -> Shown:
        """The loss, with what the best guess and the best answer have."""
        config = self.config
        lowest = TASKS[config.task].optimum(config.steps, config.lag, config.loss_at)
        look = self._look(now)
        return "loss", figures.loss_curve(
            self.runs, baseline=baseline(config), optimum=lowest, **look
        )

    def norm(self, now: Seen) -> Shown:
        """The gradient's norm, before and after clipping."""
        clip_by, look = self.config.clip_by, self._look(now)
        return "gradient-norm", figures.gradient_norm(self.runs, clip_by=clip_by, **look)

    def map(self, now: Seen) -> Shown:
        """The gradient by lag, at each moment."""
        return MAP, gradient_map(now.history, self.runs, self._look(now))

    def below(self, now: Seen) -> Shown:
        """What is looked at under the curves."""
        name = self.look(now)
        return f"look-{name}", LOOKS[name].draw(now, self.runs, self._look(now))

    def look(self, now: Seen) -> str:
        """The look that was asked for, or the first where this run has none like it."""
        names = offered(now)
        return self.wanted if self.wanted in names else names[0]

    def pictures(self, now: Seen, sees: Callable[[str], bool] = lambda _: True) -> Iterator[Shown]:
        """All of them, or those whose key is one that ``sees`` wants."""
        draws = {"loss": self.loss, "gradient-norm": self.norm, MAP: self.map, "look-": self.below}
        for key, draw in draws.items():
            if sees(key):
                yield draw(now)

    def acts(self, key: str, now: Seen, token: str) -> dict[str, Any]:
        """What one of the pictures does beside being seen."""
        if key == "loss":
            return {"follow": follow.follow(NAME, "scrub-", token=token)}
        if key != MAP:
            return {}
        steps = [*self.moments]
        return {"film": {"steps": steps, "at": steps.index(now.at) if now.at in steps else None}}

    def _look(self, now: Seen) -> dict[str, Any]:
        return {"at": now.at, "theme": self.theme, "caption": told(self.config)}


class AtMoment(follow.Asked, frozen=True):
    """Where the slider of a training's page stands."""

    def parts(self) -> Iterator[bytes]:
        """Every picture at that moment; behind the last one, at the latest weights."""
        stage = _open.get(self.token)
        if stage is None:
            raise ValueError("the page is not open any more")
        moments = [*stage.moments.values(), None]
        if self.at >= len(moments):
            raise ValueError(f"there are {len(moments)} moments, got number {self.at}")
        now = Seen(stage.config, stage.snapshot, moments[self.at])
        for key, figure in stage.pictures(now, self.sees):
            acts = stage.acts(key, now, self.token)
            yield follow.part(key, figure, self.token, clicks=key == MAP, **acts)


_open: WeakValueDictionary[str, Stage] = WeakValueDictionary()
"""What each page has drawn, by its token; its session keeps it."""


def enter(token: str, stage: Stage) -> Stage:
    """Have the pictures of a page follow its slider as long as the stage is kept."""
    _open[token] = stage
    return stage


def offered(now: Seen) -> list[str]:
    """The looks that mean something for this run."""
    return [name for name, known in LOOKS.items() if known.offered(now)]


def told(config: TrainConfig) -> str:
    """What a run was trained with, in a line."""
    clip = f"clip {config.clip:g}" if config.matters("clip") and config.clip else config.clip_by
    window = f", window {config.window}" if config.window else ""
    how = f"{config.optimizer}, learning rate {config.learning_rate:g}, {clip}{window}"
    return f"{how} · {caption(config)}"


def route() -> Route:
    """Where the browser asks."""
    return follow.route(NAME, AtMoment)
