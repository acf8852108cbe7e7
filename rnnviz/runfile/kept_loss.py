"""The loss of a record in a file: its targets, or its derivative where it is another than ours."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.losses import MSE, CrossEntropy, Loss, Tangent
from rnnviz.record import Record


def kept(loss: Loss | None) -> tuple[dict[str, Any], dict[str, Array]]:
    """What stands in a file's head of a loss, and its arrays: none for one of another kind."""
    if type(loss) is MSE:
        kind, own = "mse", {"loss.target": loss.target}
    elif type(loss) is CrossEntropy:
        kind, own = "cross_entropy", {"loss.labels": loss.labels}
    else:
        return {"kind": "other"}, {}
    arrays = {name: np.asarray(array) for name, array in own.items()}
    if loss.mask is not None:
        arrays["loss.mask"] = np.asarray(loss.mask)
    return {"kind": kind, "reduction": loss.reduction}, arrays


def loss_from(told: Mapping[str, Any], arrays: Mapping[str, Array], record: Record) -> Loss:
    """The loss that ``kept`` told of; near the record's outputs alone where it was another.

    Raises
    ------
    ValueError
        If it does not fit the record's outputs.
    """
    reduction, mask = str(told.get("reduction")), arrays.get("loss.mask")
    T, B, O = record.y.shape
    if mask is not None and (mask.shape != (T, B) or mask.dtype != bool):
        raise ValueError(f"loss.mask must be {T, B} of bool, got {mask.shape} of {mask.dtype}")
    match told.get("kind"):
        case "other":
            return Tangent(record.y, record.loss_t, record.dy)
        case "mse":
            target = _fitting(arrays, "loss.target", [(T, B, O), (T, B, 1)], "f")
            return MSE(target, mask, reduction)
        case "cross_entropy":
            labels = _fitting(arrays, "loss.labels", [(T, B)], "i")
            return CrossEntropy(labels, mask, reduction)
        case _:
            raise ValueError("its loss must be mse, cross_entropy or other")


def _fitting(
    arrays: Mapping[str, Array], name: str, shapes: list[tuple[int, ...]], kind: str
) -> Array:
    array = arrays.get(name, np.empty(0))
    if array.shape not in shapes or array.dtype.kind != kind:
        raise ValueError(f"{name} must be {shapes[0]}, got {array.shape} of {array.dtype}")
    return array
