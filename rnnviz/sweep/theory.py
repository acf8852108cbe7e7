"""Where theory says that a gradient neither vanishes nor explodes, over the knobs of a sweep."""

from dataclasses import dataclass

from rnnviz.arrays import Array, Float
from rnnviz.config import SweepConfig


@dataclass(frozen=True, eq=False)
class TheoryLine:
    """A line that theory draws over a sweep.

    Over two knobs it is a place: ``x`` and ``y`` are positions of the first and the second. Over
    one it is a prediction: ``y`` is the factor per step.
    """

    name: str
    label: str
    """What stands at the line."""
    sentence: str
    source: str
    x: Float[Array, " N"]
    y: Float[Array, " N"]
    warning: str = ""
    """Where the theory is known to be off; empty where it is not."""


def theory_of(config: SweepConfig) -> tuple[TheoryLine, ...]:
    """The lines for a sweep's knobs; none where none is known."""
    assert config.knobs
    return ()
