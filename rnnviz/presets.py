"""Named experiments: what frameworks start from, and cures, each with its claim and source.

To add one: name it in ``PRESETS`` with the settings that differ from the defaults.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnviz.config import TrainConfig
from rnnviz.tasks import TASKS


@dataclass(frozen=True)
class Preset:
    """A config by name, with what is claimed of it and by whom."""

    title: str
    claim: str
    source: str
    factor: float
    """What one step back multiplied the gradient by in the untrained network, all of its state.

    Measured at 64 units on 200 steps of 8 inputs from N(0, 1), 16 sequences, for a loss at the
    last step: ``gradient_flow(record, "last").factor``, the median of seeds 0 to 4. Where the task
    prescribes the network, on its own run.
    """
    settings: dict[str, Any]

    @cached_property
    def config(self) -> TrainConfig:
        """The whole config: the defaults with this preset's settings."""
        return TrainConfig(**self.settings)

    @property
    def measured_on(self) -> str:
        """What the factor was measured on, in short."""
        own = TASKS[self.config.task].network
        return "on its own task" if own else "64 units, 8 inputs from N(0, 1)"


_SAXE = (
    "Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics of learning "
    "in deep linear neural networks, ICLR"
)
_PASCANU = (
    "Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks, "
    "ICML"
)
_PASCANU_CODE = f"{_PASCANU}, section 4; the numbers: github.com/pascanur/trainingRNNs, RNN.py"


def _pascanu(cell: str, init: str, gain: float, input_scale: float) -> dict[str, Any]:
    return {
        "cell": cell,
        "hidden_size": 50,
        "init": init,
        "gain": gain,
        "input_init": "fixed",
        "input_scale": input_scale,
        "bias": "single",
        "task": "delayed_recall",
    }


_ADDING: dict[str, Any] = {
    "task": "adding",
    "steps": 50,
    "hidden_size": 64,
    "batch_size": 32,
    "bias": "zero",
    "learning_rate": 1e-3,
    "clip": 1.0,
    "iterations": 700,
}
_RECALL: dict[str, Any] = {
    "cell": "lstm",
    "task": "delayed_recall",
    "lag": 20,
    "steps": 60,
    "hidden_size": 32,
    "loss_at": "task",
    "bias": "zero",
    "gate_bias": "forget",
    "learning_rate": 3e-3,
    "iterations": 600,
}
_CLIFF: dict[str, Any] = {
    "cell": "sigmoid",
    "hidden_size": 1,
    "readout": "none",
    "init": "identity",
    "gain": 5.5,
    "input_scale": 0.0,
    "bias": "constant",
    "bias_value": -2.46,
    "task": "constant",
    "steps": 50,
    "batch_size": 1,
    "optimizer": "sgd",
    "learning_rate": 0.03,
    "iterations": 300,
}
_INFLUENCE: dict[str, Any] = {
    "task": "influence",
    **TASKS["influence"].network,
    "bias": "single",
    "steps": 200,
    "batch_size": 1,
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "clip": 0.0,
    "iterations": 300,
}
_BALANCING = (
    "Tallec and Ollivier (2018), Unbiased online recurrent optimization, ICLR, arXiv:1702.05043, "
    "on influence balancing; here each sequence starts from 0 and has its loss at the last step"
)
_FORGET = (
    "Jozefowicz, Zaremba and Sutskever (2015), An empirical exploration of recurrent network "
    "architectures, ICML, section 3.2, on forget gates that start out open"
)


PRESETS: dict[str, Preset] = {
    "pytorch-rnn": Preset(
        "PyTorch default RNN",
        "What torch.nn.RNN starts from: half of the gradient is gone after one or two steps.",
        "PyTorch documentation, torch.nn.RNN: all weights and biases from U(-1/sqrt(H), 1/sqrt(H))",
        0.575,
        {"init": "uniform", "input_init": "uniform", "bias": "uniform"},
    ),
    "pytorch-lstm": Preset(
        "PyTorch default LSTM",
        "What torch.nn.LSTM starts from: its forget gates are half closed, and a third is lost.",
        "PyTorch documentation, torch.nn.LSTM: all weights and biases from U(-1/sqrt(H), "
        "1/sqrt(H))",
        0.654,
        {"cell": "lstm", "init": "uniform", "input_init": "uniform", "bias": "uniform"},
    ),
    "pytorch-gru": Preset(
        "PyTorch default GRU",
        "What torch.nn.GRU starts from: its update gates keep half, and a third is lost.",
        "PyTorch documentation, torch.nn.GRU: all weights and biases from U(-1/sqrt(H), 1/sqrt(H))",
        0.655,
        {"cell": "gru", "init": "uniform", "input_init": "uniform", "bias": "uniform"},
    ),
    "keras-rnn": Preset(
        "Keras default RNN",
        "What keras.layers.SimpleRNN starts from: orthogonal recurrent weights hold for longer.",
        "Keras documentation, SimpleRNN: orthogonal recurrent, Glorot uniform input, zero biases",
        0.775,
        {"init": "orthogonal", "input_init": "glorot_uniform", "bias": "single"},
    ),
    "keras-lstm": Preset(
        "Keras default LSTM",
        "What keras.layers.LSTM starts from: a forget bias of 1 opens the forget gates to 0.73.",
        "Keras documentation, LSTM: one orthogonal matrix for all gates, which leaves each gate "
        "about half of an orthogonal one, Glorot uniform input, unit_forget_bias",
        0.835,
        {
            "cell": "lstm",
            "init": "orthogonal_whole",
            "input_init": "glorot_uniform",
            "bias": "single",
            "gate_bias": "forget",
            "forget_bias": 1.0,
        },
    ),
    "keras-gru": Preset(
        "Keras default GRU",
        "What keras.layers.GRU starts from: no bias opens the update gates, and a third is lost.",
        "Keras documentation, GRU: reset_after, one orthogonal matrix for all gates, Glorot "
        "uniform input, zero biases",
        0.63,
        {
            "cell": "gru",
            "init": "orthogonal_whole",
            "input_init": "glorot_uniform",
            "bias": "zero",
        },
    ),
    "orthogonal": Preset(
        "Orthogonal and linear",
        "Without a nonlinearity an orthogonal matrix keeps the gradient's norm exactly.",
        _SAXE,
        1.0,
        {"cell": "linear", "init": "orthogonal", "bias": "zero"},
    ),
    "orthogonal-gru": Preset(
        "GRU, each gate orthogonal",
        "Matrices that keep every norm are not enough behind gates that are half closed.",
        _SAXE,
        0.738,
        {"cell": "gru", "init": "orthogonal"},
    ),
    "orthogonal-lstm": Preset(
        "LSTM, each gate orthogonal, forget bias 1",
        "Four orthogonal matrices and a forget bias hold for longer than one matrix for all gates.",
        "Jozefowicz, Zaremba and Sutskever (2015), An empirical exploration of recurrent network "
        f"architectures, ICML, for the bias; {_SAXE}",
        0.95,
        {
            "cell": "lstm",
            "init": "orthogonal",
            "input_init": "glorot_uniform",
            "bias": "single",
            "gate_bias": "forget",
            "forget_bias": 1.0,
        },
    ),
    "chrono-lstm": Preset(
        "Chrono LSTM",
        "Each unit keeps for a time drawn up to T_max, and so does the gradient.",
        "Tallec and Ollivier (2018), Can recurrent neural networks warp time?, ICLR, "
        "arXiv:1804.11188",
        0.987,
        {"cell": "lstm", "gate_bias": "chrono", "t_max": 100},
    ),
    "lru": Preset(
        "LRU",
        "A linear recurrence with its eigenvalues on a ring just inside the unit circle.",
        "Orvieto et al. (2023), Resurrecting recurrent neural networks for long sequences, ICML, "
        "arXiv:2303.06349",
        0.994,
        {"cell": "lru", "input_init": "glorot_normal"},
    ),
    "irnn": Preset(
        "IRNN: ReLU and identity",
        "ReLU units that copy themselves carry the gradient as long as their inputs keep them on.",
        "Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of rectified "
        "linear units, arXiv:1504.00941",
        0.996,
        {
            "cell": "relu",
            "init": "identity",
            "bias": "zero",
            "input_init": "fixed",
            "input_scale": 0.001,
            "task": "adding",
        },
    ),
    "pascanu-sigmoid": Preset(
        "Pascanu's sigmoid",
        "Sigmoid units with weights of deviation 0.01: a step back leaves about a fiftieth.",
        _PASCANU_CODE,
        0.022,
        _pascanu("sigmoid", "fixed", 0.01, 0.01),
    ),
    "pascanu-basic-tanh": Preset(
        "Pascanu's basic tanh",
        "Tanh units with weights of deviation 0.1, at their 50 units a radius of about 0.7.",
        _PASCANU_CODE,
        0.777,
        _pascanu("tanh", "fixed", 0.1, 0.1),
    ),
    "pascanu-smart-tanh": Preset(
        "Pascanu's smart tanh",
        "Sparse recurrent weights of radius 0.95 behind small inputs that keep tanh linear.",
        _PASCANU_CODE,
        0.943,
        _pascanu("tanh", "sparse", 0.95, 0.01),
    ),
    "flat-units": Preset(
        "Radius above 1, and yet it vanishes",
        "With inputs of unit variance at gain 1.2 the units are flat, and the gradient vanishes.",
        f"{_PASCANU}, section 2.1",
        0.673,
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
        f"{_PASCANU}, section 2.1",
        1.1,
        {"cell": "linear", "init": "spectral_radius", "gain": 1.1, "bias": "zero"},
    ),
    "irnn-adding": Preset(
        "Adding, learned by an IRNN",
        "Below 0.02 within 700 steps, at length 50, where a small tanh network learns nothing.",
        "Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of rectified "
        "linear units, arXiv:1504.00941, section 4.1; here with Adam and Glorot's input weights",
        0.997,
        _ADDING | {"cell": "relu", "init": "identity", "input_init": "glorot_normal"},
    ),
    "tanh-adding": Preset(
        "Adding, not learned by tanh",
        "W_hh from N(0, 0.01): after 700 steps the loss is still 1/6, that of always answering 1.",
        "Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of rectified "
        "linear units, arXiv:1504.00941, section 4.1",
        0.788,
        _ADDING | {"cell": "tanh", "init": "normal", "gain": 0.8},
    ),
    "forget-recall": Preset(
        "Recall, learned with forget bias 1",
        "An LSTM learns to recall 20 steps back, because its forget gates start out open.",
        _FORGET,
        0.866,
        _RECALL | {"forget_bias": 1.0},
    ),
    "plain-recall": Preset(
        "Recall, not learned with forget bias 0",
        "The same LSTM with its forget gates half closed answers no better than 0 after 600 steps.",
        _FORGET,
        0.639,
        _RECALL | {"forget_bias": 0.0},
    ),
    "chrono-recall": Preset(
        "Recall, learned with a chrono bias",
        "Forget gates that start out keeping for up to 30 steps learn the same recall.",
        "Tallec and Ollivier (2018), Can recurrent neural networks warp time?, ICLR, "
        "arXiv:1804.11188",
        0.965,
        _RECALL | {"gate_bias": "chrono", "t_max": 30},
    ),
    "floss-recall": Preset(
        "Recall, learned by flossing",
        "Gain 0.5 loses the gradient; flossing pulls its exponents to 0, and 20 steps are bridged.",
        "Engelken (2023), Gradient flossing: improving gradient descent through dynamic control of "
        "Jacobians, NeurIPS, arXiv:2312.17306; here during training, and on another task",
        0.502,
        {
            "init": "normal",
            "gain": 0.5,
            "task": "delayed_recall",
            "lag": 20,
            "steps": 30,
            "batch_size": 32,
            "hidden_size": 32,
            "loss_at": "last",
            "learning_rate": 2e-3,
            "iterations": 600,
            "floss": 1.0,
        },
    ),
    "cliff-plain": Preset(
        "The cliff, plain descent",
        "One unit at a cliff of its loss: a gradient of 75 throws descent off, and it stays there.",
        f"{_PASCANU}, equation 8 and figure 6; here from the state 0",
        0.371,
        _CLIFF | {"clip": 0.0},
    ),
    "cliff-clipped": Preset(
        "The cliff, clipped",
        "The same unit with the gradient clipped to 1 stays at the wall and finds its way down.",
        f"{_PASCANU}, sections 3.2 and 2.3; here from the state 0",
        0.371,
        _CLIFF | {"clip": 1.0},
    ),
    "influence-short": Preset(
        "Influence, window 10",
        "Through ten steps a number lifts the answer, in the end it lowers it: training runs off.",
        _BALANCING,
        0.668,
        _INFLUENCE | {"window": 10},
    ),
    "influence-long": Preset(
        "Influence, window 100",
        "Through a hundred steps its whole effect is seen, and training finds its value, -1/6.",
        _BALANCING,
        0.668,
        _INFLUENCE | {"window": 100},
    ),
    "notebook": Preset(
        "The notebook's RNN",
        "One tanh layer whose outputs are its hidden states, trained by plain descent.",
        "The notebook that this project began from",
        0.822,
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
