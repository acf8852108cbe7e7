"""A page as one HTML file: live charts, the verdict, the method, the sources and the settings."""

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from rnnviz.config import RunConfig, SweepConfig
from rnnviz.figures.picture import plain
from rnnviz.report import write_html
from rnnviz.takeaway.bibliography import sources_of
from rnnviz.takeaway.method import method
from rnnviz.takeaway.pages import Comparison, Page, Pictures, Saved, Training
from rnnviz.takeaway.script import as_python


def as_html(page: Page, figures: Sequence[go.Figure], title: str, verdict: str = "") -> str:
    """A page that opens without a network, with all that is needed to make it again.

    Examples
    --------
    >>> import rnnviz as rv
    >>> text = as_html(rv.RunConfig(cell="lstm"), [], "A run", "It vanishes.")
    >>> "<h2>Method</h2>" in text, "Long short-term memory" in text, "rv.run(config)" in text
    (True, True, True)
    """
    pictures = questions(figures)
    return write_html(
        figures,
        title=title,
        verdict=verdict,
        method=method(page),
        sources=[source.sentence for source in sources_of(page, pictures)],
        script=as_python(page, pictures),
        settings=settings_of(page),
    )


def questions(figures: Iterable[go.Figure]) -> Pictures:
    """The question that each figure answers, by the name of its file."""
    words = [plain(figure)["layout"]["meta"] for figure in figures]
    return {word["name"]: word["question"] for word in words}


def settings_of(page: Page) -> dict[str, object]:
    """A page's settings by name; of several runs what the first has, and the others otherwise."""
    match page:
        case Comparison():
            (first, base), *others = page.runs.items()
            named = {f"{first}: {name}": value for name, value in base.model_dump().items()}
            for other, config in others:
                named |= {f"{other}: {name}": value for name, value in _unlike(config, base)}
            return named
        case SweepConfig():
            turned: dict[str, object] = {f"turned: {k.name}": k.text for k in page.knobs}
            return turned | {"seeds": page.seeds} | page.base.model_dump()
        case Training():
            return {**page.config.model_dump(), "steps taken": page.steps}
        case Saved():
            return {"file": page.file} | (settings_of(page.made) if page.made else {})
    return page.model_dump()


def _unlike(config: RunConfig, base: RunConfig) -> list[tuple[str, object]]:
    return [(name, v) for name, v in config.model_dump().items() if v != getattr(base, name)]
