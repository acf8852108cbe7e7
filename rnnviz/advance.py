"""One step of training: a batch, its gradient, what is done to it, and where the weights go."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.bptt import bptt, predict
from rnnviz.config import TrainConfig
from rnnviz.floss import floss
from rnnviz.moments import Moment, schedule_of, take_moment
from rnnviz.network import Network
from rnnviz.omega import omega
from rnnviz.optim import OPTIMIZERS, Optimizer, clip, noisy, rate, reprojected
from rnnviz.products import one_blas_thread
from rnnviz.record import Record
from rnnviz.run import draw
from rnnviz.tasks import TASKS, Batch
from rnnviz.train_step import TrainStep
from rnnviz.vectors import flat, named, update_ratios
from rnnviz.windows import Given, windowed_grads

VALIDATE_EVERY = 10
"""A forward pass costs a third of a training step, and a held-out loss moves slowly."""


@dataclass(frozen=True)
class Course:
    """What all steps of a training have in common."""

    config: TrainConfig

    @cached_property
    def rule(self) -> Optimizer:
        """What moves the weights."""
        c = self.config
        return OPTIMIZERS[c.optimizer](c.learning_rate, c.momentum, c.weight_decay)

    @cached_property
    def held_out(self) -> Batch:
        """The batch that validates, and that moments are measured on."""
        return draw(self.config, "validation")

    @cached_property
    def planned(self) -> frozenset[int]:
        """The steps at which a moment is taken."""
        return frozenset(schedule_of(self.config).steps)

    def validates(self, number: int) -> bool:
        """Whether the held-out loss is taken at this step."""
        return number % VALIDATE_EVERY == 0 or number == self.config.iterations - 1


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a batch gave."""

    loss: float
    grads: Params
    record: Record | None
    """None where only the gradient of truncated BPTT was computed."""
    omega: float | None = None
    floss: float | None = None


@dataclass(frozen=True, slots=True)
class _Score:
    """How the network does on the held-out batch; None where it was not asked."""

    loss: float | None = None
    accuracy: float | None = None


def advance(course: Course, last: TrainStep, number: int, *, late: bool = False) -> TrainStep:
    """Step ``number``, from the weights and the memory of the one before.

    Parameters
    ----------
    late : whether the time is up, so that this step is the last
    """
    config, network = course.config, last.network
    batch = draw(config, "data", number)
    seen = _see(config, network, batch)
    score = _score(course, network) if course.validates(number) else _Score()
    reached = _reached(config, number, score.loss, late=late)
    past = last.norms if config.clip_by == "percentile" else None
    theta, speed = flat(network.params), rate(config, number)
    allowed = TASKS[config.task].allowed
    with np.errstate(all="ignore"):
        clipped = clip(flat(allowed(seen.grads)), config, () if past is None else past)
        g = _with_noise(config, clipped.g, number)
        moved, memory = course.rule.update(theta, g, last.memory, speed)
        params = _projected(config, named(moved, network.params), number)
        params = allowed(params, network.params)
    culprit = _not_finite(seen, clipped.before, moved)
    fault = _fault(culprit, config, number, last.loss) if culprit else None
    for array in memory:
        frozen(array)
    due = number in course.planned or (reached and not fault)
    return TrainStep(
        number=number,
        loss=seen.loss,
        validation_loss=score.loss,
        grad_norm=clipped.before,
        clipped_norm=clipped.after,
        network=network if fault else network.with_params(params),
        memory=last.memory if fault else memory,
        fault=fault,
        reached=None if fault else reached,
        learning_rate=speed,
        threshold=clipped.threshold,
        accuracy=_accuracy(batch, seen.record.y, config.loss_at) if seen.record else None,
        validation_accuracy=score.accuracy,
        omega=seen.omega,
        floss=seen.floss,
        ratios=frozen(update_ratios(network.params, theta, params)),
        moment=_moment(course, last, number) if due else None,
        norms=None if past is None else frozen(np.append(past, clipped.before)),
    )


def _see(config: TrainConfig, network: Network, batch: Batch) -> _Seen:
    loss, c = batch.loss(config.loss_at), config
    if not c.window:
        record = bptt(network, batch.x, loss)
        seen = _Seen(record.loss, record.grads, record)
    else:
        loss_t, grads = windowed_grads(network, batch.x, loss, c.window, c.stride, c.carry)
        record_for_omega = bptt(network, batch.x, loss) if c.omega else None
        seen = _Seen(float(loss_t.sum()), grads, record_for_omega)
    return _with_floss(c, network, batch.x, _with_omega(c, seen))


def _with_omega(config: TrainConfig, seen: _Seen) -> _Seen:
    if not config.omega or seen.record is None:
        return seen
    value, pulls = omega(seen.record, config.omega_form)
    return replace(seen, omega=value, grads=_pulled(seen.grads, config.omega, pulls))


def _with_floss(config: TrainConfig, network: Network, x: Array, seen: _Seen) -> _Seen:
    if not config.floss:
        return seen
    x = x[:, : config.floss_sequences]
    nothing = Given(np.zeros((*x.shape[:2], network.output_size), network.dtype))
    value, pulls = floss(bptt(network, x, nothing), config.floss_exponents)
    return replace(seen, floss=value, grads=_pulled(seen.grads, config.floss, pulls))


def _pulled(grads: Params, weight: float, pulls: Params) -> Params:
    """The gradients with those of a regulariser added."""
    with np.errstate(all="ignore"):
        return grads | {name: grads[name] + weight * pull for name, pull in pulls.items()}


def _score(course: Course, network: Network) -> _Score:
    batch, at = course.held_out, course.config.loss_at
    with np.errstate(all="ignore"):
        y = predict(network, batch.x)
        loss_t, _ = batch.loss(at).value_and_grad(y)
        return _Score(float(loss_t.sum()), _accuracy(batch, y, at))


def _accuracy(batch: Batch, y: Array, at: str) -> float | None:
    with np.errstate(all="ignore"):
        return batch.accuracy(y, at)


def _moment(course: Course, last: TrainStep, number: int) -> Moment:
    batch = course.held_out
    record = bptt(last.network, batch.x, batch.loss(course.config.loss_at))
    norms = np.zeros(0) if last.norms is None else last.norms
    return take_moment(number, last.network, last.memory, norms, record)


def _with_noise(config: TrainConfig, g: Float[Array, " N"], number: int) -> Float[Array, " N"]:
    if not config.noise:
        return g
    return noisy(g, config.noise, number, config.rng("noise", number))


def _projected(config: TrainConfig, params: Params, number: int) -> Params:
    if not config.reproject or (number + 1) % config.reproject:
        return params
    with one_blas_thread():
        return {name: frozen(W) for name, W in reprojected(params).items()}


def _reached(
    config: TrainConfig, number: int, validation_loss: float | None, *, late: bool
) -> str | None:
    goal = config.target_loss
    if goal and validation_loss is not None and validation_loss <= goal:
        return f"the held-out loss, {validation_loss:.3g}, reached {goal:g} at step {number}"
    return f"the {config.time_limit:g} s were over at step {number}" if late else None


def _not_finite(seen: _Seen, grad_norm: float, theta: Array) -> str:
    """What is not finite first, in the order of computing; nothing in nearly every step."""
    if math.isfinite(seen.loss) and math.isfinite(grad_norm):
        return "" if np.isfinite(theta).all() else "the weights after it are"
    if seen.record and not all(np.isfinite(layer.s).all() for layer in seen.record.layers):
        return "the states are"
    if seen.floss is not None and not math.isfinite(seen.floss):
        return "the flossed exponents are"
    return "the gradient is" if math.isfinite(seen.loss) else "the loss is"


def _fault(culprit: str, config: TrainConfig, number: int, last_loss: float) -> str:
    before = (
        f"the last finite loss was {last_loss:.3g}"
        if math.isfinite(last_loss)
        else "no loss before it was finite"
    )
    return (
        f"training diverged at step {number}: {culprit} the first thing that is not finite; "
        f"the learning rate is {rate(config, number):g} and {before}; "
        f"{_remedy(culprit, config, number)} may keep it finite"
    )


def _remedy(culprit: str, config: TrainConfig, number: int) -> str:
    """What to change: before the first step no rate has done anything yet."""
    if number == 0 and "weights" not in culprit:
        return "a lower gain or a shorter sequence"
    return f"a lower learning rate or a {'lower ' if config.clip else ''}clip threshold"
