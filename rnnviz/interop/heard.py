"""What went into a layer of a PyTorch module and what came back to it: a copy of it is run."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.interop.fused import check, kind_of, layer_of, numpy_of

if TYPE_CHECKING:
    from torch import nn

Inputs = Any
"""A tensor, a tuple of arguments, or a mapping of them by name."""
LossFn = Callable[[Any], Any]
"""What the module gives -> the loss, one number."""


@dataclass(frozen=True)
class Heard:
    """What went into a layer and what came back to it."""

    layer: "nn.RNNBase"
    x: Float[Array, "T B I"]
    starts: tuple[Array, ...]
    """The initial state's parts, each (L, B, H); none for zeros."""
    dy: Float[Array, "T B O"]
    loss: float


def listen(module: "nn.Module", inputs: Inputs, loss_fn: LossFn) -> Heard:
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


def _heard(layer: Any, x: Any, start: Any, leaves: Any, grads: Any, loss: float) -> Heard:
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
    return Heard(layer, read, tuple(part.astype(dtype) for part in parts), dy, loss)


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
