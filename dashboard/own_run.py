"""Your model, third part: one pass of the network over the sequences, and what it took."""

from dataclasses import replace

import numpy as np

from dashboard import session
from dashboard.brought import bring, brought
from dashboard.explored import Explored
from dashboard.limits import OWN_RUN_LIMIT, OWN_SECONDS, PASSES
from dashboard.own_data import Drawing
from dashboard.own_weights import Model
from rnnviz import Network, bptt, build
from rnnviz.arrays import Array, Bool
from rnnviz.interop import probe
from rnnviz.losses import MSE, Loss
from rnnviz.run import network_bytes
from rnnviz.tasks.base import Batch, last_step

BACK = 3
"""Passes that one forward pass and BPTT take."""


def explored_of(model: Model, drawing: Drawing) -> Explored:
    """The record of a model on a batch, computed unless it is the one that was seen last.

    Raises
    ------
    ValueError
        If it would take too much memory or time, or the batch cannot be drawn.
    """
    network = _network(model, drawing)
    drawn_by = session.config().run if model.network is None else None
    corrected = tuple(model.found.chosen.items()) if model.found else ()
    key = (model.weights, drawn_by, corrected, drawing.key)
    if (before := brought("result")) and before[0] == key:
        found: Explored = before[1]
        return found
    size = _check(network, drawing)
    x, loss = _batch(network, drawing)
    explored = Explored(bptt(network, x, loss), loss, told=_told(model, network, drawing))
    bring("result", (key, explored), 2 * size)
    return explored


def _network(model: Model, drawing: Drawing) -> Network:
    if model.network is not None:
        return model.network
    assert drawing.task
    return build(session.config().run, drawing.task.input_size, drawing.task.output_size)


def _check(network: Network, drawing: Drawing) -> int:
    """The bytes that the record takes, where that and its time are not too much."""
    size = network_bytes(network, drawing.steps, drawing.batch_size)
    weights = sum(W.size for W in network.params.values())
    seconds = BACK * drawing.steps * drawing.batch_size * weights / PASSES
    if size > OWN_RUN_LIMIT or seconds > OWN_SECONDS:
        raise ValueError(
            f"the record may take {OWN_RUN_LIMIT >> 20} MB and {OWN_SECONDS:.0f} s, got "
            f"{size / 2**20:,.0f} MB and about {seconds:,.0f} s for {drawing.steps:,} steps of "
            f"{drawing.batch_size:,} sequences: lower one of them"
        )
    return size


def _batch(network: Network, drawing: Drawing) -> tuple[Array, Loss]:
    if drawing.task is None:
        x = probe(network, drawing.steps, drawing.batch_size, drawing.seed)
        return x, _of_outputs(network, x, _mask(x, drawing.loss_at))
    rng = np.random.default_rng(drawing.seed)
    held_out = drawing.part == "validation"
    batch = drawing.task.sample(
        rng, drawing.steps, drawing.batch_size, drawing.lag, held_out=held_out
    )
    batch = _typed(batch, network)
    if drawing.has_answers and drawing.task.output_size == network.output_size:
        return batch.x, batch.loss(drawing.loss_at)
    return batch.x, _of_outputs(network, batch.x, batch.mask(drawing.loss_at))


def _typed(batch: Batch, network: Network) -> Batch:
    labels = np.issubdtype(batch.target.dtype, np.integer)
    target = batch.target if labels else batch.target.astype(network.dtype)
    return replace(batch, x=batch.x.astype(network.dtype), target=target)


def _of_outputs(network: Network, x: Array, mask: Bool[Array, "T B"] | None) -> MSE:
    """The mean square of the outputs."""
    return MSE(np.zeros((*x.shape[:2], network.output_size), network.dtype), mask)


def _mask(x: Array, at: str) -> Bool[Array, "T B"] | None:
    steps, batch_size = x.shape[:2]
    return last_step(steps, batch_size) if at == "last" else None


def _told(model: Model, network: Network, drawing: Drawing) -> str:
    """What made a picture, in a line."""
    cells = dict.fromkeys(layer.cell.title for layer in network.layers)
    levels = len(network.levels)
    sizes = [network.input_size, network.layers[network.top].cell.hidden_size, network.output_size]
    layers = "" if levels == 1 else f"{levels} layers, "
    both = "both directions, " if len(network.layers) > levels else ""
    c = session.config()
    drawn = "" if model.network else f"{c.init} × gain {c.gain:g}, "
    loss = "loss" if drawing.has_answers else "mean square of the outputs"
    part = ", held-out part" if drawing.part == "validation" else ""
    return (
        f"{model.name}: {', '.join(cells)}, {layers}{both}{' to '.join(map(str, sizes))}, "
        f"{drawn}T = {drawing.steps}, B = {drawing.batch_size}, {drawing.name}{part}, {loss} at "
        f"{drawing.loss_at}, seed {drawing.seed} · rnnviz 0.1"
    )
