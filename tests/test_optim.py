"""Optimisers, schedules, clipping, noise and projection: PyTorch's numbers, and cases by hand."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.arrays import Array, frozen
from rnnviz.config import TrainConfig
from rnnviz.fields import options
from rnnviz.optim import (
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Adam,
    AdamW,
    Nesterov,
    clip,
    clip_norm,
    clip_value,
    nearest_orthogonal,
    noisy,
    norm,
    rate,
    reprojected,
)
from rnnviz.optim.clipping import percentile
from rnnviz.optim.noise import variance

N = 7


def draw(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def torch_rule(name: str, torch, theta, lr: float, momentum: float, decay: float = 0.0):
    kinds = {
        "sgd": (torch.optim.SGD, {}),
        "momentum": (torch.optim.SGD, {"momentum": momentum}),
        "nesterov": (torch.optim.SGD, {"momentum": momentum, "nesterov": True}),
        "rmsprop": (torch.optim.RMSprop, {}),
        "adam": (torch.optim.Adam, {}),
        "adamw": (torch.optim.AdamW, {}),
    }
    kind, own = kinds[name]
    return kind([theta], lr=lr, weight_decay=decay, **own)


SCHEDULED = {
    "constant": {},
    "step": {"schedule": "step", "decay_every": 13, "decay_factor": 0.6},
    "cosine": {"schedule": "cosine"},
}


def torch_schedule(torch, rule, config: TrainConfig):
    """The config's schedule from ``torch.optim.lr_scheduler``, behind its warm-up if it has one."""
    kinds = torch.optim.lr_scheduler
    after = {
        "constant": lambda: kinds.ConstantLR(rule, factor=1.0),
        "step": lambda: kinds.StepLR(rule, config.decay_every, config.decay_factor),
        "cosine": lambda: kinds.CosineAnnealingLR(rule, config.iterations - config.warmup),
    }[config.schedule]
    if not config.warmup:
        return after()
    start = 1 / (config.warmup + 1)
    rising = kinds.LinearLR(rule, start_factor=start, total_iters=config.warmup)
    return kinds.SequentialLR(rule, [rising, after()], milestones=[config.warmup])


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("warmup", [0, 1, 17])
@pytest.mark.parametrize("settings", SCHEDULED.values(), ids=SCHEDULED)
def test_hundred_scheduled_updates_are_pytorchs(name: str, warmup: int, settings) -> None:
    torch = pytest.importorskip("torch")
    config = TrainConfig(learning_rate=0.05, warmup=warmup, iterations=100, **settings)
    theta = draw(0, N)
    twin = torch.nn.Parameter(torch.tensor(theta))
    twin_rule = torch_rule(name, torch, twin, config.learning_rate, 0.7, 0.01)
    twin_schedule = torch_schedule(torch, twin_rule, config)
    rule = OPTIMIZERS[name](config.learning_rate, 0.7, 0.01)
    memory = rule.init(theta)
    for number, g in enumerate(draw(1, 100, N)):
        (expected,) = twin_schedule.get_last_lr()
        assert rate(config, number) == pytest.approx(expected, rel=1e-12, abs=1e-15)
        theta, memory = rule.update(theta, g, memory, rate(config, number))
        twin.grad = torch.tensor(g)
        twin_rule.step()
        twin_schedule.step()
    np.testing.assert_allclose(theta, twin.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_leaves_what_it_is_handed_alone(name: str) -> None:
    rule = OPTIMIZERS[name](0.1, 0.9, 0.2)
    theta, g = frozen(draw(0, N)), frozen(draw(1, N))
    memory = tuple(frozen(part) for part in rule.init(theta))
    moved, after = rule.update(theta, g, memory)
    assert not np.array_equal(moved, theta)
    assert all(not part.any() for part in memory)
    assert len(after) == len(memory)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_keeps_single_precision(name: str) -> None:
    rule = OPTIMIZERS[name](0.1, 0.9, 0.2)
    theta = draw(0, N).astype(np.float32)
    moved, memory = rule.update(theta, theta, rule.init(theta))
    vectors = [moved, *(part for part in memory if part.ndim)]
    assert {part.dtype for part in vectors} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_going_on_from_a_kept_memory_gives_the_same_weights_to_the_bit(name: str) -> None:
    rule, gradients = OPTIMIZERS[name](0.1, 0.9, 0.2), draw(1, 9, N)
    theta, memory = draw(0, N), rule.init(draw(0, N))
    for number, g in enumerate(gradients):
        if number == 4:
            kept = theta.copy(), tuple(np.array(part.tolist()) for part in memory)
        theta, memory = rule.update(theta, g, memory)
    again, memory = kept
    for g in gradients[4:]:
        again, memory = OPTIMIZERS[name](0.1, 0.9, 0.2).update(again, g, memory)
    assert np.array_equal(theta, again)


def test_sgd_goes_straight_down_the_gradient() -> None:
    theta, memory = SGD(0.5).update(np.array([1.0, 2.0]), np.array([4.0, -2.0]), ())
    assert theta.tolist() == [-1, 3]
    assert memory == ()


def test_an_update_takes_the_rate_it_is_given() -> None:
    theta, _ = SGD(0.5).update(np.array([1.0]), np.array([4.0]), (), 0.25)
    assert theta.tolist() == [0]


def test_nesterovs_first_step_counts_the_gradient_once_and_its_momentum_once_more() -> None:
    rule, theta = Nesterov(0.1, 0.5), np.zeros(1)
    moved, (m,) = rule.update(theta, np.array([2.0]), rule.init(theta))
    assert moved.tolist() == pytest.approx([-0.1 * (2 + 0.5 * 2)])
    assert m.tolist() == [2]


def test_adams_first_step_is_the_learning_rate_whatever_the_gradients_size() -> None:
    rule, theta = Adam(0.25), np.zeros(2)
    moved, _ = rule.update(theta, np.array([1e-3, -1e3]), rule.init(theta))
    np.testing.assert_allclose(moved, [-0.25, 0.25], rtol=1e-4)


def test_without_a_gradient_adamw_shrinks_every_weight_alike_and_adam_steps_by_its_rate() -> None:
    theta, nothing = np.array([1.0, 100.0]), np.zeros(2)
    shrunk, _ = (rule := AdamW(0.1, weight_decay=0.5)).update(theta, nothing, rule.init(theta))
    np.testing.assert_allclose(shrunk, 0.95 * theta, rtol=1e-12)
    stepped, _ = (rule := Adam(0.1, weight_decay=0.5)).update(theta, nothing, rule.init(theta))
    np.testing.assert_allclose(stepped, theta - 0.1, rtol=1e-6)


def test_every_optimiser_is_offered_by_its_title_and_cites_its_paper() -> None:
    offered = options(TrainConfig.model_fields["optimizer"])
    assert offered == {name: rule.title for name, rule in OPTIMIZERS.items()}
    assert all(re.search(r"\((19|20)\d\d\), \w", rule.paper) for rule in OPTIMIZERS.values())


def test_every_schedule_on_offer_has_a_rate_and_every_clipping_a_threshold() -> None:
    assert options(TrainConfig.model_fields["schedule"]).keys() == SCHEDULES.keys()
    for name in options(TrainConfig.model_fields["clip_by"]):
        assert clip(draw(0, N), TrainConfig(clip_by=name)).after > 0


def test_a_warm_up_as_long_as_training_only_rises() -> None:
    config = TrainConfig(learning_rate=1.0, schedule="cosine", warmup=4, iterations=4)
    assert [rate(config, n) for n in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize("limit", [1e-3, 0.5, 2.0, 1e3])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_clipping_by_norm_and_by_value_is_pytorchs(limit: float, size: float) -> None:
    torch = pytest.importorskip("torch")
    W, b = size * draw(0, 3, 5), size * draw(1, 4)
    g = np.concatenate([W.ravel(), b])

    def twins():
        made = [torch.nn.Parameter(torch.zeros(part.shape).double()) for part in (W, b)]
        for twin, part in zip(made, (W, b), strict=True):
            twin.grad = torch.tensor(part)
        return made

    def gradient(made):
        return np.concatenate([twin.grad.numpy().ravel() for twin in made])

    by_norm = twins()
    twin_norm = torch.nn.utils.clip_grad_norm_(by_norm, limit)
    clipped = clip(g, TrainConfig(clip_by="norm", clip=limit))
    np.testing.assert_allclose(clipped.g, gradient(by_norm), rtol=1e-12)
    assert clipped.before == pytest.approx(float(twin_norm), rel=1e-12)
    assert clipped.after == pytest.approx(norm(clipped.g), rel=1e-12)
    assert clipped.threshold == limit
    by_value = twins()
    torch.nn.utils.clip_grad_value_(by_value, limit)
    clipped = clip(g, TrainConfig(clip_by="value", clip=limit))
    np.testing.assert_allclose(clipped.g, gradient(by_value), rtol=1e-15)
    assert (clipped.before, clipped.after) == (norm(g), norm(clipped.g))


@pytest.mark.parametrize("share", [1.0, 10.0, 37.5, 50.0, 100.0])
@pytest.mark.parametrize("before", [0, 1, 2, 30])
def test_adaptive_clipping_is_at_the_percentile_of_all_norms_so_far(
    before: int, share: float
) -> None:
    norms, g = np.abs(draw(2, before)), draw(0, N)
    config = TrainConfig(clip_by="percentile", clip_percentile=share)
    expected = np.percentile([*norms, norm(g)], share)
    clipped = clip(g, config, norms)
    assert clipped.threshold == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(clipped.g, clip_norm(g, expected).g, rtol=1e-14)
    assert percentile(np.append(norms, norm(g)), share) == clipped.threshold


@pytest.mark.parametrize(
    "settings", [{"clip_by": "none"}, {"clip": 0.0}, {"clip_by": "value", "clip": 0.0}]
)
def test_no_clipping_and_a_threshold_of_zero_leave_the_gradient_alone(settings) -> None:
    g = 1e6 * draw(0, N)
    clipped = clip(g, TrainConfig(**settings))
    assert np.array_equal(clipped.g, g)
    assert clipped.before == clipped.after == norm(g)
    assert clipped.threshold == math.inf


def test_an_unknown_clipping_is_refused_in_one_sentence() -> None:
    unknown = SimpleNamespace(clip_by="sign", clip=1.0, clip_percentile=10.0)
    with pytest.raises(ValueError, match=r"^clip_by must be one of \[.*\], got 'sign'$"):
        clip(draw(0, N), unknown)


@pytest.mark.parametrize("by", [clip_norm, clip_value])
def test_clipping_leaves_the_gradient_it_is_handed_alone(by) -> None:
    g = frozen(draw(0, N))
    clipped = by(g, 0.1)
    assert clipped.after < clipped.before == norm(g)


@pytest.mark.parametrize("exponent", [-310, -200, -10, 0, 200, 305])
def test_a_norm_neither_underflows_nor_overflows(exponent: int) -> None:
    g = np.array([3.0, 0.0, -4.0]) * 10.0**exponent
    assert norm(g) == pytest.approx(5 * 10.0**exponent, rel=1e-12)


def test_a_huge_gradient_is_clipped_to_the_limit_and_not_to_zero() -> None:
    clipped = clip_norm(np.array([3e200, 4e200]), 1.0)
    assert clipped.before == pytest.approx(5e200)
    np.testing.assert_allclose(clipped.g, [0.6, 0.8], rtol=1e-12)


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_norms_of_what_is_not_finite_say_so(limit: float) -> None:
    assert clip_norm(np.array([1.0, -math.inf]), limit).before == math.inf
    assert math.isnan(clip_norm(np.array([1.0, math.nan]), limit).before)
    assert math.isnan(clip_norm(np.array([math.inf, math.nan]), limit).before)


def test_the_norm_of_nothing_is_zero() -> None:
    assert norm(np.zeros(3)) == 0
    assert norm(np.zeros(0)) == 0


@pytest.mark.parametrize("number", [0, 9, 99])
def test_noise_has_the_variance_of_its_step(number: int) -> None:
    drawn = noisy(np.zeros(200_000), 0.3, number, np.random.default_rng(0))
    assert drawn.var() == pytest.approx(0.3 / (1 + number) ** 0.55, rel=0.02)
    assert variance(0.3, number) == pytest.approx(0.3 / (1 + number) ** 0.55)
    assert abs(drawn.mean()) < 0.01


def test_noise_is_that_of_its_stream_and_none_where_eta_is_zero() -> None:
    g = frozen(draw(0, N).astype(np.float32))
    one, other = (noisy(g, 0.1, 3, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, other)
    assert one.dtype == np.float32
    assert not np.array_equal(one, g)
    assert noisy(g, 0.0, 3, np.random.default_rng(5)) is g


@pytest.mark.parametrize("gates", [1, 3, 4])
def test_every_gates_projection_is_orthogonal_and_no_other_is_nearer(gates: int) -> None:
    H = 5
    W = draw(0, gates * H, H)
    projected = nearest_orthogonal(W)
    for gate in range(gates):
        block, own = projected[gate * H : (gate + 1) * H], W[gate * H : (gate + 1) * H]
        np.testing.assert_allclose(block @ block.T, np.eye(H), atol=1e-12)
        stretch = block.T @ own  # the other factor is symmetric, with no negative eigenvalue
        np.testing.assert_allclose(stretch, stretch.T, atol=1e-12)
        assert np.linalg.eigvalsh(stretch).min() > 0
        for seed in range(20):
            other = np.linalg.qr(draw(seed, H, H))[0]
            assert np.linalg.norm(own - block) <= np.linalg.norm(own - other)


def test_the_projection_is_the_polar_factor_that_scipy_finds() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    W = draw(3, N, N)
    np.testing.assert_allclose(nearest_orthogonal(W), linalg.polar(W)[0], atol=1e-12)


def test_an_orthogonal_matrix_stays_and_what_is_not_square_or_finite_is_left() -> None:
    Q = np.linalg.qr(draw(0, N, N))[0]
    np.testing.assert_allclose(nearest_orthogonal(Q), Q, atol=1e-14)
    for W in (draw(0, 3, 5), draw(0, 5, 3), np.full((2, 2), np.nan)):
        assert nearest_orthogonal(W) is W


@pytest.mark.parametrize("cell", rv.CELLS)
def test_projecting_a_network_changes_its_recurrent_weights_alone(cell: str) -> None:
    network = rv.build(rv.RunConfig(cell=cell, hidden_size=4, layers=2), 2, 3)
    projected = reprojected(network.params)
    changed = {name for name, W in network.params.items() if not np.array_equal(W, projected[name])}
    assert changed == {name for name in network.params if name.endswith(".W_hh")}
    network.with_params(projected)
