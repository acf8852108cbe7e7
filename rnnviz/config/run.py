"""What decides the numbers of one run."""

from math import ceil
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from rnnviz.cells import CELLS, takes
from rnnviz.config.stops import (
    AROUND_ONE,
    AROUND_ZERO,
    DECADES,
    OCTAVES,
    PHASES,
    RADII,
    SHARES,
)
from rnnviz.fields import bounds, choice, count, number, sentences
from rnnviz.initializers import INPUT, RECURRENT
from rnnviz.tasks import LOSS_AT, TASKS

DIRECTIONS = {"forward": "Forward", "both": "Forward and in reverse"}
RESIDUALS = {"none": "None", "add": "Add what a layer read to what it gives"}
READOUTS = {"linear": "Linear", "none": "None: outputs are the hidden states"}
BIASES = {
    "zero": "Zero",
    "uniform": "Uniform, ±1/√H (PyTorch)",
    "constant": "Constant",
    "single": "Zero, one vector (Keras)",
}
GATE_BIASES = {
    "none": "As the other biases",
    "forget": "One value",
    "chrono": "Chrono: times up to T_max",
}
DTYPES = {"float64": "float64", "float32": "float32"}

_OF_WEIGHTS = (
    *("init", "gain", "input_variance", "input_init", "input_scale"),
    *("bias", "bias_value", "gate_bias", "forget_bias", "t_max"),
    *("reproject", "omega", "omega_form", "floss", "floss_exponents", "floss_sequences"),
)
"""What draws or moves only weights that a task may prescribe and hold still."""

_STREAMS = {"weights": 0, "data": 1, "validation": 2, "noise": 3}

C = TypeVar("C", bound="RunConfig")


class RunConfig(BaseModel):
    """Everything that decides the numbers of one run: equal configs give equal records.

    Raises
    ------
    ValueError
        One sentence for each bad setting: what is allowed, and what came.

    Examples
    --------
    >>> RunConfig(hidden_size=32).steps
    100
    >>> RunConfig(hidden_size=0)
    Traceback (most recent call last):
    ValueError: hidden_size must be in [1, 1024], got 0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    cell: str = choice("tanh", CELLS, "Cell", "The recurrence: what a step does with its state.")
    layers: int = count(
        1, 1, 8, "Layers", "Recurrent layers, each reading the one below.", stops=range(9)
    )
    hidden_size: int = count(
        64, 1, 1024, "Hidden size H", "Units in each recurrent layer.", "units", OCTAVES
    )
    directions: str = choice(
        "forward", DIRECTIONS, "Direction", "Whether each layer also reads from the end."
    )
    residual: str = choice(
        "none", RESIDUALS, "Ways past layers", "Residual connections between the layers."
    )
    readout: str = choice(
        "linear", READOUTS, "Readout", "What turns the last layer's hidden states into outputs."
    )

    init: str = choice("uniform", RECURRENT, "Recurrent weights W_hh", "How W_hh is drawn.")
    gain: float = number(
        1.0, 0, 10, "Gain g", "Multiplies the recurrent weights W_hh.", stops=AROUND_ONE
    )
    input_variance: float = number(
        0.1,
        0,
        10,
        "Input variance",
        "Variance over units of W_ih x_t + b, which the critical gain allows for.",
        stops=[*SHARES, *AROUND_ONE],
    )
    input_init: str = choice("uniform", INPUT, "Input weights W_ih", "How W_ih is drawn.")
    input_scale: float = number(
        1.0, 0, 10, "Input scale", "Multiplies the input weights W_ih.", stops=AROUND_ONE
    )
    bias: str = choice("uniform", BIASES, "Biases", "How the recurrent layers' biases start.")
    bias_value: float = number(
        0.0, -10, 10, "Bias", "The value of a constant bias.", stops=AROUND_ZERO
    )
    gate_bias: str = choice(
        "none", GATE_BIASES, "Keeping gate", "How the bias of the gate that keeps starts."
    )
    forget_bias: float = number(
        1.0, -10, 10, "Forget bias", "Above 0 the cell starts out keeping.", stops=AROUND_ZERO
    )
    t_max: int = count(
        100, 3, 10_000, "T_max", "The longest time that chrono starts with.", "steps", DECADES
    )
    step_size: float = number(
        0.1, 0.001, 1, "Step size ε", "How far one step moves the state.", stops=DECADES
    )
    diffusion: float = number(
        0.01, 0, 1, "Diffusion γ", "Pulls each unit towards 0.", stops=DECADES
    )
    alpha: float = number(
        0.5, 0.01, 1, "Leak α", "What share of the state a step replaces.", stops=SHARES
    )
    ring_min: float = number(
        0.9, 0, 0.9999, "Inner radius", "The least |λ| that is drawn.", stops=RADII
    )
    ring_max: float = number(
        0.999, 0.01, 0.9999, "Outer radius", "The largest |λ| that is drawn.", stops=RADII
    )
    max_phase: float = number(
        6.28, 0, 6.3, "Largest phase", "The largest angle of λ that is drawn.", "rad", PHASES
    )

    steps: int = count(100, 1, 10_000, "Length T", "Time steps in each sequence.", "steps", DECADES)
    batch_size: int = count(
        16, 1, 512, "Batch B", "Sequences run side by side.", "sequences", OCTAVES
    )
    task: str = choice("sunspots", TASKS, "Task", "What the network reads and has to answer.")
    lag: int = count(
        10, 0, 9_999, "Lag", "How many steps back the asked-for input lies.", "steps", DECADES
    )
    loss_at: str = choice("last", LOSS_AT, "Loss at", "The steps at which the loss is taken.")
    shortest: float = number(
        1.0,
        0.05,
        1,
        "Shortest sequence",
        "The share of T that the shortest sequence of a batch may have; at 1 all have T steps.",
        stops=SHARES,
    )

    seed: int = count(0, 0, 9_999, "Seed", "Draws the weights and the data.")
    data_seed: int = count(
        0, 0, 9_999, "Data draw", "Draws other sequences for the same seed's weights."
    )
    dtype: str = choice("float64", DTYPES, "Precision", "Floating-point type of every number.")

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ValueError(sentences(error, type(self))) from None

    @field_validator("*", mode="before")
    @classmethod
    def _not_a_bool(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("a bool is no number")
        return value

    def replace(self: C, **changes: Any) -> C:
        """The same config with some settings changed."""
        return type(self)(**{**self.model_dump(), **changes})

    @property
    def longest(self) -> int:
        """The most steps that the task's data allow."""
        most = TASKS[self.task].max_steps()
        return int(bounds(type(self).model_fields["steps"])[1]) if most is None else most

    @property
    def fewest_units(self) -> int:
        """The fewest hidden units that will do: one a class where they are the outputs."""
        task = TASKS[self.task]
        if self.readout != "none" or not task.classes:
            return 1
        return ceil(task.output_size / (1 + (self.directions == "both")))

    @property
    def prescribed(self) -> dict[str, Any]:
        """The settings that the task prescribes and this config has otherwise."""
        network = TASKS[self.task].network
        return {name: value for name, value in network.items() if getattr(self, name) != value}

    def matters(self, name: str) -> bool:
        """Whether a setting changes anything for this cell, scheme and task."""
        network = TASKS[self.task].network
        if network and name in (*network, *_OF_WEIGHTS):
            return False
        asked = {
            "bias_value": self.bias == "constant",
            "residual": self.layers > 1,
            "input_variance": name in RECURRENT[self.init].settings,
            "lag": TASKS[self.task].uses_lag,
            "forget_bias": self.gate_bias == "forget",
            "t_max": self.gate_bias == "chrono",
        }
        return asked.get(name, True) and takes(CELLS[self.cell](2, 2), name)

    def rng(
        self, purpose: Literal["weights", "data", "validation", "noise"], *keys: int
    ) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose (and each key within it).

        The batch size is not part of it, and neither is anything else that is only seen
        through the numbers drawn; ``data_seed`` enters every purpose but the weights.
        """
        draw = 0 if purpose == "weights" else self.data_seed
        return np.random.default_rng([self.seed, _STREAMS[purpose], draw, *keys])
