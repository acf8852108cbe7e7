"""Losses are PyTorch's, masks and reductions included."""

import numpy as np
import pytest
from helpers import B, O, T, sequences

from rnnviz.losses import MSE, CrossEntropy


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("kind", ["mse", "cross-entropy"])
def test_value_and_gradient_equal_pytorch(kind, masked, reduction):
    torch = pytest.importorskip("torch")
    data = sequences()
    mask = data.mask if masked else None
    y = np.random.default_rng(5).normal(size=(T, B, O)) * 3
    kept = torch.tensor(data.mask if masked else np.ones((T, B), bool))
    y_twin = torch.tensor(y, requires_grad=True)
    if kind == "mse":
        loss = MSE(data.target, mask, reduction)
        expected = torch.nn.functional.mse_loss(
            y_twin[kept], torch.tensor(data.target)[kept], reduction=reduction
        )
    else:
        loss = CrossEntropy(data.labels, mask, reduction)
        expected = torch.nn.functional.cross_entropy(
            y_twin[kept], torch.tensor(data.labels)[kept], reduction=reduction
        )
    expected.backward()
    loss_t, dy = loss.value_and_grad(y)
    assert loss_t.sum() == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(dy, y_twin.grad.numpy(), rtol=1e-12, atol=1e-16)


def test_large_logits_do_not_overflow():
    y = np.array([[[1e4, 0.0, -1e4]]])
    loss_t, dy = CrossEntropy(np.array([[1]])).value_and_grad(y)
    assert loss_t[0] == pytest.approx(1e4)
    np.testing.assert_allclose(dy[0, 0], [1, -1, 0])


def test_neither_loss_writes_to_what_it_is_given():
    data = sequences()
    y = np.ones((T, B, O))
    for loss in (MSE(data.target, data.mask), CrossEntropy(data.labels, data.mask)):
        loss.value_and_grad(y)
    assert (y == 1).all()


def test_a_target_of_one_output_is_asked_of_every_unit():
    data = sequences(outputs=1)
    loss_t, dy = MSE(data.target).value_and_grad(np.zeros((T, B, O)))
    assert loss_t.sum() == pytest.approx(np.mean(data.target**2))
    assert dy.shape == (T, B, O)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: MSE(d.target, reduction="max"), "reduction must be 'mean' or 'sum', got 'max'"),
        (lambda d: MSE(d.target, np.zeros((T, B), bool)), "mask must keep at least one step"),
        (lambda d: CrossEntropy(d.labels + 1), r"labels must be in \[0, 3\], got 1 to 4"),
        (lambda d: CrossEntropy(d.labels[1:]), r"labels must be \(T, B\) = \(7, 3\)"),
    ],
)
def test_what_means_nothing_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(sequences()).value_and_grad(np.zeros((T, B, O)))


def test_a_label_under_the_mask_may_be_anything():
    data = sequences()
    y = np.random.default_rng(5).normal(size=(T, B, O))
    marked = np.where(data.mask, data.labels, -100)
    came = CrossEntropy(marked, data.mask).value_and_grad(y)
    for one, other in zip(
        came, CrossEntropy(data.labels, data.mask).value_and_grad(y), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_label_that_the_mask_keeps_is_checked():
    data = sequences()
    labels = np.where(data.mask, data.labels, -100)
    labels[-1, 0] = O
    with pytest.raises(ValueError, match=r"labels must be in \[0, 3\], got 0 to 4"):
        CrossEntropy(labels, data.mask).value_and_grad(np.zeros((T, B, O)))
