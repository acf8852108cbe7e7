"""What a PyTorch training does, seen from within: true gradients at every step of its own layer.

    record(module, inputs, loss_fn) -> Record          Callback("runs", every=100)

PyTorch is imported here and in ``heard.py`` alone, by whoever calls this and has it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.bptt import bptt
from rnnviz.interop.fused import network_of
from rnnviz.interop.heard import Heard, Inputs, LossFn, listen
from rnnviz.interop.limits import one_line
from rnnviz.record import Record
from rnnviz.runfile import save_run
from rnnviz.runfile.limits import ENDING

if TYPE_CHECKING:
    from torch import nn


def record(module: "nn.Module", inputs: Inputs, loss_fn: LossFn) -> Record:
    """Every state of a module's RNN, LSTM or GRU and the loss's derivative by it, as a record.

    The outputs of a fused layer tell how the loss depends on each of them alone, and nothing of
    what flows from step to step; this runs the layer's own weights on what it read, from the state
    it started in, and carries that same derivative back through every step. ``y`` of the record
    are the layer's outputs, and the whole loss counts for the last step that it hears.

    A copy of the module is run: the module itself, its gradients, its mode and PyTorch's random
    numbers are afterwards as they were, and dropout draws what the next step of training will. Code
    that the module itself calls, such as hooks of its own, is called once more.

    Parameters
    ----------
    module : with one ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` somewhere in it, or that itself
    inputs : what it is called with: a tensor, a tuple of arguments, or a mapping of named ones
    loss_fn : takes what the module gives, and gives the loss, one number

    Raises
    ------
    ValueError
        If there is no such layer, or several, or it is called more than once; if it has a
        projection, dropout of its own, packed sequences or half precision; or if the loss does
        not reach it through its outputs and its last layer's ``h_n`` alone.

    Examples
    --------
    With a layer and a readout in ``model``, and one batch of a training::

        from rnnviz.interop.pytorch import record
        seen = record(model, x, lambda y: loss(y, target))
        print(rnnviz.diagnostics.verdict(seen))
    """
    heard = listen(module, inputs, loss_fn)
    network = network_of(heard.layer)
    T = len(heard.x)
    loss_t = np.zeros(T, network.dtype)
    loss_t[_last(heard.dy)] = heard.loss
    given = _Given(loss_t, heard.dy)
    return bptt(network, heard.x, given, _starts(heard))


class Callback:
    """Writes a run file every so many calls, which the page Runs follows while training goes on.

    Parameters
    ----------
    folder : where to; made if there is none
    every : how many calls lie between two files: the first call writes one
    keep : how many of its own files to keep; older ones are removed
    name : what the runs are called, with the step behind it

    Examples
    --------
    In a training loop::

        watch = Callback("runs", every=100)
        for x, target in batches:
            ...
            watch(model, x, lambda y: loss(y, target))

    and beside it ``rnnviz app --runs runs``.
    """

    def __init__(
        self, folder: str | Path, every: int = 100, *, keep: int = 100, name: str = "training"
    ) -> None:
        for value, called in ((every, "every"), (keep, "keep")):
            if value < 1:
                raise ValueError(f"{called} must be at least 1, got {value}")
        self.folder, self.every, self.keep, self.name = Path(folder), every, keep, name
        self._calls = 0
        self._written: list[Path] = []

    def __call__(self, module: "nn.Module", inputs: Inputs, loss_fn: LossFn) -> Path | None:
        """Count a step; the path of what was written, if it is one of every n."""
        step, self._calls = self._calls, self._calls + 1
        if step % self.every:
            return None
        seen = record(module, inputs, loss_fn)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = save_run(
            self.folder / f"{_as_file(self.name)}-{step:08d}{ENDING}",
            seen,
            name=f"{self.name}, step {step:,}",
            provenance=_told(step, seen),
            replace=False,  # another training may have that name
        )
        self._written.append(path)
        while len(self._written) > self.keep:
            self._written.pop(0).unlink(missing_ok=True)
        return path


@dataclass(frozen=True)
class _Given:
    """A loss of which only this is known."""

    loss_t: Float[Array, " T"]
    dy: Float[Array, "T B O"]

    def value_and_grad(
        self, y: Float[Array, "T B O"]
    ) -> tuple[Float[Array, " T"], Float[Array, "T B O"]]:
        """What was heard, whatever y is."""
        del y
        return self.loss_t, self.dy


def _starts(heard: Heard) -> list[Array] | None:
    """Each layer's initial state, its parts side by side."""
    if not heard.starts:
        return None
    return [np.concatenate(parts, axis=1) for parts in zip(*heard.starts, strict=True)]


def _last(dy: Float[Array, "T B O"]) -> int:
    """The last step that the loss hears; the last of all where it hears none."""
    steps = np.flatnonzero(dy.any(axis=(1, 2)))
    return int(steps[-1]) if len(steps) else len(dy) - 1


def _as_file(name: str) -> str:
    """A name as a file may be called."""
    letters = (letter if letter.isascii() and letter.isalnum() else "-" for letter in name[:60])
    return "".join(letters).strip("-") or "run"


def _told(step: int, seen: Record) -> dict[str, str]:
    import torch

    cell = seen.network.layers[0].cell
    return {
        "from": f"PyTorch {one_line(str(torch.__version__))}, {type(cell).__name__}",
        "step": str(step),
    }
