"""Every cell again in autograd, one step at a time, from the equations of its paper.

A twin takes its cell's sizes and constants, parameters, input and state, and gives the
pre-activations (one tensor a gate, in order), the gates by name, and the next state.
"""

from types import SimpleNamespace

import numpy as np
import pytest


def vanilla(activate):
    """h = f(W_ih x + b_ih + W_hh h + b_hh)."""

    def step(torch, cell, p, x, s):
        a = held(x @ p["W_ih"].T + p["b_ih"] + s["h"] @ p["W_hh"].T + p["b_hh"])
        return [a], {}, {"h": activate(torch, a)}

    return step


def lstm(torch, cell, p, x, s):
    a = x @ p["W_ih"].T + p["b_ih"] + s["h"] @ p["W_hh"].T + p["b_hh"]
    pre = [held(part) for part in a.chunk(4, dim=1)]
    i, f, o = (torch.sigmoid(pre[n]) for n in (0, 1, 3))
    g = torch.tanh(pre[2])
    c = f * s["c"] + i * g
    return pre, {"i": i, "f": f, "g": g, "o": o}, {"h": o * torch.tanh(c), "c": c}


def gru(torch, cell, p, x, s):
    from_x = (x @ p["W_ih"].T + p["b_ih"]).chunk(3, dim=1)
    from_h = (s["h"] @ p["W_hh"].T + p["b_hh"]).chunk(3, dim=1)
    pre = [held(from_x[n] + from_h[n]) for n in (0, 1)]
    r, z = (torch.sigmoid(a) for a in pre)
    pre.append(held(from_x[2] + r * from_h[2]))
    n = torch.tanh(pre[2])
    return pre, {"r": r, "z": z, "n": n}, {"h": (1 - z) * n + z * s["h"]}


TWINS = {
    "tanh": vanilla(lambda torch, a: torch.tanh(a)),
    "relu": vanilla(lambda torch, a: torch.relu(a)),
    "linear": vanilla(lambda torch, a: a * 1),
    "sigmoid": vanilla(lambda torch, a: torch.sigmoid(a)),
    "lstm": lstm,
    "gru": gru,
}


def held(tensor):
    """The tensor, whose gradient will be kept."""
    tensor.retain_grad()
    return tensor


def unrolled(torch, layer, name, params, x, s0):
    """One layer over all steps: every pre-activation, gate, and state with its gradient kept."""
    parts = layer.cell.state_names
    start = torch.tensor(s0).chunk(len(parts), dim=1)
    handed = {part: value.requires_grad_() for part, value in zip(parts, start, strict=True)}
    seen = SimpleNamespace(pre=[], gates=[], states=[handed], handed=[handed])
    for x_t in x[::-1] if layer.reverse else x:
        pre, gates, state = TWINS[name](torch, layer.cell, params, x_t, handed)
        state = {part: held(value) for part, value in state.items()}
        # h is h wherever it is heard; what is handed on of an inner part is a path of its own.
        handed = {p: v if p == "h" else held(v * 1) for p, v in state.items()}
        seen.pre.append(pre)
        seen.gates.append(gates)
        seen.states.append(state)
        seen.handed.append(handed)
    h = [state["h"] for state in seen.states[1:]]
    return seen, h[::-1] if layer.reverse else h


def twin(net, name, x, loss_of, s0):
    """The same pass in PyTorch, unrolled step by step with every state's gradient retained."""
    torch = pytest.importorskip("torch")
    params = {key: torch.tensor(W, requires_grad=True) for key, W in net.params.items()}
    x = torch.tensor(x, requires_grad=True)
    below, layers = list(x), []
    for level in net.levels:
        outputs = []
        for n in level:
            own = {key: params[f"{net.names[n]}.{key}"] for key in net.layers[n].params}
            seen, h = unrolled(torch, net.layers[n], name, own, below, s0[n])
            layers.append(seen)
            outputs.append(h)
        given = [torch.cat(parts, dim=1) for parts in zip(*outputs, strict=True)]
        if net.residual and level[0]:
            given = [now + before for now, before in zip(given, below, strict=True)]
        below = given
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
        layers=[_read(seen) for seen in layers],
        grads={key: W.grad.numpy() for key, W in params.items()},
    )


def _read(seen):
    """A layer's tensors as arrays under a record's names."""
    part = {
        name: (stack([s[name] for s in seen.states]), stack([s[name] for s in seen.states], True))
        for name in seen.states[0]
    }
    ds = [stack([s[name] for s in seen.handed], True) for name in part]
    pre = [stack([pre[g] for pre in seen.pre], True) for g in range(len(seen.pre[0]))]
    found = {
        "s": np.concatenate([value for value, _ in part.values()], axis=2),
        "ds": np.concatenate(ds, axis=2),
        "da": np.concatenate(pre, axis=2),
        "h": part["h"][0],
        "dh": part["h"][1],
    }
    if "c" in part:
        found |= {"c": part["c"][0], "dc": part["c"][1]}
    gates = {name: stack([gates[name] for gates in seen.gates]) for name in seen.gates[0]}
    return SimpleNamespace(arrays=found, gates=gates)


def stack(tensors, grad=False):
    """Tensors of all steps in one array; their gradients if asked, zero where nothing flowed."""
    arrays = [(t.grad if grad else t.detach()) for t in tensors]
    shape = tuple(tensors[0].shape)
    return np.stack([np.zeros(shape) if a is None else a.numpy() for a in arrays])
