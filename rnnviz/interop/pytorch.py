"""What a PyTorch training does, seen from within: true gradients at every step of its own layer.

    record(module, inputs, loss_fn) -> Record          Callback("runs", every=100)

PyTorch is imported here alone, by whoever calls this and has it.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.bptt import bptt
from rnnviz.interop.fused import check, kind_of, layer_of, network_of, numpy_of
from rnnviz.interop.limits import one_line
from rnnviz.record import Record
from rnnviz.runfile import save_run
from rnnviz.runfile.limits import ENDING

if TYPE_CHECKING:
    from torch import nn

Inputs = Any
"""A tensor, a tuple of arguments, or a mapping of them by name."""
LossFn = Callable[[Any], Any]
"""What the module gives -> the loss, one number."""


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
    heard = _listen(module, inputs, loss_fn)
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
class _Heard:
    """What went into a layer and what came back to it."""

    layer: "nn.RNNBase"
    x: Float[Array, "T B I"]
    starts: tuple[Array, ...]
    """The initial state's parts, each (L, B, H); none for zeros."""
    dy: Float[Array, "T B O"]
    loss: float


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


def _listen(module: "nn.Module", inputs: Inputs, loss_fn: LossFn) -> _Heard:
    """Run a copy of the module, with its layer's outputs as the leaves that the loss hangs on."""
    import torch

    check(layer_of(module))
    calls: list[tuple[Any, ...]] = []

    def cut(layer: Any, args: Any, kwargs: Any, gave: Any) -> Any:
        del layer
        out, last = gave
        _check_padded(out)
        lasts = last if isinstance(last, tuple) else (last,)
        leaves = tuple(part.detach().requires_grad_() for part in (out, *lasts))
        calls.append((*_read(*args, **kwargs), leaves))
        # A leaf could not be changed in place by what comes behind.
        out, *given = (leaf.clone() for leaf in leaves)
        return out, tuple(given) if isinstance(last, tuple) else given[0]

    with _apart():
        mine = copy.deepcopy(module)
        layer = layer_of(mine)
        layer.register_forward_hook(cut, with_kwargs=True)
        loss = loss_fn(_call(mine, inputs))
        if len(calls) != 1:
            raise ValueError(
                f"the module must call its {kind_of(layer)} once, got {len(calls)} calls"
            )
        x, start, leaves = calls[0]
        _check_loss(loss, layer)
        grads = torch.autograd.grad(loss, leaves, allow_unused=True)
    return _heard(layer, x, start, leaves, grads, float(loss.detach()))


@contextmanager
def _apart() -> Iterator[None]:
    """Gradients on, and PyTorch's random numbers afterwards as they were."""
    import torch

    with torch.random.fork_rng(), torch.inference_mode(mode=False), torch.enable_grad():
        yield


def _call(module: "nn.Module", inputs: Inputs) -> Any:
    if isinstance(inputs, Mapping):
        return module(**{name: _usable(value) for name, value in inputs.items()})
    arguments = inputs if type(inputs) is tuple else (inputs,)  # packed sequences are one, too
    return module(*(_usable(value) for value in arguments))


def _usable(value: Any) -> Any:
    """A tensor made in inference mode, as one that gradients may be taken beside."""
    is_inference = getattr(value, "is_inference", None)
    return value.clone() if is_inference and is_inference() else value


def _read(input: Any, hx: Any = None) -> tuple[Any, Any]:
    """The arguments of a layer under PyTorch's names."""
    return input, hx


def _check_padded(out: Any) -> None:
    import torch

    if not isinstance(out, torch.Tensor):
        raise ValueError(f"its sequences must be padded to one length, got {type(out).__name__}")


def _check_loss(loss: Any, layer: "nn.RNNBase") -> None:
    import torch

    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        shape = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise ValueError(f"loss_fn must give a tensor of one number, got {shape}")
    if not loss.requires_grad:
        raise ValueError(
            f"the loss must depend on what the {kind_of(layer)} gives, got one without"
        )


def _heard(layer: Any, x: Any, start: Any, leaves: Any, grads: Any, loss: float) -> _Heard:
    dtype = numpy_of(layer.weight_hh_l0).dtype
    batched = x.dim() == 3
    out, *lasts = (numpy_of(leaf) for leaf in leaves)
    by_out, *by_lasts = (
        np.zeros_like(whole) if grad is None else numpy_of(grad)
        for grad, whole in zip(grads, (out, *lasts), strict=True)
    )
    starts = () if start is None else start if isinstance(start, tuple) else (start,)
    parts = [numpy_of(part) for part in starts]
    if not batched:
        by_lasts, parts = ([part[:, None] for part in some] for some in (by_lasts, parts))
    time_first = [_time_first(array, layer, batched=batched) for array in (numpy_of(x), by_out)]
    read, dy = (array.astype(dtype) for array in time_first)
    _add_last(dy, layer, *by_lasts)
    return _Heard(layer, read, tuple(part.astype(dtype) for part in parts), dy, loss)


def _time_first(array: Array, layer: Any, *, batched: bool) -> Array:
    if not batched:
        return array[:, None]
    return array.swapaxes(0, 1) if layer.batch_first else array


def _add_last(dy: Array, layer: Any, by_h: Array, by_c: Array | None = None) -> None:
    """Add the derivative by the last states, which are outputs too: of the last layer alone."""
    ways, H = 1 + layer.bidirectional, layer.hidden_size
    if by_h[:-ways].any() or (by_c is not None and by_c.any()):
        name = "c_n" if by_c is not None and by_c.any() else "a lower layer's h_n"
        raise ValueError(
            f"the loss must reach the {kind_of(layer)} through its outputs and its last layer's "
            f"h_n, got one that depends on {name}"
        )
    dy[-1, :, :H] += by_h[-ways]
    if layer.bidirectional:
        dy[0, :, H:] += by_h[-1]


def _starts(heard: _Heard) -> list[Array] | None:
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
