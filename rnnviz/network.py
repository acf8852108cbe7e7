"""A network: layers of a cell with its parameters, and a readout or none."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Params, frozen
from rnnviz.cells import Cell

_DTYPES = {np.dtype(np.float32), np.dtype(np.float64)}


@dataclass(frozen=True)
class Layer:
    """A cell and its parameters, under PyTorch's names: ``W_ih``, ``W_hh``, ``b_ih``, ``b_hh``.

    ``b_hh`` may be left out where a cell only ever adds the two up. A ``reverse`` layer reads the
    sequence from its end. What can still be written to is copied: the layer's own arrays are
    read-only.

    Raises
    ------
    ValueError
        If a parameter is missing, unknown, or of another shape than the cell's sizes ask.
    """

    cell: Cell
    params: Params
    reverse: bool = False

    def __post_init__(self) -> None:
        """Own the arrays, and check every name and shape."""
        object.__setattr__(self, "params", _owned(self.params))
        shapes = self.cell.shapes
        if self.cell.one_bias and "b_hh" not in self.params:
            shapes = {name: shape for name, shape in shapes.items() if name != "b_hh"}
        _check_params(self.params, shapes)


@dataclass(frozen=True)
class Readout:
    """y_t = h_t W_hy^T + b_y; the arrays are owned as a layer's are.

    Raises
    ------
    ValueError
        If a parameter is missing, unknown or badly shaped.
    """

    params: Params

    def __post_init__(self) -> None:
        """Own the arrays, and check every name and shape."""
        object.__setattr__(self, "params", _owned(self.params))
        W_hy = self.params.get("W_hy", np.empty((0, 0)))
        if W_hy.ndim != 2:
            raise ValueError(f"W_hy must be (O, H), got {W_hy.shape}")
        _check_params(self.params, {"W_hy": W_hy.shape, "b_y": W_hy.shape[:1]})

    @property
    def output_size(self) -> int:
        """O."""
        return int(self.params["W_hy"].shape[0])


@dataclass(frozen=True)
class Network:
    """Stacked layers and a readout; without one, the outputs are the hidden states on top.

    A layer and the ``reverse`` layer behind it make one level: they read the same, and what is
    above them reads the hidden states of both, side by side. ``residual`` adds to what each level
    but the first gives what it read: He et al. (2016), Deep residual learning, equation 1.

    Raises
    ------
    ValueError
        If there is no layer, one layer's input size is not the size of the level below, a reverse
        layer stands alone, or the parameters are not all float32 or all float64.

    Examples
    --------
    >>> import rnnviz as rv
    >>> network = rv.build(rv.RunConfig(hidden_size=5), input_size=2, output_size=3)
    >>> network.params["l0.W_hh"].shape, network.output_size
    ((5, 5), 3)
    """

    layers: tuple[Layer, ...] | list[Layer]
    readout: Readout | None = None
    residual: bool = False

    def __post_init__(self) -> None:
        """Check that each level fits the one below, in one precision."""
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ValueError("a network must have at least 1 layer, got 0")
        _check_levels(self)
        if self.readout and self.readout.params["W_hy"].shape[1] != self.top_size:
            raise ValueError(
                f"readout.W_hy must be (O, {self.top_size}), "
                f"got {self.readout.params['W_hy'].shape}"
            )
        _check_dtypes(self.params)

    @cached_property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the layers that read the same: one, or two where one is in reverse."""
        starts = [n for n, layer in enumerate(self.layers) if not layer.reverse or n == 0]
        ends = [*starts[1:], len(self.layers)]
        return tuple(tuple(range(start, end)) for start, end in zip(starts, ends, strict=True))

    @property
    def top(self) -> int:
        """The number of the last layer that reads forward: the one that is looked at first."""
        return self.levels[-1][0]

    @property
    def top_size(self) -> int:
        """How many hidden states the readout sees."""
        return sum(self.layers[n].cell.hidden_size for n in self.levels[-1])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Each layer's name: ``l0``, ``l0_reverse``, ``l1``, ..."""
        return tuple(
            f"l{number}_reverse" if self.layers[n].reverse else f"l{number}"
            for number, level in enumerate(self.levels)
            for n in level
        )

    @property
    def input_size(self) -> int:
        """I."""
        return self.layers[0].cell.input_size

    @property
    def output_size(self) -> int:
        """O: the readout's rows, or the hidden states on top without one."""
        return self.readout.output_size if self.readout else self.top_size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type of every parameter."""
        dtype: np.dtype[Any] = self.layers[0].params["W_ih"].dtype
        return dtype

    @cached_property
    def params(self) -> Params:
        """Every parameter by its full name: ``l0.W_hh``, ..., ``readout.W_hy``."""
        named = {name: layer.params for name, layer in zip(self.names, self.layers, strict=True)}
        if self.readout:
            named["readout"] = self.readout.params
        return {f"{part}.{name}": W for part, own in named.items() for name, W in own.items()}

    def with_params(self, params: Params) -> "Network":
        """The same network with other parameters, under their full names."""
        layers = tuple(
            replace(layer, params={name: params[f"{own}.{name}"] for name in layer.params})
            for own, layer in zip(self.names, self.layers, strict=True)
        )
        readout = self.readout and Readout(
            {name: params[f"readout.{name}"] for name in self.readout.params}
        )
        return replace(self, layers=layers, readout=readout)


def _check_levels(network: Network) -> None:
    size = network.input_size
    for number, level in enumerate(network.levels):
        layers = [network.layers[n] for n in level]
        if layers[0].reverse or len(layers) > 2:
            raise ValueError(
                "a reverse layer must follow the one layer that reads forward beside it, got "
                f"{['reverse' if layer.reverse else 'forward' for layer in network.layers]}"
            )
        for layer in layers:
            if layer.cell.input_size != size:
                raise ValueError(
                    f"layer {number} must take the {size} hidden units of layer {number - 1}, "
                    f"got input_size {layer.cell.input_size}"
                )
        below, size = size, sum(layer.cell.hidden_size for layer in layers)
        if network.residual and number and size != below:
            raise ValueError(
                f"layer {number} must have the {below} hidden units of the residual way past it, "
                f"got {size}"
            )


def _owned(params: Params) -> Params:
    return {name: _read_only(W) for name, W in params.items()}


def _read_only(given: Array | list[Any]) -> Array:
    W = np.asarray(given)
    # BLAS would copy a strided matrix at every step of every pass.
    return frozen(W.copy(order="K")) if W.flags.writeable or not W.flags.forc else W


def _check_params(params: Params, shapes: dict[str, tuple[int, ...]]) -> None:
    if set(params) != set(shapes):
        raise ValueError(f"parameters must be {sorted(shapes)}, got {sorted(params)}")
    for name, shape in shapes.items():
        if params[name].shape != shape:
            raise ValueError(f"{name} must be {shape}, got {params[name].shape}")


def _check_dtypes(params: Params) -> None:
    """One native precision for all: BLAS would add to a converted copy, and lose what it added."""
    dtypes = [W.dtype for W in params.values()]
    if len(set(dtypes)) == 1 and dtypes[0] in _DTYPES:
        return
    for name, W in params.items():
        if W.dtype not in _DTYPES:
            raise ValueError(f"{name} must be float32 or float64, got {W.dtype}")
    ((usual, _),) = Counter(dtypes).most_common(1)
    name, came = next((name, W.dtype) for name, W in params.items() if W.dtype != usual)
    raise ValueError(f"{name} must be {usual} as the other weights are, got {came}")
