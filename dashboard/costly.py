"""Sections whose work may be long: it is estimated, and asked for in a smaller form where it is.

What the whole would take is said with it.
"""

from collections.abc import Iterator
from math import ceil
from typing import Literal

import numpy as np

from dashboard.explored import Explored
from dashboard.limits import PASSES
from dashboard.section import Drawn, Sight
from rnnviz import diagnostics, figures
from rnnviz.arrays import Array, Int
from rnnviz.cells.vanilla import Vanilla
from rnnviz.diagnostics import Axis
from rnnviz.diagnostics.truncation import MOST_WINDOWS

NUMBERS = 2_000_000
"""The most norms that are kept of one picture."""
SURFACE_POINTS = 21
STARTS = 64
WINDOWS, SINGULAR, FRAMES, NORMS, SEARCHES = 5e9, 6e7, 7e8, 6e8, 1.5e8
"""Multiplications a second of truncated passes, products of Jacobians, frames, norms, and
searches for a fixed point."""
COMPARED = 1.5e7
"""Weights a second whose gradients are compared with those of a window."""
FEWEST_ROWS = 3
"""Sequences that take as long as fewer of them do: large weights come from slow memory."""
FEWEST_WINDOWS = 8
PAIR, STEP, PULL = 3e-5, 1.5e-5, 1.5e-4
"""Seconds that a loss at a step, a step forward, and one back of some units' gradients, take
however small they are."""
FEWEST_LAGS, UNITS = 16, 16
"""Lags of whole products that are worth a picture; units that are looked at where there are not
so many."""


def sources(explored: Explored, sight: Sight) -> Drawn:
    """Whose loss reaches which state, how fast it fades, and through which steps it acts."""
    record = explored.record
    step = record.batch_size * explored.weights
    losses = int(explored.record.dy.any(axis=(1, 2)).sum())
    whole = losses * record.steps / 2 * (3 * step / PASSES + PAIR)
    # A step without a loss has a row too.
    every = max(1, ceil(whole / sight.patience), ceil(record.steps**2 / NUMBERS))
    found = explored.once(f"itemized {every}", lambda r: diagnostics.itemized(r, every=every))
    relative = sight.view.scale == "relative"
    if losses == 1 < record.steps:
        yield "One step has a loss: set *Loss at* to every step to see where more comes from."
    if losses > 1:
        yield from _cut(every, "of the losses is followed back", whole)
    yield figures.itemized(found, relative=relative, **sight.look(explored))
    yield figures.decay(diagnostics.decay(found, explored.flow), **sight.look(explored))
    name = _recurrent(explored)
    acting = explored.once(
        f"contributions {every}", lambda r: diagnostics.contributions(r, name, every=every)
    )
    yield figures.contributions(acting, **sight.look(explored))


def products(explored: Explored, sight: Sight) -> Drawn:
    """What products of Jacobians, and single ones, do to a gradient."""
    size, one = explored.cell.state_size, sight.sequence(explored)
    steps, end = explored.record.steps, explored.flow.loss_state
    each = size**3 / SINGULAR
    reach = min(steps, int(sight.patience / each))
    if reach < min(steps, FEWEST_LAGS):
        yield from _of_units(explored, sight, each * steps)
        yield _too_large(each * steps, "The Jacobians of single steps, which need every unit,")
        return
    if reach < steps:
        yield f"Lags up to {reach:,} are shown: all of them would take {about(each * steps)}."
    lags = _lags(min(end, reach))
    spectrum = explored.once(
        f"spectrum {one} {reach}",
        lambda r: diagnostics.jacobian_spectrum(r, lags, sequence=one, end=end),
    )
    yield figures.jacobian_spectrum(spectrum, flow=explored.flow, **sight.look(explored))
    every = max(1, ceil(each * steps / sight.patience))
    single = explored.once(
        f"steps {one} {every}", lambda r: diagnostics.jacobian_steps(r, sequence=one, every=every)
    )
    yield figures.jacobian_steps(single, **sight.look(explored))


def _of_units(explored: Explored, sight: Sight, whole: float) -> Drawn:
    """How some units feel the states before: a picture for a layer too wide for all of them."""
    one, end = sight.sequence(explored), explored.flow.loss_state
    units = min(UNITS, explored.cell.hidden_size)
    each = units * explored.weights / PASSES + PULL
    reach = max(1, min(end, int(sight.patience / each)))
    cut = f", and lags up to {reach:,}," if reach < end else ""
    yield (
        f"{units:,} of {explored.cell.hidden_size:,} units{cut} are shown: the whole state "
        f"would take {about(whole)}."
    )
    spectrum = explored.once(
        f"spectrum {one} {reach} {units}",
        lambda r: diagnostics.jacobian_spectrum(
            r, _lags(reach), sequence=one, end=end, units=units
        ),
    )
    yield figures.jacobian_spectrum(spectrum, flow=explored.flow, **sight.look(explored))


def _lags(last: int) -> Int[Array, " K"]:
    """A few lags up to the last, evenly spaced on a log scale."""
    return np.unique(np.geomspace(1, max(1, last), 16).round().astype(int))


def exponents(explored: Explored, sight: Sight) -> Drawn:
    """The Lyapunov spectrum."""
    record, size = explored.record, explored.cell.state_size
    each = record.steps * record.batch_size * size**2 / FRAMES
    count = min(size, max(1, int(sight.patience / each)))
    if count < size:
        yield (
            f"The largest {count:,} of {size:,} exponents are shown: all of them would take "
            f"{about(each * size)}, and only all of them have a sum rule."
        )
    found = explored.once(f"lyapunov {count}", lambda r: diagnostics.lyapunov(r, count))
    yield figures.lyapunov(found, flow=explored.flow, **sight.look(explored))


def bounds(explored: Explored, sight: Sight) -> Drawn:
    """What is proved of the gradient."""
    record, step = explored.record, explored.cell.state_size**3 / NORMS
    whole = record.steps * step
    count, lags = min(record.batch_size, int(sight.patience / whole)), record.steps
    if count == 0:
        count, lags = 1, min(record.steps, int(sight.patience / step))
    if lags == 0 and not isinstance(explored.cell, Vanilla):
        yield (
            f"{_too_large(whole, 'The bounds')} One step's alone would take {about(step)}, and "
            "a bound that left a step out would prove nothing."
        )
        return
    if count < record.batch_size or lags < record.steps:
        lags = max(1, lags)
        of = f"of {record.batch_size:,} sequences is" if record.batch_size > 1 else "sequence is"
        which = of if count == 1 else f"{count:,} of {record.batch_size:,} sequences are"
        steps = "step" if lags == 1 else f"{lags:,} steps"
        cut = f", with the Jacobians of the last {steps}" * (lags < record.steps)
        yield (
            f"The first {which} shown{cut}: the whole would take "
            f"{about(whole * record.batch_size)}."
        )
    found = explored.once(
        f"bounds {count} {lags}", lambda r: diagnostics.bounds(r, sequences=count, lags=lags)
    )
    yield figures.bounds(found, **sight.look(explored))


def truncation(explored: Explored, sight: Sight) -> Drawn:
    """What truncated BPTT keeps."""
    record = explored.record
    losses = int(explored.record.dy.any(axis=(1, 2)).sum())
    whole = 2 * losses * record.steps * record.batch_size * explored.weights / WINDOWS
    every = max(1, min(losses, ceil(whole / sight.patience)))
    yield from _cut(every, "of the losses is taken, for both gradients", whole)
    most = min(record.steps, MOST_WINDOWS)
    each = explored.weights / COMPARED
    count = min(most, max(FEWEST_WINDOWS, int(sight.patience / each)))
    windows = None
    if count < most:
        yield (
            f"{count} of {most} lengths are shown: to compare the gradients of all of them would "
            f"take {about(most * each)}."
        )
        windows = np.unique(np.rint(np.geomspace(1, record.steps, count)).astype(int))
    found = explored.once(
        f"truncation {every} {count}", lambda r: diagnostics.truncation(r, windows, every=every)
    )
    yield figures.truncation(found, **sight.look(explored))


def states(explored: Explored, sight: Sight) -> Drawn:
    """The states in a plane, and where they would stand still."""
    space = explored.once("states", diagnostics.state_space)
    each = explored.cell.state_size**3 / SEARCHES
    starts = min(STARTS, int(sight.patience / each))
    points = None
    if starts == 0:
        yield (
            "The states are shown without fixed points: one search for them would take "
            f"{about(each)}."
        )
    else:
        if starts < STARTS:
            yield (
                f"Fixed points are searched from {starts:,} of {STARTS} starts: all of them would "
                f"take {about(each * STARTS)}."
            )
        points = explored.once(
            f"fixed points {starts}",
            lambda r: diagnostics.fixed_points(r, "mean", starts=starts),
        )
    by_factor = sight.view.colour == "factor"
    colour: Literal["time", "factor"] = "factor" if by_factor else "time"
    yield figures.state_space(space, points, colour=colour, **sight.look(explored))


def surface(explored: Explored, sight: Sight) -> Drawn:
    """The loss over two weights, two directions, or Pascanu's one unit."""
    view, record = sight.view.surface, explored.record
    if view == "cliff":
        found = explored.once("cliff", lambda _: diagnostics.pascanu_cliff())
        yield figures.loss_surface(found, **sight.look(explored) | {"caption": ""})
        return
    batch = max(record.batch_size, FEWEST_ROWS)
    each = record.steps * (4 * batch * explored.weights / PASSES + len(record.layers) * STEP)
    points, along = _odd((sight.patience / each) ** 0.5), _odd(sight.patience / each)
    whole = f"{SURFACE_POINTS} by {SURFACE_POINTS} would take {about(each * SURFACE_POINTS**2)}"
    if points == 1:
        yield f"A plane is not drawn: {whole}."
    elif points < SURFACE_POINTS:
        yield f"{points} by {points} points are drawn: {whole}."
    axes = _entries(explored) if view == "weights" else [Axis.gradient(), Axis.random()]

    def over(*chosen: Axis, points: int) -> diagnostics.LossSurface:
        return diagnostics.loss_surface(
            record.network, record.x, explored.loss, chosen, points=points, learning_rate=0.1
        )

    if points > 1:
        plane = explored.once(f"surface {view} {points}", lambda _: over(*axes, points=points))
        yield figures.loss_surface(plane, **sight.look(explored))
    line = explored.once(f"slice {view} {along}", lambda _: over(axes[0], points=max(3, along)))
    yield figures.loss_slice(line, **sight.look(explored))


def _odd(most: float) -> int:
    """The odd number of points of a grid that is no more than this, nor than what is drawn."""
    return min(SURFACE_POINTS, max(1, (int(most) - 1) // 2 * 2 + 1))


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
        yield f"One in {every:,} {what}: all of them would take {about(whole)}."


def _too_large(seconds: float, what: str) -> str:
    return f"{what} would take {about(seconds)}: choose fewer hidden units or steps."


def about(seconds: float) -> str:
    """A time in words, as long as nobody should count on it."""
    return f"about {seconds:,.0f} s" if seconds >= 1.5 else f"about {seconds:.1g} s"
