"""Named sweeps: figures from papers at a small size, each with its claim and source.

To add one: name it in ``SWEEPS``.
"""

from dataclasses import dataclass

from rnnviz.config import Knob, SweepConfig, TrainConfig


@dataclass(frozen=True)
class NamedSweep:
    """A sweep by name, with what is claimed of it and by whom."""

    title: str
    claim: str
    source: str
    config: SweepConfig


_PHASES = TrainConfig(
    task="temporal_order",
    steps=200,
    hidden_size=128,
    batch_size=4,
    init="normal",
    input_init="fixed",
    bias="zero",
)
"""Every input is one-hot, so that the input scale is the standard deviation of what it adds."""
_CLIPPING = TrainConfig(
    task="temporal_order",
    hidden_size=20,
    batch_size=20,
    init="spectral_radius",
    gain=0.95,
    input_init="fixed",
    input_scale=0.1,
    bias="zero",
    optimizer="sgd",
    learning_rate=0.3,
    clip=1.0,
    iterations=600,
)
_FORGETTING = TrainConfig(
    cell="lstm",
    task="delayed_recall",
    steps=40,
    hidden_size=16,
    loss_at="task",
    bias="zero",
    gate_bias="forget",
    learning_rate=1e-2,
    iterations=250,
)

SWEEPS: dict[str, NamedSweep] = {
    "tanh-phases": NamedSweep(
        "Phases of a random tanh network",
        "Gradients explode at a large gain and little input, and vanish where the gain is small or "
        "the input large; the border runs through an input of standard deviation 0.431 at gain "
        "1.5, 1.279 at 2 and 3.883 at 3.",
        "Molgedey, Schuchhardt and Schuster (1992), Suppressing chaos in neural networks by noise; "
        "Chen, Pennington and Schoenholz (2018), Dynamical isometry and a mean field theory of "
        "RNNs, ICML",
        SweepConfig(
            base=_PHASES,
            knobs=(Knob.linear("gain", 0.5, 3.5, 16), Knob.log("input_scale", 0.1, 6.4, 13)),
            seeds=(0, 1, 2),
            measures=("factor", "half_life"),
        ),
    ),
    "clipping-length": NamedSweep(
        "Clipping and the length that can be learned",
        "With its gradient clipped a tanh network learns the order of two symbols in sequences of "
        "a length at which the same network fails without.",
        "Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural "
        "networks, ICML, figure 7, which goes to 250 steps; here much smaller",
        SweepConfig(
            base=_CLIPPING,
            knobs=(Knob.of("steps", [10, 15, 20, 30]), Knob.of("clip_by", ["norm", "none"])),
            seeds=(0, 1, 2),
            measures=("success", "trained_loss"),
        ),
    ),
    "forget-lag": NamedSweep(
        "Forget bias and the lag that can be learned",
        "The further back lies what an LSTM has to recall, the larger a forget bias it must start "
        "with to learn it.",
        "Gers, Schmidhuber and Cummins (2000), Learning to forget; Jozefowicz, Zaremba and "
        "Sutskever (2015), An empirical exploration of recurrent network architectures, ICML",
        SweepConfig(
            base=_FORGETTING,
            knobs=(Knob.of("lag", [2, 5, 10, 20]), Knob.of("forget_bias", [-2, 0, 2, 4])),
            seeds=(0, 1),
            measures=("success", "trained_loss"),
            solved=0.9,
        ),
    ),
}
