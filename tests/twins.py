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


def gru_cho(torch, cell, p, x, s):
    """Cho et al. (2014), equations 5 to 8."""
    H, h = cell.hidden_size, s["h"]
    W, U, b = (p[name].split(H) for name in ("W_ih", "W_hh", "b_ih"))
    b = [one + two for one, two in zip(b, p["b_hh"].split(H), strict=True)]
    a_r, a_z = (held(x @ W[n].T + h @ U[n].T + b[n]) for n in (0, 1))
    r, z = torch.sigmoid(a_r), torch.sigmoid(a_z)
    a_n = held(x @ W[2].T + (r * h) @ U[2].T + b[2])
    n = torch.tanh(a_n)
    return [a_r, a_z, a_n], {"r": r, "z": z, "n": n}, {"h": z * h + (1 - z) * n}


def lstm_peephole(torch, cell, p, x, s):
    """Graves (2013), equations 7 to 11, the peepholes as the diagonal matrices they are there."""
    c, b = s["c"], p["b_ih"] + p["b_hh"]
    a = (x @ p["W_ih"].T + s["h"] @ p["W_hh"].T + b).split(cell.hidden_size, dim=1)
    a_i, a_f = held(a[0] + c @ p["w_ci"].diag()), held(a[1] + c @ p["w_cf"].diag())
    i, f, a_g = torch.sigmoid(a_i), torch.sigmoid(a_f), held(a[2])
    g = torch.tanh(a_g)
    c = f * c + i * g
    a_o = held(a[3] + c @ p["w_co"].diag())
    o = torch.sigmoid(a_o)
    gates = {"i": i, "f": f, "g": g, "o": o}
    return [a_i, a_f, a_g, a_o], gates, {"h": o * torch.tanh(c), "c": c}


def mgu(torch, cell, p, x, s):
    """Zhou et al. (2016): each gate's weights act on [h, x] side by side."""
    H, h = cell.hidden_size, s["h"]
    W_f, W_n = torch.cat([p["W_hh"], p["W_ih"]], dim=1).split(H)
    b_f, b_n = (p["b_ih"] + p["b_hh"]).split(H)
    a_f = held(torch.cat([h, x], dim=1) @ W_f.T + b_f)
    f = torch.sigmoid(a_f)
    a_n = held(torch.cat([f * h, x], dim=1) @ W_n.T + b_n)
    n = torch.tanh(a_n)
    return [a_f, a_n], {"f": f, "n": n}, {"h": (1 - f) * h + f * n}


def tanh_norm(torch, cell, p, x, s):
    """Ba, Kiros and Hinton (2016), equation 4."""
    total = x @ p["W_ih"].T + s["h"] @ p["W_hh"].T
    a = held(layer_norm(torch, total, p["g"], p["b_ih"]) + p["b_hh"])
    return [a], {}, {"h": torch.tanh(a)}


def lstm_norm(torch, cell, p, x, s):
    a = layer_norm(torch, s["h"] @ p["W_hh"].T, p["g_hh"], p["b_hh"])
    a = a + layer_norm(torch, x @ p["W_ih"].T, p["g_ih"], p["b_ih"])
    pre = [held(part) for part in a.chunk(4, dim=1)]
    i, f, o = (torch.sigmoid(pre[n]) for n in (0, 1, 3))
    g = torch.tanh(pre[2])
    c = f * s["c"] + i * g
    h = o * torch.tanh(layer_norm(torch, c, p["g_c"], p["b_c"]))
    return pre, {"i": i, "f": f, "g": g, "o": o}, {"h": h, "c": c}


def gru_norm(torch, cell, p, x, s):
    H = cell.hidden_size
    x_rz, x_n = (x @ p["W_ih"].T).split([2 * H, H], dim=1)
    h_rz, h_n = (s["h"] @ p["W_hh"].T).split([2 * H, H], dim=1)
    (alpha_2, alpha_3), (beta_2, beta_3) = p["g_ih"].split([2 * H, H]), p["b_ih"].split([2 * H, H])
    (alpha_1, alpha_4), (beta_1, beta_4) = p["g_hh"].split([2 * H, H]), p["b_hh"].split([2 * H, H])
    a = layer_norm(torch, h_rz, alpha_1, beta_1) + layer_norm(torch, x_rz, alpha_2, beta_2)
    pre = [held(part) for part in a.chunk(2, dim=1)]
    r, z = (torch.sigmoid(part) for part in pre)
    from_h = r * layer_norm(torch, h_n, alpha_4, beta_4)
    pre.append(held(layer_norm(torch, x_n, alpha_3, beta_3) + from_h))
    n = torch.tanh(pre[2])
    return pre, {"r": r, "z": z, "n": n}, {"h": (1 - z) * n + z * s["h"]}


def layer_norm(torch, z, gain, bias):
    return torch.nn.functional.layer_norm(z, gain.shape, gain, bias, 1e-5)


def antisymmetric(torch, cell, p, x, s):
    """Chang et al. (2019), with diffusion; their V is our W_ih."""
    W, h, eye = p["W_hh"], s["h"], torch.eye(cell.hidden_size, dtype=p["W_hh"].dtype)
    a = held(h @ (W - W.T - cell.diffusion * eye).T + x @ p["W_ih"].T + p["b_ih"] + p["b_hh"])
    return [a], {}, {"h": h + cell.step_size * torch.tanh(a)}


def leaky(torch, cell, p, x, s):
    a = held(x @ p["W_ih"].T + p["b_ih"] + s["h"] @ p["W_hh"].T + p["b_hh"])
    return [a], {}, {"h": (1 - cell.alpha) * s["h"] + cell.alpha * torch.tanh(a)}


def indrnn(torch, cell, p, x, s):
    """Li et al. (2018), section 3."""
    a = held(x @ p["W_ih"].T + p["w_hh"] * s["h"] + p["b_ih"] + p["b_hh"])
    return [a], {}, {"h": torch.relu(a)}


def lru(torch, cell, p, x, s):
    """Orvieto et al. (2023), equation 7, in complex numbers."""
    B = torch.complex(*p["W_ih"].chunk(2))
    Lambda = torch.exp(torch.complex(-p["nu_log"].exp(), p["theta_log"].exp()))
    driven = p["gamma_log"].exp() * (x.to(B.dtype) @ B.T)
    a = held(torch.cat([driven.real, driven.imag], dim=1))
    state = Lambda * torch.complex(*s["h"].chunk(2, dim=1)) + torch.complex(*a.chunk(2, dim=1))
    return [a], {}, {"h": torch.cat([state.real, state.imag], dim=1)}


TWINS = {
    "tanh": vanilla(lambda torch, a: torch.tanh(a)),
    "relu": vanilla(lambda torch, a: torch.relu(a)),
    "linear": vanilla(lambda torch, a: a * 1),
    "sigmoid": vanilla(lambda torch, a: torch.sigmoid(a)),
    "lstm": lstm,
    "gru": gru,
    "gru_cho": gru_cho,
    "lstm_peephole": lstm_peephole,
    "mgu": mgu,
    "tanh_norm": tanh_norm,
    "lstm_norm": lstm_norm,
    "gru_norm": gru_norm,
    "antisymmetric": antisymmetric,
    "leaky": leaky,
    "indrnn": indrnn,
    "lru": lru,
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
