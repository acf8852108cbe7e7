"""Named experiments: what frameworks start from, and cures, each with its claim and source.

To add one: name it in ``PRESETS`` with the settings that differ from the defaults.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnviz.config import TrainConfig


@dataclass(frozen=True)
class Preset:
    """A config by name, with what is claimed of it and by whom."""

    title: str
    claim: str
    source: str
    settings: dict[str, Any]

    @cached_property
    def config(self) -> TrainConfig:
        """The whole config: the defaults with this preset's settings."""
        return TrainConfig(**self.settings)


PRESETS: dict[str, Preset] = {
    "pytorch-rnn": Preset(
        "PyTorch default RNN",
        "What torch.nn.RNN starts from: half of the gradient is gone after one or two steps.",
        "PyTorch documentation, torch.nn.RNN: all weights and biases from U(-1/sqrt(H), 1/sqrt(H))",
        {"init": "uniform", "input_init": "uniform", "bias": "uniform"},
    ),
    "keras-rnn": Preset(
        "Keras default RNN",
        "What keras.layers.SimpleRNN starts from: orthogonal recurrent weights hold for longer.",
        "Keras documentation, SimpleRNN: orthogonal recurrent, Glorot uniform input, zero biases",
        {"init": "orthogonal", "input_init": "glorot_uniform", "bias": "single"},
    ),
    "orthogonal": Preset(
        "Orthogonal and linear",
        "Without a nonlinearity an orthogonal matrix keeps the gradient's norm exactly.",
        "Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics of "
        "learning in deep linear neural networks, ICLR",
        {"cell": "linear", "init": "orthogonal", "bias": "zero"},
    ),
    "irnn": Preset(
        "IRNN: ReLU and identity",
        "ReLU units that copy themselves carry the gradient as long as their inputs keep them on.",
        "Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of rectified "
        "linear units, arXiv:1504.00941; they draw W_ih from N(0, 0.001²), here it is Glorot "
        "normal: without biases its scale changes no slope",
        {
            "cell": "relu",
            "init": "identity",
            "bias": "zero",
            "input_init": "glorot_normal",
            "task": "adding",
        },
    ),
    "flat-units": Preset(
        "Radius above 1, and yet it vanishes",
        "With inputs of unit variance at gain 1.2 the units are flat, and the gradient vanishes.",
        "Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural "
        "networks, ICML, section 2.1",
        {
            "init": "normal",
            "gain": 1.2,
            "input_init": "he",
            "bias": "zero",
            "task": "delayed_recall",
        },
    ),
    "exploding": Preset(
        "Exploding",
        "A linear network whose spectral radius is 1.1: every ten steps back multiply by 2.6.",
        "Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural "
        "networks, ICML, section 2.1",
        {"cell": "linear", "init": "spectral_radius", "gain": 1.1, "bias": "zero"},
    ),
    "notebook": Preset(
        "The notebook's RNN",
        "One tanh layer whose outputs are its hidden states, trained by plain descent.",
        "The notebook that this project began from",
        {
            "cell": "tanh",
            "layers": 1,
            "readout": "none",
            "init": "normal",
            "gain": 1.0,
            "input_init": "glorot_normal",
            "input_scale": 1.0,
            "bias": "single",
            "hidden_size": 16,
            "task": "sine",
            "loss_at": "all",
            "steps": 50,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "clip": 0.0,
        },
    ),
}
