"""One run and all that has been asked of it: each diagnostic is computed when it is first seen."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from threading import Lock
from typing import Any, TypeVar, cast

from cachetools import LRUCache

from dashboard.held import held_bytes
from dashboard.limits import ANSWERS_LIMIT
from rnnviz import Record, RunConfig, diagnostics
from rnnviz.cells import Cell
from rnnviz.cells.vanilla import Vanilla
from rnnviz.cost import of_pass
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

Answer = TypeVar("Answer")

CHECKED, SPARSEST = 110, 17
"""States at which every gradient is checked: so many, or at the least one in this many. With an
odd share of them every sequence of most batches has its turn."""
PASSES_AN_ENTRY = 5
"""Forward passes that check one derivative."""
RANKED = 1 << 18
"""Multiplications, G*H^3, up to which singular values are taken in passing."""

_numbers = count()
_answers: LRUCache[tuple[int, str], list[Any]] = LRUCache(ANSWERS_LIMIT, getsizeof=held_bytes)
_lock = Lock()


def forget_answers() -> None:
    """Let go of all answers that are kept."""
    with _lock:
        _answers.clear()


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
    number: int = field(default_factory=_numbers.__next__, init=False, compare=False)
    """Under which its answers are kept."""

    def once(self, name: str, ask: Callable[[Record], Answer]) -> Answer:
        """The answer to a question that may take long: asked once, and then kept for a while."""
        key = self.number, name
        with _lock:
            found = _answers.get(key)
        if found is None:
            found = [ask(self.record)]  # in a list, as None may be an answer
            with _lock, suppress(ValueError):  # too large to be kept
                _answers[key] = found
        return cast(Answer, found[0])

    @property
    def caption(self) -> str:
        """What made the record, in a line."""
        return caption(self.config) if self.config else self.told

    @property
    def settings(self) -> RunConfig:
        """The config of a run that has one."""
        assert self.config
        return self.config

    @property
    def last_alone(self) -> bool:
        """Whether each sequence has a loss at its last step alone."""
        if self.config:
            return self.config.loss_at == "last"
        return self.once("last alone", lambda r: not r.dy[:-1].any())

    @property
    def weights(self) -> int:
        """Multiplications of one step of one sequence."""
        return sum(layer.cell.multiplications for layer in self.record.network.layers)

    @property
    def flow(self) -> GradientFlow:
        """How the last step's loss travels back."""
        return self.once("flow", lambda r: diagnostics.gradient_flow(r, "last"))

    @property
    def total(self) -> GradientFlow:
        """The flow of the whole loss, which is the last step's where there is no other."""
        if self.last_alone:
            return self.flow
        return self.once("total", lambda r: diagnostics.gradient_flow(r, "total"))

    @property
    def verdict(self) -> Verdict:
        """What the flow amounts to."""
        return self.once("verdict", self._judge)

    def _judge(self, record: Record) -> Verdict:
        units = self.saturation if self.one_nonlinearity else None
        return diagnostics.verdict(
            record, self.flow, self.config, spectrum=self.eigenvalues, units=units
        )

    @property
    def cell(self) -> Cell:
        """The top layer's cell."""
        return self.record.network.layers[self.record.network.top].cell

    @property
    def one_nonlinearity(self) -> bool:
        """Whether the units are flat or steep all in one way, and not gate by gate."""
        cell = self.cell
        return self.once("one", lambda r: cell.units(r.top.tape) is not None)

    @property
    def has_highway(self) -> bool:
        """Whether part of the state is handed straight on."""
        layer = self.record.network.layers[self.record.network.top]
        return self.once(
            "highway", lambda r: layer.cell.highway(layer.params, r.top.tape) is not None
        )

    @property
    def theory(self) -> Eigenvalues | None:
        """What the time panel's lines of theory are drawn from, where that theory holds."""
        return self.eigenvalues if isinstance(self.cell, Vanilla) else None

    @property
    def gates(self) -> Gates:
        """Of the top layer."""
        return self.once("gates", diagnostics.gates)

    @property
    def depth(self) -> Depth:
        """The last step's gradient in every layer."""
        return self.once("depth", diagnostics.depth)

    @property
    def roads(self) -> Roads:
        """Of the top layer."""
        return self.once("roads", diagnostics.roads)

    @property
    def eigenvalues(self) -> Eigenvalues:
        """Of the top layer's recurrent weights."""
        return self.once("eigenvalues", lambda r: diagnostics.eigenvalues(r.network))

    @property
    def lyapunov(self) -> Lyapunov:
        """The largest exponent of the top layer."""
        return self.once("lyapunov", lambda r: diagnostics.lyapunov(r, 1))

    @property
    def saturation(self) -> Saturation:
        """Of the top layer's units."""
        return self.once("saturation", diagnostics.saturation)

    @property
    def health(self) -> Health:
        """What is checked of every gradient: at some states, and its rank where that is cheap."""
        return self.once("health", _health)

    def check(self, patience: float) -> GradientCheck:
        """BPTT against central differences, of as many derivatives as these seconds allow."""
        record, network = self.record, self.record.network
        forward = of_pass(network, record.steps, record.batch_size).seconds / 3
        entries = patience / (PASSES_AN_ENTRY * len(network.params) * forward)
        most = min(4, max(1, int(entries)))
        return self.once(
            f"check {most}",
            lambda r: diagnostics.gradient_check(network, r.x, self.loss, per_parameter=most),
        )


def _health(record: Record) -> Health:
    states = sum(seen.ds.shape[0] * seen.ds.shape[1] for seen in record.layers)
    every = min(SPARSEST, ceil(states / CHECKED)) | 1
    weights = (layer.params.get("W_hh") for layer in record.network.layers)
    ranked = sum(W.size * W.shape[1] for W in weights if W is not None) <= RANKED
    return diagnostics.health(record, every=every, with_rank=ranked)
