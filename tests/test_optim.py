"""Optimisers and clipping: PyTorch's numbers, and norms that no square can spoil."""

import math
import re

import numpy as np
import pytest

from rnnviz.arrays import Array, frozen
from rnnviz.config import TrainConfig
from rnnviz.fields import options
from rnnviz.optim import OPTIMIZERS, SGD, Adam, clip, norm

N = 7


def draw(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def torch_rule(name: str, torch, theta, lr: float, momentum: float):
    rules = {
        "sgd": lambda: torch.optim.SGD([theta], lr=lr),
        "momentum": lambda: torch.optim.SGD([theta], lr=lr, momentum=momentum),
        "rmsprop": lambda: torch.optim.RMSprop([theta], lr=lr),
        "adam": lambda: torch.optim.Adam([theta], lr=lr),
    }
    return rules[name]()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_hundred_updates_are_pytorchs(name: str, scale: float) -> None:
    torch = pytest.importorskip("torch")
    lr, momentum = 0.03, 0.7
    theta = draw(0, N)
    twin = torch.nn.Parameter(torch.tensor(theta))
    twin_rule = torch_rule(name, torch, twin, lr, momentum)
    rule = OPTIMIZERS[name](lr, momentum)
    memory = rule.init(theta)
    for g in scale * draw(1, 100, N):
        theta, memory = rule.update(theta, g, memory)
        twin.grad = torch.tensor(g)
        twin_rule.step()
    np.testing.assert_allclose(theta, twin.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_leaves_what_it_is_handed_alone(name: str) -> None:
    rule = OPTIMIZERS[name](0.1, 0.9)
    theta, g = frozen(draw(0, N)), frozen(draw(1, N))
    memory = tuple(frozen(part) for part in rule.init(theta))
    moved, after = rule.update(theta, g, memory)
    assert not np.array_equal(moved, theta)
    assert all(not part.any() for part in memory)
    assert len(after) == len(memory)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_keeps_single_precision(name: str) -> None:
    rule = OPTIMIZERS[name](0.1, 0.9)
    theta = draw(0, N).astype(np.float32)
    moved, memory = rule.update(theta, theta, rule.init(theta))
    vectors = [moved, *(part for part in memory if part.ndim)]
    assert {part.dtype for part in vectors} == {np.dtype(np.float32)}


def test_sgd_goes_straight_down_the_gradient() -> None:
    theta, memory = SGD(0.5).update(np.array([1.0, 2.0]), np.array([4.0, -2.0]), ())
    assert theta.tolist() == [-1, 3]
    assert memory == ()


def test_adams_first_step_is_the_learning_rate_whatever_the_gradients_size() -> None:
    rule, theta = Adam(0.25), np.zeros(2)
    moved, _ = rule.update(theta, np.array([1e-3, -1e3]), rule.init(theta))
    np.testing.assert_allclose(moved, [-0.25, 0.25], rtol=1e-4)


def test_every_optimiser_is_offered_by_its_title_and_cites_its_paper() -> None:
    offered = options(TrainConfig.model_fields["optimizer"])
    assert offered == {name: rule.title for name, rule in OPTIMIZERS.items()}
    assert all(re.search(r"\((19|20)\d\d\), \w", rule.paper) for rule in OPTIMIZERS.values())


@pytest.mark.parametrize("limit", [1e-3, 0.5, 2.0, 1e3])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_clipping_is_pytorchs(limit: float, size: float) -> None:
    torch = pytest.importorskip("torch")
    W, b = size * draw(0, 3, 5), size * draw(1, 4)
    twins = [torch.nn.Parameter(torch.zeros(part.shape)) for part in (W, b)]
    for twin, part in zip(twins, (W, b), strict=True):
        twin.data = twin.data.double()
        twin.grad = torch.tensor(part)
    twin_norm = torch.nn.utils.clip_grad_norm_(twins, limit)
    clipped, before, after = clip(np.concatenate([W.ravel(), b]), limit)
    expected = np.concatenate([twin.grad.numpy().ravel() for twin in twins])
    np.testing.assert_allclose(clipped, expected, rtol=1e-12)
    assert before == pytest.approx(float(twin_norm), rel=1e-12)
    assert after == pytest.approx(norm(clipped), rel=1e-12)


def test_a_limit_of_zero_never_clips() -> None:
    g = 1e6 * draw(0, N)
    clipped, before, after = clip(g, 0.0)
    assert np.array_equal(clipped, g)
    assert before == after == norm(g)


def test_clipping_leaves_the_gradient_it_is_handed_alone() -> None:
    g = frozen(draw(0, N))
    clipped, _, after = clip(g, 0.1)
    assert after == pytest.approx(0.1, rel=1e-5)
    assert norm(clipped) < norm(g)


@pytest.mark.parametrize("exponent", [-310, -200, -10, 0, 200, 305])
def test_a_norm_neither_underflows_nor_overflows(exponent: int) -> None:
    g = np.array([3.0, 0.0, -4.0]) * 10.0**exponent
    assert norm(g) == pytest.approx(5 * 10.0**exponent, rel=1e-12)


def test_a_huge_gradient_is_clipped_to_the_limit_and_not_to_zero() -> None:
    clipped, before, _ = clip(np.array([3e200, 4e200]), 1.0)
    assert before == pytest.approx(5e200)
    np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-12)


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_norms_of_what_is_not_finite_say_so(limit: float) -> None:
    assert clip(np.array([1.0, -math.inf]), limit)[1] == math.inf
    assert math.isnan(clip(np.array([1.0, math.nan]), limit)[1])
    assert math.isnan(clip(np.array([math.inf, math.nan]), limit)[1])


def test_the_norm_of_nothing_is_zero() -> None:
    assert norm(np.zeros(3)) == 0
    assert norm(np.zeros(0)) == 0
