"""Sections whose work may be long: it is estimated, and asked for in a smaller form where it is.

What the whole would take is said with it.
"""

from collections.abc import Iterator
from math import ceil
from typing import Literal

import numpy as np

from dashboard import session
from dashboard.explored import Explored
from dashboard.limits import PASSES, PATIENCE
from dashboard.section import Drawn, Look, sequence
from rnnviz import diagnostics, draw, figures
from rnnviz.diagnostics import Axis

NUMBERS = 2_000_000
"""The most norms that are kept of one picture."""
SURFACE_POINTS = 21
STARTS = 64
WINDOWS, SINGULAR, FRAMES, NORMS = 5e9, 6e7, 7e8, 1.2e9
"""Multiplications a second of truncated passes, products of Jacobians, frames, and norms."""
PAIR, STEP = 3e-5, 8e-6
"""Seconds that a loss at a step, and a step forward, take however small they are."""


def sources(explored: Explored, look: Look) -> Drawn:
    """Whose loss reaches which state, how fast it fades, and through which steps it acts."""
    config = explored.config
    step = config.batch_size * explored.weights
    losses = int(explored.record.dy.any(axis=(1, 2)).sum())
    whole = losses * config.steps / 2 * (3 * step / PASSES + PAIR)
    every = max(1, ceil(whole / PATIENCE), ceil(losses * config.steps / NUMBERS))
    found = explored.once(f"itemized {every}", lambda r: diagnostics.itemized(r, every=every))
    relative = session.state().view.scale == "relative"
    if losses == 1 < config.steps:
        yield "One step has a loss: set *Loss at* to every step to see where more comes from."
    yield from _cut(every, "of the losses is followed back", whole)
    yield figures.itemized(found, relative=relative, **look)
    yield figures.decay(diagnostics.decay(found, explored.flow), **look)
    name = _recurrent(explored)
    acting = explored.once(
        f"contributions {every}", lambda r: diagnostics.contributions(r, name, every=every)
    )
    yield figures.contributions(acting, **look)


def products(explored: Explored, look: Look) -> Drawn:
    """What products of Jacobians, and single ones, do to a gradient."""
    size, one = explored.cell.state_size, sequence(explored)
    whole = explored.config.steps * size**3 / SINGULAR
    reach = min(explored.config.steps, int(explored.config.steps * PATIENCE / whole))
    if reach == 0:
        yield _too_large(whole, "The singular values")
        return
    end = explored.flow.loss_state
    lags = np.unique(np.geomspace(1, max(1, min(end, reach)), 16).round().astype(int))
    if reach < explored.config.steps:
        yield f"Lags up to {reach:,} are shown: all of them would take {_seconds(whole)}."
    spectrum = explored.once(
        f"spectrum {one}",
        lambda r: diagnostics.jacobian_spectrum(r, lags, sequence=one, end=end),
    )
    yield figures.jacobian_spectrum(spectrum, flow=explored.flow, **look)
    every = max(1, ceil(whole / PATIENCE))
    steps = explored.once(
        f"steps {one}", lambda r: diagnostics.jacobian_steps(r, sequence=one, every=every)
    )
    yield figures.jacobian_steps(steps, **look)


def exponents(explored: Explored, look: Look) -> Drawn:
    """The Lyapunov spectrum."""
    config, size = explored.config, explored.cell.state_size
    each = config.steps * config.batch_size * size**2 / FRAMES
    count = min(size, max(1, int(PATIENCE / each)))
    if count < size:
        yield (
            f"The largest {count:,} of {size:,} exponents are shown: all of them would take "
            f"{_seconds(each * size)}, and only all of them have a sum rule."
        )
    found = explored.once(f"lyapunov {count}", lambda r: diagnostics.lyapunov(r, count))
    yield figures.lyapunov(found, flow=explored.flow, **look)


def bounds(explored: Explored, look: Look) -> Drawn:
    """What is proved of the gradient."""
    config = explored.config
    each = config.steps * explored.cell.state_size**3 / NORMS
    count = min(config.batch_size, int(PATIENCE / each))
    if count == 0:
        yield _too_large(each, "The bounds")
        return
    if count < config.batch_size:
        yield (
            f"The first {count} of {config.batch_size} sequences are shown: all of them would "
            f"take {_seconds(each * config.batch_size)}."
        )
    found = explored.once("bounds", lambda r: diagnostics.bounds(r, sequences=count))
    yield figures.bounds(found, **look)


def truncation(explored: Explored, look: Look) -> Drawn:
    """What truncated BPTT keeps."""
    config = explored.config
    losses = int(explored.record.dy.any(axis=(1, 2)).sum())
    whole = 2 * losses * config.steps * config.batch_size * explored.weights / WINDOWS
    every = max(1, min(losses, ceil(whole / PATIENCE)))
    yield from _cut(every, "of the losses is taken, for both gradients", whole)
    found = explored.once(f"truncation {every}", lambda r: diagnostics.truncation(r, every=every))
    yield figures.truncation(found, **look)


def states(explored: Explored, look: Look) -> Drawn:
    """The states in a plane, and where they would stand still."""
    space = explored.once("states", diagnostics.state_space)
    each = 20 * explored.cell.state_size**3 / SINGULAR / 4
    starts = min(STARTS, int(PATIENCE / each))
    points = None
    if starts == 0:
        yield _too_large(each, "One search for a fixed point")
    else:
        points = explored.once(
            "fixed points", lambda r: diagnostics.fixed_points(r, "mean", starts=starts)
        )
    by_factor = session.state().view.colour == "factor"
    colour: Literal["time", "factor"] = "factor" if by_factor else "time"
    yield figures.state_space(space, points, colour=colour, **look)


def surface(explored: Explored, look: Look) -> Drawn:
    """The loss over two weights, two directions, or Pascanu's one unit."""
    view, config = session.state().view.surface, explored.config
    if view == "cliff":
        found = explored.once("cliff", lambda _: diagnostics.pascanu_cliff())
        yield figures.loss_surface(found, **look | {"caption": ""})
        return
    each = config.steps * (4 * config.batch_size * explored.weights / PASSES + STEP)
    points = min(SURFACE_POINTS, max(3, int((PATIENCE / each) ** 0.5) // 2 * 2 + 1))
    if points < SURFACE_POINTS:
        yield (
            f"{points} by {points} points are drawn: {SURFACE_POINTS} by {SURFACE_POINTS} would "
            f"take {_seconds(each * SURFACE_POINTS**2)}."
        )
    axes = _entries(explored) if view == "weights" else [Axis.gradient(), Axis.random()]
    loss = draw(config).loss(config.loss_at)

    def over(*chosen: Axis) -> diagnostics.LossSurface:
        record = explored.record
        return diagnostics.loss_surface(
            record.network, record.x, loss, chosen, points=points, learning_rate=0.1
        )

    plane = explored.once(f"surface {view}", lambda _: over(*axes))
    yield figures.loss_surface(plane, **look)
    line = explored.once(f"slice {view}", lambda _: over(axes[0]))
    yield figures.loss_slice(line, **look)


def _entries(explored: Explored) -> list[Axis]:
    """The two weights of the top layer that the loss is steepest in."""
    network = explored.record.network
    name = f"{network.names[network.top]}.{_recurrent(explored)}"
    grad = np.nan_to_num(np.abs(explored.record.grads[name]), nan=0.0, posinf=np.inf)
    steepest = np.argsort(-grad, axis=None, kind="stable")[:2]
    found = [Axis(name, tuple(int(i) for i in np.unravel_index(k, grad.shape))) for k in steepest]
    return found if len(found) == 2 else [*found, Axis.random()]


def _recurrent(explored: Explored) -> str:
    """The recurrent weights of the top layer, or what it reads with where it has none."""
    network = explored.record.network
    return "W_hh" if "W_hh" in network.layers[network.top].params else "W_ih"


def _cut(every: int, what: str, whole: float) -> Iterator[str]:
    if every > 1:
        yield f"One in {every:,} {what}: all of them would take {_seconds(whole)}."


def _too_large(seconds: float, what: str) -> str:
    return f"{what} would take {_seconds(seconds)}: choose fewer hidden units or steps."


def _seconds(seconds: float) -> str:
    return f"about {seconds:,.0f} s" if seconds >= 1.5 else f"about {seconds:.1g} s"
