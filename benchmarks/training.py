"""Training steps of the adding task against the same loop in PyTorch."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

import rnnviz as rv
from benchmarks.peers import FUSED, Work, filled, readout_of
from benchmarks.timing import medians
from rnnviz.run import untrained
from rnnviz.tasks import Batch

CELLS = {"tanh": 2.0, "lstm": 1.3}
"""How many times PyTorch's steps a second are asked of each cell."""
STEPS = 40
"""Training steps in one sample."""
ALIKE = 20
"""Steps whose losses have to agree before anything is timed."""


def table() -> Iterator[str]:
    """Steps a second of both, with the same data drawing, clipping and optimiser."""
    yield "T=100, B=32, H=64, Adam, clip 1, float64, with a history at economy"
    yield "cell   ours steps/s  PyTorch steps/s  ratio  asked"
    for cell, asked in CELLS.items():
        config = rv.TrainConfig(
            cell=cell,
            task="adding",
            steps=100,
            batch_size=32,
            hidden_size=64,
            iterations=24 * STEPS + 1,  # so that every sample takes one moment
        )
        _same_losses(config)
        mine, theirs = medians([_ours(config), _pytorch(config)])
        yield (
            f"{cell:<5} {STEPS / mine:>13.0f} {STEPS / theirs:>16.0f} "
            f"{theirs / mine:>5.2f}x {asked:>5.1f}x"
        )


def _ours(config: rv.TrainConfig) -> Work:
    """A stretch of one training, from its first step to as many as a sample takes, with rows."""
    steps: list[Iterator[rv.TrainStep]] = []

    def work() -> object:
        if not steps:
            steps.append(iter(rv.train(config)))
        taken = [step.row for step in islice(steps[0], STEPS)]
        if len(taken) < STEPS:
            steps.clear()
        return taken

    return work


def _pytorch(config: rv.TrainConfig, losses: list[float] | None = None) -> Work:
    """What a user would write: the module, ``clip_grad_norm_`` and Adam, and the losses kept."""
    network = untrained(config)
    batch = rv.draw(config)
    kind = type(network.layers[0].cell).__name__
    rnn = filled(FUSED[kind](2, config.hidden_size, dtype=torch.float64), network)
    readout = readout_of(network, batch.x)
    held_out = rv.draw(config, "validation")
    params = [*rnn.parameters(), *readout.parameters()]
    rule = torch.optim.Adam(params, lr=config.learning_rate)
    seen = [] if losses is None else losses

    def loss_of(batch: Batch) -> torch.Tensor:
        h, _ = rnn(torch.from_numpy(batch.x))
        return torch.nn.functional.mse_loss(readout(h[-1]), torch.from_numpy(batch.target[-1]))

    def work() -> object:
        for _ in range(STEPS):
            number = len(seen) % config.iterations
            rule.zero_grad()
            loss = loss_of(rv.draw(config, "data", number))
            if number % 10 == 0:
                with torch.no_grad():
                    loss_of(held_out)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params, config.clip)
            rule.step()
            seen.append(loss.item())
        return seen

    return work


def _same_losses(config: rv.TrainConfig) -> None:
    losses: list[float] = []
    _pytorch(config, losses)()
    mine = [step.loss for step in islice(rv.train(config), ALIKE)]
    np.testing.assert_allclose(mine, losses[:ALIKE], rtol=1e-8)
