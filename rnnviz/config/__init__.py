"""What decides the numbers: every setting once, with its range, unit and help text.

The sliders, the link, the command line and the tests read these fields, and no range is
written anywhere else. A choice offers what its registry holds.
"""

from rnnviz.config.run import RunConfig
from rnnviz.config.sweep import MEASURES, Knob, SweepConfig
from rnnviz.config.train import TrainConfig

__all__ = ["MEASURES", "Knob", "RunConfig", "SweepConfig", "TrainConfig"]
