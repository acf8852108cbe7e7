"""One run and all that has been asked of it: each diagnostic is computed when it is first seen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from threading import Lock
from typing import TypeVar, cast

from cachetools import LRUCache

from dashboard.limits import CACHE_LIMIT, PASSES, RUN_LIMIT
from rnnviz import Record, RunConfig, bptt, diagnostics, draw
from rnnviz.cells import Cell
from rnnviz.cells.vanilla import Vanilla
from rnnviz.diagnostics import (
    Depth,
    Eigenvalues,
    Gates,
    GradientCheck,
    GradientFlow,
    Health,
    Lyapunov,
    Roads,
    Saturation,
    Verdict,
)
from rnnviz.export import caption
from rnnviz.losses import Loss
from rnnviz.run import check_memory, check_outputs, record_bytes, untrained

Answer = TypeVar("Answer")

CHECKED, SPARSEST = 110, 17
"""States at which every gradient is checked: so many, or at the least one in this many. With an
odd share of them every sequence of most batches has its turn."""
PASSES_AN_ENTRY, STEP = 5, 3e-5
"""Forward passes that check one derivative, and seconds that a layer's step takes at the least."""
RANKED = 1 << 18
"""Multiplications, G*H^3, up to which singular values are taken in passing."""


@dataclass(frozen=True)
class Explored:
    """A record with its diagnostics, each kept once it has been asked for."""

    record: Record
    loss: Loss
    """What the record was made with."""
    config: RunConfig | None = None
    """What the record was run from; None where it is of weights or data of the visitor's own."""
    told: str = ""
    """The line under each picture, where there is no config to tell."""
    answers: dict[str, object] = field(default_factory=dict)
    """What the sections have asked for, by name."""

    def once(self, name: str, ask: Callable[[Record], Answer]) -> Answer:
        """The answer to a question that may take long: asked once, and then kept."""
        if name not in self.answers:
            self.answers[name] = ask(self.record)
        return cast(Answer, self.answers[name])

    @property
    def caption(self) -> str:
        """What made the record, in a line."""
        return caption(self.config) if self.config else self.told

    @property
    def settings(self) -> RunConfig:
        """The config of a run that has one."""
        assert self.config
        return self.config

    @cached_property
    def last_alone(self) -> bool:
        """Whether each sequence has a loss at its last step alone."""
        if self.config:
            return self.config.loss_at == "last"
        return not self.record.dy[:-1].any()

    @cached_property
    def weights(self) -> int:
        """Multiplications of one step of one sequence."""
        return sum(layer.params["W_ih"].size for layer in self.record.network.layers) + sum(
            layer.params["W_hh"].size
            for layer in self.record.network.layers
            if "W_hh" in layer.params
        )

    @cached_property
    def flow(self) -> GradientFlow:
        """How the last step's loss travels back."""
        return diagnostics.gradient_flow(self.record, "last")

    @cached_property
    def total(self) -> GradientFlow:
        """The flow of the whole loss, which is the last step's where there is no other."""
        if self.last_alone:
            return self.flow
        return diagnostics.gradient_flow(self.record, "total")

    @cached_property
    def verdict(self) -> Verdict:
        """What the flow amounts to."""
        return diagnostics.verdict(
            self.record,
            self.flow,
            self.config,
            spectrum=self.eigenvalues,
            units=self.saturation if self.one_nonlinearity else None,
        )

    @property
    def cell(self) -> Cell:
        """The top layer's cell."""
        return self.record.network.layers[self.record.network.top].cell

    @cached_property
    def one_nonlinearity(self) -> bool:
        """Whether the units are flat or steep all in one way, and not gate by gate."""
        return self.cell.units(self.record.top.tape) is not None

    @cached_property
    def has_highway(self) -> bool:
        """Whether part of the state is handed straight on."""
        layer = self.record.network.layers[self.record.network.top]
        return self.cell.highway(layer.params, self.record.top.tape) is not None

    @cached_property
    def theory(self) -> Eigenvalues | None:
        """What the time panel's lines of theory are drawn from, where that theory holds."""
        return self.eigenvalues if isinstance(self.cell, Vanilla) else None

    @cached_property
    def gates(self) -> Gates:
        """Of the top layer."""
        return diagnostics.gates(self.record)

    @cached_property
    def depth(self) -> Depth:
        """The last step's gradient in every layer."""
        return diagnostics.depth(self.record)

    @cached_property
    def roads(self) -> Roads:
        """Of the top layer."""
        return diagnostics.roads(self.record)

    @cached_property
    def eigenvalues(self) -> Eigenvalues:
        """Of the top layer's recurrent weights."""
        return diagnostics.eigenvalues(self.record.network)

    @cached_property
    def lyapunov(self) -> Lyapunov:
        """The largest exponent of the top layer."""
        return diagnostics.lyapunov(self.record, 1)

    @cached_property
    def saturation(self) -> Saturation:
        """Of the top layer's units."""
        return diagnostics.saturation(self.record)

    @cached_property
    def health(self) -> Health:
        """What is checked of every gradient: at some states, and its rank where that is cheap."""
        record = self.record
        states = sum(seen.ds.shape[0] * seen.ds.shape[1] for seen in record.layers)
        every = min(SPARSEST, ceil(states / CHECKED)) | 1
        weights = (layer.params.get("W_hh") for layer in record.network.layers)
        ranked = sum(W.size * W.shape[1] for W in weights if W is not None) <= RANKED
        return diagnostics.health(record, every=every, with_rank=ranked)

    def check(self, patience: float) -> GradientCheck:
        """BPTT against central differences, of as many derivatives as these seconds allow."""
        record, network = self.record, self.record.network
        step = record.batch_size * self.weights / PASSES + len(network.layers) * STEP
        entries = patience / (PASSES_AN_ENTRY * len(network.params) * record.steps * step)
        most = min(4, max(1, int(entries)))
        return self.once(
            f"check {most}",
            lambda r: diagnostics.gradient_check(network, r.x, self.loss, per_parameter=most),
        )


_kept: LRUCache[RunConfig, Explored] = LRUCache(
    CACHE_LIMIT, getsizeof=lambda explored: 2 * record_bytes(explored.settings)
)
_lock = Lock()


def explore(config: RunConfig) -> Explored:
    """The run that a config describes, computed unless it is still kept.

    What is kept is shared between visitors, read-only, and bounded in bytes.

    Raises
    ------
    ValueError
        If the record would be too large, or the task cannot be drawn so.
    """
    with _lock:
        found = _kept.get(config)
    if found is None:
        found = _run(config)
        with _lock:
            _kept[config] = found
    return found


def _run(config: RunConfig) -> Explored:
    """What ``rnnviz.run`` does, with its loss kept."""
    check_memory(config, RUN_LIMIT)
    check_outputs(config)
    batch = draw(config)
    loss = batch.loss(config.loss_at)
    return Explored(bptt(untrained(config), batch.x, loss), loss, config)
