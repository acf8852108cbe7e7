"""What stands on a page, as steps of Python: each a sentence, its lines, and what it draws."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from rnnviz.cells import CELLS
from rnnviz.cells.vanilla import Vanilla
from rnnviz.config import RunConfig, SweepConfig, TrainConfig
from rnnviz.takeaway import written
from rnnviz.takeaway.drawn import OF_RUN, OF_SWEEP, OF_TRAINING, Drawing


class Step(NamedTuple):
    """One thing that is done: in words, in Python, and as a picture."""

    words: str
    code: str
    figure: str = ""
    """A call that draws a picture."""
    name: str = ""
    """Of the picture's file."""


@dataclass(frozen=True)
class Training:
    """A training as it went: the settings in force, and how many steps were taken."""

    stages: tuple[tuple[int, TrainConfig], ...]
    """Each config, and the first step that it was in force at."""
    steps: int

    @property
    def config(self) -> TrainConfig:
        """The settings at the end."""
        return self.stages[-1][1]

    @classmethod
    def whole(cls, config: TrainConfig) -> "Training":
        """All steps of a config, of which nothing is changed on the way."""
        return cls(((0, config),), config.iterations)


@dataclass(frozen=True)
class Comparison:
    """Several runs by their names, the first the one that the others are told apart from."""

    runs: Mapping[str, RunConfig] = field(default_factory=dict)
    seeds: int = 1


@dataclass(frozen=True)
class Saved:
    """A run in a file, which may have no settings."""

    file: str
    made: "RunConfig | Training | None" = None
    """What the file says that it came from."""


Page = RunConfig | Training | Comparison | SweepConfig | Saved
"""What the numbers of a page come from; a ``TrainConfig`` is the whole of its training."""
Pictures = Mapping[str, str]
"""The question that each picture answers, by the name of its file."""
NONE: Pictures = MappingProxyType({})


def steps_of(page: Page, pictures: Pictures = NONE) -> list[Step]:
    """What makes the numbers of a page, and its pictures by their names."""
    match page:
        case Comparison():
            return [*_comparison(page)]
        case SweepConfig():
            return [*_sweep(page, pictures)]
        case Training():
            return [*_training(page, pictures)]
        case TrainConfig():
            return [*_training(Training.whole(page), pictures)]
        case Saved():
            return [*_saved(page, pictures)]
    return [*_run(page, pictures)]


def _run(config: RunConfig, pictures: Pictures) -> Iterator[Step]:
    yield Step(
        "The settings: equal settings give equal numbers, to the bit.",
        f"config = {written.config(config)}",
    )
    yield Step("One forward pass, and backpropagation through time.", "record = rv.run(config)")
    yield Step("How the last step's loss travels back, and what that amounts to.", _VERDICT)
    total = "" if config.loss_at == "last" else ", total=total"
    theory = ", spectrum=spectrum" if issubclass(CELLS[config.cell], Vanilla) else ""
    yield Step(
        _PANEL,
        'total = rv.diagnostics.gradient_flow(record, "total")' if total else "",
        f"rv.figures.time_panel(record, flow{total}{theory})",
        "gradient-over-time",
    )
    yield from _drawings(pictures, OF_RUN)


def _saved(page: Saved, pictures: Pictures) -> Iterator[Step]:
    read = f"record = rv.load_run({written.value_text(page.file)}).record"
    yield Step("The run, with every array of it, from its file.", read)
    yield Step("How the last step's loss travels back, and what that amounts to.", _VERDICT)
    panel = "rv.figures.time_panel(record, flow)"
    yield Step(_PANEL, "", panel, "gradient-over-time")
    yield from _drawings(pictures, OF_RUN)


_PANEL = "What goes through every state, and how much gradient comes back."
_NUMBERS = """\
{
    "loss": record.loss,
    "factor per step": verdict.factor,
    "half-life, steps": verdict.half_life,
    "doubling time, steps": verdict.doubling_time,
    "reach, steps": verdict.reach,
    "spectral radius": spectrum.spectral_radius,
    "largest Lyapunov exponent, nats per step": rv.diagnostics.lyapunov(record, 1).largest,
}"""
_FLOW = """\
flow = rv.diagnostics.gradient_flow(record, "last")
spectrum = rv.diagnostics.eigenvalues(record.network)
verdict = rv.diagnostics.verdict(record, flow)
"""
_VERDICT = f"""\
{_FLOW}numbers = {_NUMBERS}
print(verdict)
for name, value in numbers.items():
    print(f"{{name}}: {{value}}")"""


def _training(page: Training, pictures: Pictures) -> Iterator[Step]:
    first = _timeless(page.stages[0][1])
    yield Step(
        "The settings: equal settings give equal training, step for step.",
        f"config = {written.config(first)}",
    )
    yield Step("Training: a fresh batch at every step.", _trained(page))
    yield Step("What came of it: a row a step.", _TRAINED)
    yield from _drawings(pictures, OF_TRAINING)


_TRAINED = """\
network = step.network
batch = rv.draw(config, "validation")
numbers = history.to_frame().iloc[-1].to_dict()
for name, value in numbers.items():
    print(f"{name}: {value}")"""
_TAKE = """\
    for step in islice(rv.train(config{after}), {count}):
        yield step"""


def _trained(page: Training) -> str:
    """Each stage of a training goes on from the last step of the one before."""
    ends = [since for since, _ in page.stages[1:]] + [page.steps]
    parts, before = ["def training():", "    global config, step"], page.stages[0][1]
    for number, ((since, config), end) in enumerate(zip(page.stages, ends, strict=True)):
        if number:
            changed = written.changed(config, "config", before)
            parts.append(f"    config = {_indented(changed)}")
        after = ", step" if number else ""
        parts.append(_TAKE.format(after=after, count=end - since))
        before = config
    return "\n".join([*parts, "\n\nhistory = rv.History.collect(training())"])


def _timeless(config: TrainConfig) -> TrainConfig:
    """Without a limit of time: how many steps were taken is said by their number."""
    return config.replace(time_limit=0.0)


def _comparison(page: Comparison) -> Iterator[Step]:
    (first, base), *others = page.runs.items()
    named = [
        f"    {written.value_text(name)}: {_indented(written.changed(one, 'base', base))},"
        for name, one in others
    ]
    listed = "\n".join([f"    {written.value_text(first)}: base,", *named])
    yield Step(
        "The settings of each run: the first's, and what the others have otherwise.",
        f"base = {written.config(base)}\nconfigs = {{\n{listed}\n}}",
    )
    yield Step("Each network on the same data: the numbers of its run.", _COMPARED)
    yield Step(
        f"The gradient by lag: median and range over {page.seeds} seed(s).",
        _SPREAD.format(seeds=page.seeds),
        "rv.figures.flow_spread(spreads)",
        "gradient-by-lag",
    )


def _indented(code: str) -> str:
    return code.replace("\n", "\n    ")


_COMPARED = f"""\
numbers = {{}}
for title, config in configs.items():
    record = rv.run(config)
    {_indented(_FLOW.rstrip())}
    numbers[title] = {_indented(_NUMBERS)}
    print(f"{{title}}: {{verdict}}")"""
_SPREAD = """\
def by_lag(config):
    flow = rv.diagnostics.gradient_flow(rv.run(config), "last")
    return flow.log10_norm[flow.loss_state :: -1]


def over_seeds(config):
    seeds = [(config.seed + n) % 10_000 for n in range({seeds})]
    return rv.diagnostics.spread([by_lag(config.replace(seed=seed)) for seed in seeds])


spreads = {{title: (n, over_seeds(one)) for n, (title, one) in enumerate(configs.items())}}"""


def _sweep(config: SweepConfig, pictures: Pictures) -> Iterator[Step]:
    yield Step(
        "What is turned, and the settings that stay.",
        f"base = {written.config(config.base)}\nconfig = {written.sweep(config)}",
    )
    yield Step(
        "Every point with every seed: a row each. workers=1 computes in this process alone.",
        "frame = rv.sweep(config, workers=1)\ntable = rv.SweepTable(config, frame)\nprint(frame)",
    )
    yield from _drawings(pictures, OF_SWEEP)


def _drawings(pictures: Pictures, known: Mapping[str, Drawing]) -> Iterator[Step]:
    """A step for each picture that is known, each line of Python once."""
    done: set[str] = set()
    for name, question in pictures.items():
        if drawing := known.get(name):
            new = [line for line in drawing.code.splitlines() if line not in done]
            done.update(new)
            yield Step(question, "\n".join(new), drawing.figure, name)
