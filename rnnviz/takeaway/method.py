"""What was computed, and how, in words: the paragraphs that a report's method section needs."""

from collections.abc import Iterator

from rnnviz.cells import CELLS
from rnnviz.config import MEASURES, RunConfig, SweepConfig, TrainConfig
from rnnviz.config.run import BIASES, GATE_BIASES
from rnnviz.config.train import CLIPPINGS, SCHEDULES
from rnnviz.figures.text import count
from rnnviz.initializers import INPUT, RECURRENT
from rnnviz.optim import OPTIMIZERS
from rnnviz.takeaway.pages import Comparison, Page, Saved, Training
from rnnviz.tasks import LOSS_AT, TASKS

_DERIVATIVES = (
    "Backpropagation through time gives the derivative of the loss by every state of every step, "
    "in the precision of the run; nothing is rounded, clipped or smoothed before it is shown. The "
    "norm of a step is the mean over the batch of the Euclidean norm of the derivative by the "
    "whole state. It is carried as a base-10 logarithm whose scale is taken out step by step, so "
    "that a norm below the smallest number of the precision is still a number. The factor per "
    "step is 10 to the slope of a straight line through these logarithms over the lag; the "
    "half-life is log 0.5 over the logarithm of the factor, and the reach is the first lag at "
    "which 1 % is left."
)


def method(page: Page) -> str:
    """Paragraphs, parted by empty lines, on the network, its data and what was measured.

    Examples
    --------
    >>> import rnnviz as rv
    >>> method(rv.RunConfig(cell="gru", hidden_size=8)).split(",")[0]
    'The network has 1 recurrent layer of 8 units'
    """
    return "\n\n".join(_paragraphs(page))


def _paragraphs(page: Page) -> Iterator[str]:
    match page:
        case Comparison():
            (name, config), *others = page.runs.items()
            yield f"{count(len(page.runs), 'network')} on the same data. The first is {name}:"
            yield from _of_run(config)
            yield f"Beside it: {', '.join(other for other, _ in others)}."
        case SweepConfig():
            yield _of_sweep(page)
            yield from _of_run(page.base)
        case Training():
            yield from _of_run(page.config)
            yield from _of_training(page)
        case TrainConfig():
            yield from _of_run(page)
            yield from _of_training(Training.whole(page))
        case Saved():
            yield f"The run is the one in the file {page.file}."
            if page.made:
                yield from [*_paragraphs(page.made)][:-1]
        case _:
            yield from _of_run(page)
    yield _DERIVATIVES


def _of_run(config: RunConfig) -> Iterator[str]:
    task, cell = TASKS[config.task], CELLS[config.cell]
    ways = " that read in both directions" if config.directions == "both" else ""
    past = ", each added to what it read" if _is_residual(config) else ""
    answers = "a linear readout" if config.readout == "linear" else "its hidden states themselves"
    yield (
        f"The network has {count(config.layers, 'recurrent layer')} of "
        f"{count(config.hidden_size, 'unit')}{ways}{past}, with the cell {cell.title}: "
        f"{cell.paper}. Its outputs are {answers}. All numbers are {config.dtype}."
    )
    yield _weights(config)
    loss = "cross-entropy" if task.classes else "squared error"
    lag = f", lag {config.lag}" if task.uses_lag else ""
    yield (
        f"Task: {task.title}{lag}. {task.note} Sequences have {count(config.steps, 'step')}, in "
        f"batches of {config.batch_size}; the loss is the mean {loss}, taken at: "
        f"{LOSS_AT[config.loss_at]}. Source: {task.paper}."
    )


def _is_residual(config: RunConfig) -> bool:
    return config.residual != "none" and config.matters("residual")


def _weights(config: RunConfig) -> str:
    if TASKS[config.task].network:
        return "The task prescribes the network and its weights."
    parts = []
    if config.matters("init"):
        gain = f", times {config.gain:g}" if config.matters("gain") else ""
        parts.append(f"Recurrent weights: {RECURRENT[config.init].title}{gain}.")
    scale = f", times {config.input_scale:g}" if config.matters("input_scale") else ""
    parts.append(f"Input weights: {INPUT[config.input_init].title}{scale}.")
    if config.matters("bias"):
        parts.append(f"Biases: {BIASES[config.bias]}.")
    if config.matters("gate_bias") and config.gate_bias != "none":
        value = f"T_max = {config.t_max}"
        value = f"{config.forget_bias:g}" if config.gate_bias == "forget" else value
        parts.append(f"Bias of the gate that keeps: {GATE_BIASES[config.gate_bias]} ({value}).")
    parts.append(f"Seed {config.seed}, data draw {config.data_seed}.")
    return " ".join(parts)


def _of_training(page: Training) -> Iterator[str]:
    config, taken = page.config, count(page.steps, "step")
    rule = OPTIMIZERS[config.optimizer]
    clip = CLIPPINGS[config.clip_by]
    at = {"percentile": f" ({config.clip_percentile:g} %)", "none": ""}
    clip += at.get(config.clip_by, f" ({config.clip:g})")
    yield (
        f"It is trained for {taken}, each on a fresh batch, by {rule.title} ({rule.paper}) with "
        f"learning rate {config.learning_rate:g}, schedule: {SCHEDULES[config.schedule]}, "
        f"clipping: {clip}. A held-out batch is never trained on."
    )
    for since, changed in page.stages[1:]:
        yield (
            f"From step {since} on the learning rate is {changed.learning_rate:g} and the clip "
            f"threshold {changed.clip:g}."
        )


def _of_sweep(page: SweepConfig) -> str:
    turned = "; ".join(f"{k.title}: {', '.join(k.labels)}" for k in page.knobs)
    measured = ", ".join(MEASURES[name] for name in page.measures)
    seeds = ", ".join(map(str, page.seeds))
    return (
        f"A grid of {count(page.runs, 'run')}: every value of each setting with every seed "
        f"({seeds}). {turned}. Measured: {measured}. What is not turned:"
    )
