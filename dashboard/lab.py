"""What the Train page shows of a run, as it stands or at a moment gone by."""

from dataclasses import dataclass
from functools import cached_property

from dashboard import session
from dashboard.explored import Explored
from dashboard.jobs import Snapshot
from rnnviz import History, Moment, Network, TrainConfig, bptt, predict
from rnnviz.arrays import Array
from rnnviz.run import draw
from rnnviz.tasks import Batch


@dataclass(frozen=True, eq=False)
class Seen:
    """A run and the moment of it that is looked at; each answer is computed once."""

    config: TrainConfig
    snapshot: Snapshot
    moment: Moment | None
    """None for the latest weights."""

    @property
    def history(self) -> History:
        """Every step so far."""
        return self.snapshot.history

    @property
    def at(self) -> int | None:
        """The step that is looked at; None for the latest."""
        return self.moment.step if self.moment else None

    @property
    def network(self) -> Network | None:
        """The weights that are looked at; None before the first have come."""
        if self.moment:
            return self.moment.network
        if self.snapshot.step:
            return self.snapshot.step.network
        moments = self.history.moments
        return moments[-1].network if moments else None

    @cached_property
    def batch(self) -> Batch:
        """The held-out batch."""
        return draw(self.config, "validation")

    @cached_property
    def outputs(self) -> Array:
        """What the network answers to the held-out batch."""
        assert self.network
        return predict(self.network, self.batch.x)

    @cached_property
    def explored(self) -> Explored:
        """BPTT of these weights on the held-out batch."""
        assert self.network
        loss = self.batch.loss(self.config.loss_at)
        return Explored(bptt(self.network, self.batch.x, loss), loss, self.config.run)


def seen(config: TrainConfig, snapshot: Snapshot, moment: Moment | None) -> Seen:
    """What is seen of a run; where its weights are those of the last look, so are its answers."""
    before: Seen | None = session.kept("seen")
    found = Seen(config, snapshot, moment)
    if before and before.config == found.config and before.network is found.network:
        for name in ("batch", "outputs", "explored"):
            if name in before.__dict__:
                found.__dict__[name] = before.__dict__[name]
    session.keep("seen", found)
    return found
