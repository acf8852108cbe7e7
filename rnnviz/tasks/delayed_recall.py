"""Delayed recall: how far back a network can remember."""

import numpy as np

from rnnviz.tasks.base import Batch, Task


class DelayedRecall(Task):
    """Answer the input of ``lag`` steps ago: x_t ~ N(0, 1), target x_{t - lag}.

    Asked where t >= lag; before that the target is 0. Lag 0 asks for the present input.
    """

    title = "Delayed recall"
    paper = (
        "Jaeger (2001), Short term memory in echo state networks, GMD Report 152, German National "
        "Research Center for Information Technology"
    )
    note = "Reads white noise, and answers at each step what it read some steps ago: the lag."
    continues = True
    input_size = 1
    output_size = 1
    uses_lag = True

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B fresh sequences of noise, and the same noise ``lag`` steps later."""
        _check(lag, steps)
        x = rng.standard_normal((steps, batch_size, 1))
        target = np.zeros_like(x)
        target[lag:] = x[: steps - lag]
        asked = np.broadcast_to(np.arange(steps)[:, None] >= lag, (steps, batch_size))
        return Batch(x, target, asked)

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """1, the variance of the input, for always answering 0; 0 at lag 0.

        Over every step it is (T - lag) / T, since 0 is right on the first ``lag`` steps.
        """
        _check(lag, steps)
        if lag == 0:
            return 0.0
        return (steps - lag) / steps if loss_at == "all" else 1.0

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """0: what is asked for was read."""
        return 0.0


def _check(lag: int, steps: int) -> None:
    if not 0 <= lag < steps:
        raise ValueError(
            f"lag must be in [0, {steps - 1}] for delayed_recall with {steps} steps, got {lag}"
        )
