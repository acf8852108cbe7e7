"""Every test has the shapes of what it calls checked, however much the one before it called."""

import numpy as np
import pytest
import shapes
from jaxtyping import TypeCheckError

import rnnviz as rv
from rnnviz.products import column_sums, through

ROWS, WRONG = np.zeros((3, 2)), np.zeros((3, 3, 2))


@pytest.mark.parametrize("_again", [1, 2])
def test_a_function_is_checked_at_its_first_calls_in_each_test(_again):
    with pytest.raises(TypeCheckError, match="column_sums"):
        column_sums(WRONG)
    for _ in range(shapes.CALLS):
        column_sums(ROWS)
    column_sums(WRONG)


def test_one_function_that_is_called_often_leaves_the_others_checked():
    for _ in range(shapes.CALLS):
        column_sums(ROWS)
    with pytest.raises(TypeCheckError, match="through"):
        through(WRONG, WRONG)
    shapes.begin()
    with pytest.raises(TypeCheckError, match="column_sums"):
        column_sums(WRONG)


def test_a_dataclass_is_checked_and_what_has_no_shapes_is_left_as_it_is():
    with pytest.raises(TypeCheckError, match="target"):
        rv.losses.MSE(ROWS)
    assert rv.RunConfig.replace.__code__.co_filename.endswith("run.py")
    assert column_sums.__wrapped__.__code__.co_filename.endswith("products.py")
