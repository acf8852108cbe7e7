"""Runs that are small enough to be drawn while a slider moves."""

from collections.abc import Iterator
from typing import Final

from dashboard.costly import about
from dashboard.limits import FOLLOWED
from dashboard.settle import settle
from rnnviz import TrainConfig
from rnnviz.cost import EIGENVALUES, cells_of, estimate

COUNTED: Final = {
    "batch_size": "sequences",
    "hidden_size": "hidden units",
    "steps": "steps",
    "layers": "layers",
}
SHOWN: Final = 2.5
"""What a run takes together with what is asked of its record in passing, in passes."""
DRAWN: Final = 0.02
"""Seconds that the words and the pictures take however small the run is."""
LEAST: Final = (
    ("batch_size", 1),
    ("hidden_size", 128),
    ("steps", 100),
    ("hidden_size", 16),
    ("steps", 10),
    ("layers", 1),
)
"""What is made smaller, one after the other, and down to where: sequences are missed least."""


def thinned(config: TrainConfig, most: float = FOLLOWED) -> tuple[TrainConfig, str]:
    """The config, or one that takes no more than ``most`` seconds, and a sentence on what is less.

    The smallest there is may take longer.
    """
    found = config
    for found in _smaller(config):
        if seconds(found) <= most:
            break
    less = [
        f"{getattr(found, name):,} of {getattr(config, name):,} {what}"
        for name, what in COUNTED.items()
        if getattr(found, name) < getattr(config, name)
    ]
    if not less:
        return config, ""
    return found, (
        f"While the slider moves a smaller run is drawn, of {', '.join(less)}; the whole comes "
        f"when it is let go, in {about(seconds(config))}."
    )


def seconds(config: TrainConfig) -> float:
    """What all that a page shows of a run will take, but for the section below its panel."""
    run = config.run
    eigenvalues = sum(EIGENVALUES * cell.hidden_size**2 for cell in cells_of(run)[-1:])
    return SHOWN * estimate(run).seconds + eigenvalues + DRAWN


def _smaller(config: TrainConfig) -> Iterator[TrainConfig]:
    """The config, then smaller and smaller ones, each half of the one before in one number."""
    yield config
    for name, least in LEAST:
        while (now := getattr(config, name)) > least:
            config = settle(config.replace(**{name: max(least, now // 2)}))[0]
            if getattr(config, name) >= now:  # what its task or its cell prescribes
                break
            yield config
