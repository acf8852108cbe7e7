"""What decides the numbers of training."""

from rnnviz.config.run import RunConfig
from rnnviz.config.stops import DECADES, SHARES
from rnnviz.fields import choice, count, number
from rnnviz.optim import OPTIMIZERS

SCHEDULES = {
    "constant": "Constant",
    "step": "Steps down",
    "cosine": "Half a cosine, down to 0",
}
CLIPPINGS = {
    "norm": "By norm",
    "value": "By value",
    "percentile": "By a percentile of past norms",
    "none": "None",
}
OMEGA_FORMS = {
    "paper": "Equation 9 of the paper",
    "code": "Squared norms, as in the released code",
}
CARRIES = {"carried": "Carried on", "zero": "Starts at zero"}
DETAILS = {"economy": "Economy", "normal": "Normal", "everything": "Everything"}

_FROM_ZERO = [0, *DECADES]


class TrainConfig(RunConfig):
    """A run and how to train it: equal configs give equal training, step for step.

    A ``time_limit`` alone depends on the machine: up to the step it ends at, the numbers are
    those of a config without it.

    Examples
    --------
    >>> TrainConfig(clip_by="none").matters("clip")
    False
    """

    optimizer: str = choice("adam", OPTIMIZERS, "Optimiser", "The rule that moves the weights.")
    learning_rate: float = number(
        1e-3, 0, 10, "Learning rate", "How far a step goes.", stops=DECADES
    )
    momentum: float = number(
        0.9,
        0,
        0.999,
        "Momentum",
        "How much of the last step momentum SGD keeps.",
        stops=[0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995],
    )
    weight_decay: float = number(
        0.0,
        0,
        1,
        "Weight decay",
        "Pulls each weight towards 0: AdamW moves the weight, the others add it to the gradient.",
        stops=_FROM_ZERO,
    )
    schedule: str = choice(
        "constant", SCHEDULES, "Schedule", "How the learning rate changes on the way."
    )
    warmup: int = count(
        0,
        0,
        10_000,
        "Warm-up",
        "Steps over which the learning rate rises in a line, before the schedule begins.",
        "steps",
        DECADES,
    )
    decay_every: int = count(
        1_000,
        1,
        100_000,
        "Step length",
        "Steps between two drops of the learning rate.",
        "steps",
        DECADES,
    )
    decay_factor: float = number(
        0.5, 0.01, 1, "Step factor", "What each drop multiplies the learning rate by.", stops=SHARES
    )
    clip_by: str = choice("norm", CLIPPINGS, "Clipping", "What is done to a large gradient.")
    clip: float = number(
        1.0,
        0,
        1_000,
        "Clip threshold",
        "A gradient, or an entry of it, longer than this is shortened to it; 0 never clips.",
        stops=_FROM_ZERO,
    )
    clip_percentile: float = number(
        10.0,
        1,
        100,
        "Clip percentile",
        "Gradients are shortened to this percentile of all gradient norms so far.",
        "%",
        [1, 2, 5, *range(10, 101, 5)],
    )
    noise: float = number(
        0.0,
        0,
        10,
        "Gradient noise η",
        "Adds N(0, η / (1 + t)^0.55) to the gradient at step t.",
        stops=_FROM_ZERO,
    )
    reproject: int = count(
        0,
        0,
        1_000,
        "Re-projection every",
        "Every so many steps W_hh becomes its nearest orthogonal matrix, gate by gate; 0 never.",
        "steps",
        _FROM_ZERO,
    )
    omega: float = number(
        0.0,
        0,
        1_000,
        "Ω weight",
        "How much the regulariser Ω counts, which keeps the gradient's norm from step to step.",
        stops=_FROM_ZERO,
    )
    omega_form: str = choice("paper", OMEGA_FORMS, "Ω form", "Which of its two published forms.")
    floss: float = number(
        0.0,
        0,
        1_000,
        "Flossing weight",
        "How much the mean squared Lyapunov exponent counts, which flossing pulls towards 0.",
        stops=_FROM_ZERO,
    )
    floss_exponents: int = count(
        10,
        1,
        1_024,
        "Flossed exponents",
        "How many, the largest first; more than a layer has units are all of them.",
        "",
        DECADES,
    )
    floss_sequences: int = count(
        1,
        1,
        512,
        "Flossed sequences",
        "The exponents are those of the first so many of each batch: each takes about its own time "
        "again, and one is what the paper's code takes.",
        "",
        DECADES,
    )
    window: int = count(
        0,
        0,
        10_000,
        "Window",
        "How many steps back a loss travels at most: truncated BPTT; 0 is the whole sequence.",
        "steps",
        _FROM_ZERO,
    )
    stride: int = count(
        1,
        1,
        10_000,
        "Stride",
        "The losses of this many steps travel back together.",
        "steps",
        DECADES,
    )
    carry: str = choice(
        "carried", CARRIES, "State between runs", "What a run of steps takes from the one before."
    )
    iterations: int = count(
        500, 1, 100_000, "Training steps", "How often the weights are moved.", "steps", DECADES
    )
    target_loss: float = number(
        0.0,
        0,
        1_000,
        "Stop at loss",
        "Training ends once the held-out loss is this low; 0 is no such rule.",
        stops=_FROM_ZERO,
    )
    time_limit: float = number(
        0.0,
        0,
        86_400,
        "Stop after",
        "Training ends after this long; 0 is no such rule.",
        "s",
        [0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200],
    )
    detail: str = choice(
        "economy", DETAILS, "Moments", "How many moments are kept to look at and go back to."
    )

    @property
    def run(self) -> RunConfig:
        """The run alone: what decides the untrained network and its first batch."""
        return RunConfig(**{name: getattr(self, name) for name in RunConfig.model_fields})

    def matters(self, name: str) -> bool:
        """Whether a setting changes anything beside the others."""
        asked = {
            "momentum": self.optimizer in ("momentum", "nesterov"),
            "decay_every": self.schedule == "step",
            "decay_factor": self.schedule == "step",
            "clip": self.clip_by in ("norm", "value"),
            "clip_percentile": self.clip_by == "percentile",
            "omega_form": self.omega > 0,
            "floss_exponents": self.floss > 0,
            "floss_sequences": self.floss > 0,
            "stride": self.window > 0,
            "carry": self.window > 0,
        }
        return asked.get(name, True) and super().matters(name)
