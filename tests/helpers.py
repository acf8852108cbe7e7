"""What several tests share: small networks with all sizes different, and data for them."""

from types import SimpleNamespace

import numpy as np

import rnnviz as rv

T, B, I, H, O = 7, 3, 2, 5, 4
"""Every size another number, so that a swapped axis cannot pass."""


def network(
    cell="tanh",
    *,
    layers=1,
    readout=True,
    seed=0,
    dtype=np.float64,
    both=False,
    residual=False,
):
    """A network with every parameter drawn, none of them zero."""
    rng = np.random.default_rng(seed)
    stack = []
    H = hidden(cell)
    for number in range(layers):
        kind = rv.CELLS[cell](I if number == 0 else H * (1 + both), H)
        for reverse in (False, True)[: 1 + both]:
            params = {name: 0.5 * rng.normal(size=shape) for name, shape in kind.shapes.items()}
            params = {name: W.astype(dtype) for name, W in params.items()}
            stack.append(rv.Layer(kind, params, reverse))
    if not readout:
        return rv.Network(stack, residual=residual)
    drawn = {"W_hy": rng.normal(size=(O, H * (1 + both))), "b_y": rng.normal(size=O)}
    readout = rv.Readout({name: W.astype(dtype) for name, W in drawn.items()})
    return rv.Network(stack, readout, residual)


def hidden(cell):
    """H, or the even number above it where a cell's units come in pairs."""
    return H + 1 if rv.CELLS[cell].in_pairs else H


def sequences(net=None, *, seed=1, outputs=O):
    """Inputs, targets, labels, a mask that leaves some out, and non-zero initial states."""
    rng = np.random.default_rng(seed)
    mask = rng.random((T, B)) < 0.6
    mask[-1] = True
    outputs = net.output_size if net else outputs
    sizes = [layer.cell.state_size for layer in net.layers] if net else [H]
    return SimpleNamespace(
        x=rng.normal(size=(T, B, I)),
        target=rng.normal(size=(T, B, outputs)),
        labels=rng.integers(0, outputs, (T, B)),
        mask=mask,
        s0=[rng.normal(size=(B, size)) for size in sizes],
    )
