"""What a page must have shown: the same pictures, computed where nothing else runs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from dashboard import scene
from dashboard.link import View
from dashboard.records import explore
from dashboard.section import Sight
from rnnviz import RunConfig
from rnnviz.figures.picture import plain

from .page import sealed
from .visitor import Answer


@lru_cache(maxsize=4096)
def pictures(config: RunConfig) -> Mapping[str, bytes]:
    """The fingerprint of each of Explore's charts, by its key."""
    explored, sight = explore(config), Sight(View(), "light")
    shown = [scene.panel(explored, (), sight), *scene.below(explored, (), sight)]
    return {one[0]: sealed(plain(one[1])) for one in shown if not isinstance(one, str)}


def faults(answers: Iterable[Answer]) -> Counter[str]:
    """How many charts are wrong, missing or too many: none to the bit if it is empty."""
    found: Counter[str] = Counter()
    for answer in answers:
        true = pictures(answer.config.run)
        found["missing"] += len(true.keys() - answer.charts.keys())
        found["too many"] += len(answer.charts.keys() - true.keys())
        found["wrong"] += sum(
            answer.charts[key] != seal for key, seal in true.items() if key in answer.charts
        )
    return +found
