"""What several tests share: small networks with all sizes different, and a twin in autograd."""

from types import SimpleNamespace

import numpy as np
import pytest

import rnnviz as rv

T, B, I, H, O = 7, 3, 2, 5, 4
"""Every size another number, so that a swapped axis cannot pass."""


def network(cell="tanh", *, layers=1, readout=True, seed=0, dtype=np.float64):
    """A network with every parameter drawn, none of them zero."""
    rng = np.random.default_rng(seed)
    stack = []
    for number in range(layers):
        kind = rv.CELLS[cell](I if number == 0 else H, H)
        params = {name: 0.5 * rng.normal(size=shape) for name, shape in kind.shapes.items()}
        stack.append(rv.Layer(kind, {name: W.astype(dtype) for name, W in params.items()}))
    if not readout:
        return rv.Network(stack)
    drawn = {"W_hy": rng.normal(size=(O, H)), "b_y": rng.normal(size=O)}
    return rv.Network(stack, rv.Readout({name: W.astype(dtype) for name, W in drawn.items()}))


def sequences(seed=1, *, outputs=O, layers=1):
    """Inputs, targets, labels, a mask that leaves some out, and non-zero initial states."""
    rng = np.random.default_rng(seed)
    mask = rng.random((T, B)) < 0.6
    mask[-1] = True
    return SimpleNamespace(
        x=rng.normal(size=(T, B, I)),
        target=rng.normal(size=(T, B, outputs)),
        labels=rng.integers(0, outputs, (T, B)),
        mask=mask,
        s0=[rng.normal(size=(B, H)) for _ in range(layers)],
    )


def twin(net, x, loss_of, s0):
    """The same pass in PyTorch, unrolled step by step with every state's gradient retained."""
    torch = pytest.importorskip("torch")
    activations = {
        "tanh": torch.tanh,
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "linear": lambda a: a,
    }
    params = {name: torch.tensor(W, requires_grad=True) for name, W in net.params.items()}
    x = torch.tensor(x, requires_grad=True)
    below, states, pre = list(x), [], []
    name_of = {cell: name for name, cell in rv.CELLS.items()}
    for number, layer in enumerate(net.layers):
        own = {name: params[f"l{number}.{name}"] for name in layer.params}
        f = activations[name_of[type(layer.cell)]]
        h = [torch.tensor(s0[number], requires_grad=True)]
        a = []
        for x_t in below:
            a_t = x_t @ own["W_ih"].T + own["b_ih"] + h[-1] @ own["W_hh"].T + own["b_hh"]
            a_t.retain_grad()
            h_t = f(a_t)
            if h_t is not a_t:
                h_t.retain_grad()
            a.append(a_t)
            h.append(h_t)
        below = h[1:]
        states.append(h)
        pre.append(a)
    y = torch.stack(below)
    if net.readout:
        y = y @ params["readout.W_hy"].T + params["readout.b_y"]
    y.retain_grad()
    loss = loss_of(torch, y)
    loss.backward()
    return SimpleNamespace(
        loss=loss.item(),
        y=y.detach().numpy(),
        dy=y.grad.numpy(),
        dx=x.grad.numpy(),
        h=[stack(h) for h in states],
        dh=[stack(h, grad=True) for h in states],
        da=[stack(a, grad=True) for a in pre],
        grads={name: W.grad.numpy() for name, W in params.items()},
    )


def stack(tensors, *, grad=False):
    """Tensors of all steps in one array; their gradients if asked, zero where nothing flowed."""
    arrays = [(t.grad if grad else t.detach()) for t in tensors]
    shape = tuple(tensors[0].shape)
    return np.stack([np.zeros(shape) if a is None else a.numpy() for a in arrays])
