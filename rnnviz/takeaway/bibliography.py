"""The sources of what is on a page, as BibTeX: found where the code itself names them.

Cells, tasks, optimisers and diagnostics name their papers by authors and year. What a text names
so is looked up in ``rnnviz/data/sources.bib``; where two papers share authors and year, the text
has to name the title too.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rnnviz import diagnostics, initializers, optim
from rnnviz.bptt import bptt
from rnnviz.cells import CELLS
from rnnviz.config import RunConfig, SweepConfig, TrainConfig
from rnnviz.floss import floss
from rnnviz.network import Network
from rnnviz.omega import omega
from rnnviz.presets import PRESETS
from rnnviz.sweep import SWEEPS
from rnnviz.sweep.theory import theory_of
from rnnviz.takeaway.pages import NONE, Comparison, Page, Pictures, Saved, Training, steps_of
from rnnviz.tasks import TASKS
from rnnviz.windows import windowed_grads

_OURS = """\
@misc{rnnviz,
  author = {{rnnviz contributors}},
  title = {rnnviz: how gradients move through time in a recurrent network},
  note = {Version 0.1.0},
  year = {2026},
}"""
_ENTRY = re.compile(r"^@\w+\{(\w+),\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A paper, a book, a page of documentation or a data set."""

    key: str
    bibtex: str
    authors: tuple[str, ...]
    """Family names, in plain letters."""
    title: str
    year: str

    @property
    def names(self) -> tuple[str, ...]:
        """How a text may name it, but for the year: "Le, Jaitly and Hinton", "Le et al."."""
        if len(self.authors) < 3:
            return (" and ".join(self.authors),)
        whole = f"{', '.join(self.authors[:-1])} and {self.authors[-1]}"
        return whole, f"{self.authors[0]} et al."

    @property
    def sentence(self) -> str:
        """How a list of references has it."""
        year = f" ({self.year})" if self.year else ""
        return f"{self.names[0]}{year}, {self.title}"


@cache
def sources() -> dict[str, Source]:
    """Every source there is, by its key."""
    text = resources.files("rnnviz").joinpath("data/sources.bib").read_text("utf-8")
    return {found[1]: _source(found[1], found[0]) for found in _ENTRY.finditer(text)}


def _source(key: str, bibtex: str) -> Source:
    fields = dict(_FIELD.findall(bibtex))
    authors = (_simple(name.partition(",")[0]) for name in fields["author"].split(" and "))
    title = fields["title"].replace("{", "").replace("}", "")
    return Source(key, bibtex, tuple(authors), title, fields.get("year", ""))


def _simple(text: str) -> str:
    """The text in letters without accents, without braces, and with single spaces."""
    plain = unicodedata.normalize("NFKD", text.replace("{", "").replace("}", ""))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def cited(text: str) -> list[Source]:
    """The sources that a text names by authors and year, in the order of their keys.

    Examples
    --------
    >>> [source.key for source in cited("Elman (1990); Le et al. (2015), section 4")]
    ['elman1990', 'le2015']
    """
    plain = _simple(text)
    named = [source for source in sources().values() if _names(plain, source)]
    return [one for one in named if _is_alone(one, named) or _has_title(plain, one)]


def _names(text: str, source: Source) -> bool:
    year = rf" \(?{source.year}\b" if source.year else ""
    return any(re.search(rf"\b{re.escape(name)}{year}", text) for name in source.names)


def _is_alone(source: Source, named: Iterable[Source]) -> bool:
    """Whether no other paper of the same year goes by one of its names."""
    mine = {*source.names}
    return not any(mine & {*o.names} and o.year == source.year for o in named if o is not source)


def _has_title(text: str, source: Source) -> bool:
    return _simple(source.title).lower()[:24] in text.lower()


def sources_of(page: Page, pictures: Pictures = NONE) -> list[Source]:
    """The sources of a page: of its network, its data, its training, and of what is drawn."""
    texts = " ; ".join(filter(None, _texts(page, pictures)))
    return cited(texts)


def bibliography(page: Page, pictures: Pictures = NONE) -> str:
    """The sources of a page as a BibTeX file, with this software's own entry at its head.

    Examples
    --------
    >>> import rnnviz as rv
    >>> entries = bibliography(rv.RunConfig(cell="mgu", task="adding"))
    >>> "@article{zhou2016," in entries, "@article{hochreiter1997," in entries
    (True, True)
    """
    found = [source.bibtex for source in sources_of(page, pictures)]
    return "\n\n".join([_OURS, *found]) + "\n"


def _texts(page: Page, pictures: Pictures) -> Iterator[str | None]:
    """What the code says of everything that a page's numbers come from."""
    for config in _configs(page):
        yield from _of_config(config)
    if isinstance(page, SweepConfig):
        yield from (line.source for line in theory_of(page))
        yield from (named.source for named in SWEEPS.values() if named.config == page)
    code = "".join(f"{step.code}{step.figure}" for step in steps_of(page, pictures))
    for name in sorted({*re.findall(r"rv\.diagnostics\.(\w+)", code)}):
        yield getattr(diagnostics, name).__doc__


def _configs(page: Page) -> list[RunConfig]:
    match page:
        case Comparison():
            return [*page.runs.values()]
        case SweepConfig():
            turned = [(knob.name, value) for knob in page.knobs for value in knob.values]
            return [page.base.replace(**{name: value}) for name, value in turned]
        case Training():
            return [config for _, config in page.stages]
        case Saved():
            return _configs(page.made) if page.made else []
    return [page]


def _of_config(config: RunConfig) -> Iterator[str | None]:
    yield bptt.__doc__
    yield CELLS[config.cell].paper
    yield TASKS[config.task].paper
    if config.matters("init"):
        yield initializers.RECURRENT[config.init].draw.__doc__
    if config.matters("input_init"):
        yield initializers.INPUT[config.input_init].draw.__doc__
    if config.matters("gate_bias") and config.gate_bias != "none":
        yield _KEEPING[config.gate_bias]
    if config.residual != "none" and config.matters("residual"):
        yield Network.__doc__
    if isinstance(config, TrainConfig):
        yield from _of_training(config)
    yield from (preset.source for preset in PRESETS.values() if _is(preset.config, config))


def _is(preset: TrainConfig, config: RunConfig) -> bool:
    return config == (preset if isinstance(config, TrainConfig) else preset.run)


_KEEPING = {
    "forget": "Gers, Schmidhuber and Cummins (2000); Jozefowicz, Zaremba and Sutskever (2015)",
    "chrono": "Tallec and Ollivier (2018), Can recurrent neural networks warp time?",
}
_CLIPPINGS = {
    "norm": optim.clip_norm.__doc__,
    "value": optim.clip_value.__doc__,
    "percentile": optim.clip.__doc__,
    "none": None,
}


def _of_training(config: TrainConfig) -> Iterator[str | None]:
    yield optim.OPTIMIZERS[config.optimizer].paper
    yield _CLIPPINGS[config.clip_by] if config.clip or config.clip_by == "percentile" else None
    yield optim.rate.__doc__ if config.schedule == "cosine" else None
    yield optim.noisy.__doc__ if config.noise else None
    yield optim.nearest_orthogonal.__doc__ if config.reproject else None
    yield omega.__doc__ if config.omega else None
    yield floss.__doc__ if config.floss else None
    yield windowed_grads.__doc__ if config.window else None
