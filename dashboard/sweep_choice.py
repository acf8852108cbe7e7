"""What a sweep of the settings on screen turns, and what it measures: its part of a link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from rnnviz import MEASURES, Knob, SweepConfig, TrainConfig
from rnnviz.config.sweep import MOST_KNOBS
from rnnviz.fields import bounds, short

MOST_SEEDS: Final = 20
FIRST: Final = (Knob.linear("gain", 0.5, 3.5, 16), Knob.log("input_scale", 0.1, 10, 9))
"""What a sweep begins with."""


@dataclass(frozen=True)
class SweepChoice:
    """Everything that a sweep adds to the settings on screen."""

    knobs: tuple[Knob, ...] = FIRST
    sweep_seeds: int = 3
    """How many, from the settings' own on."""
    measures: tuple[str, ...] = ("factor",)
    """The first of them is drawn."""
    solved: float = 0.1

    @classmethod
    def of(cls, config: SweepConfig) -> "SweepChoice":
        """What a whole sweep adds to its base."""
        return cls(config.knobs, len(config.seeds), config.measures, config.solved)

    def config(self, base: TrainConfig) -> SweepConfig:
        """The whole sweep; what the base has where a knob turns it plays no part.

        Raises
        ------
        ValueError
            If the grid is too large, or what is turned and measured does not go together.
        """
        _, most = bounds(TrainConfig.model_fields["seed"])
        seeds = tuple((base.seed + n) % (int(most) + 1) for n in range(self.sweep_seeds))
        turned = base.replace(**{knob.name: knob.values[0] for knob in self.knobs}, seed=seeds[0])
        return SweepConfig(
            base=turned, knobs=self.knobs, seeds=seeds, measures=self.measures, solved=self.solved
        )


def to_texts(choice: SweepChoice) -> dict[str, str]:
    """The parts of a link that say what is swept."""
    return {
        "knobs": _told(choice.knobs),
        "sweep_seeds": str(choice.sweep_seeds),
        "measures": ",".join(choice.measures),
        "solved": repr(choice.solved),
    }


@lru_cache(maxsize=256)
def _told(knobs: tuple[Knob, ...]) -> str:
    """What each setting is turned through; kept, because every page's links say it."""
    return ";".join(knob.text for knob in knobs)


def from_texts(texts: Mapping[str, str]) -> tuple[SweepChoice, list[str]]:
    """The choice that a link describes, and a sentence for each part that was not used."""
    choice, said = SweepChoice(), []
    for name, text in texts.items():
        try:
            choice = replace(choice, **{name: PARTS[name](text)})
        except ValueError as error:
            said.append(f"{name} of the sweep was not used: {error}.")
    return choice, said


def _knobs(text: str) -> tuple[Knob, ...]:
    knobs = tuple(Knob.parse(part) for part in text.split(";")[: MOST_KNOBS + 1])
    if len(knobs) > MOST_KNOBS or len({knob.name for knob in knobs}) < len(knobs):
        raise ValueError(f"1 to {MOST_KNOBS} different settings may be turned, got {short(text)}")
    return knobs


def _seeds(text: str) -> int:
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= MOST_SEEDS:
        raise ValueError(f"there may be 1 to {MOST_SEEDS} seeds, got {short(text)}")
    return int(text)


def _measures(text: str) -> tuple[str, ...]:
    measures = tuple(text.split(",")[: len(MEASURES) + 1])
    if not set(measures) <= set(MEASURES) or len(set(measures)) < len(measures):
        raise ValueError(f"measures must be of {list(MEASURES)}, got {short(text)}")
    return measures


def _solved(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise ValueError(f"solved must be in (0, 1], got {short(text)}")
    return share


PARTS: Final[dict[str, Callable[[str], Any]]] = {
    "knobs": _knobs,
    "sweep_seeds": _seeds,
    "measures": _measures,
    "solved": _solved,
}
"""How each part of a link is read."""
