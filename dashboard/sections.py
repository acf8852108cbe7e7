"""What each of Explore's sections draws: only the one that is open is computed."""

import plotly.graph_objects as go

from dashboard import costly
from dashboard.explored import Explored
from dashboard.frame import escape
from dashboard.section import Drawn, Section, Sight
from dashboard.words import PASSED
from rnnviz import diagnostics, figures


def time_panel(explored: Explored, sight: Sight) -> go.Figure:
    """The picture above every section."""
    return figures.time_panel(
        explored.record,
        explored.flow,
        total=None if explored.last_alone else explored.total,
        spectrum=explored.theory,
        sequence=sight.sequence(explored),
        **sight.look(explored),
    )


def _why(explored: Explored, sight: Sight) -> Drawn:
    if explored.has_highway:
        yield figures.roads(explored.roads, **sight.look(explored))
    yield figures.eigenvalues(explored.eigenvalues, **sight.look(explored))
    if explored.one_nonlinearity:
        yield figures.saturation(explored.saturation, **sight.look(explored))


def _theory(explored: Explored, sight: Sight) -> Drawn:
    found = explored.once("mean field", diagnostics.mean_field_of)
    yield figures.mean_field(found, **sight.look(explored))


def _gates(explored: Explored, sight: Sight) -> Drawn:
    yield figures.gates(explored.gates, sequence=sight.sequence(explored), **sight.look(explored))


def _depth(explored: Explored, sight: Sight) -> Drawn:
    yield figures.depth(explored.depth, **sight.look(explored))


def _batch(explored: Explored, sight: Sight) -> Drawn:
    yield figures.batch_mean(
        explored.once("batch mean", diagnostics.batch_mean), **sight.look(explored)
    )


def _precision(explored: Explored, sight: Sight) -> Drawn:
    yield figures.precision(
        explored.once("precision", diagnostics.precision), **sight.look(explored)
    )


def _weights(explored: Explored, sight: Sight) -> Drawn:
    yield figures.weights(explored.record.network, **sight.look(explored))


def _check(explored: Explored, sight: Sight) -> Drawn:
    compared = explored.check(sight.patience)
    found = explored.once(f"health {sight.patience}", lambda r: diagnostics.health(r, compared))
    yield "  \n".join(_told(check.passed, check.sentence) for check in found.checks)
    yield figures.gradient_check(compared, **sight.look(explored))


def _told(passed: bool | None, sentence: str) -> str:
    """What a check found, as Markdown: a coloured word and a sentence."""
    colour = {True: "green", False: "red", None: "gray"}[passed]
    return f":{colour}[**{PASSED[passed][1]}**] {escape(sentence)}"


SECTIONS = {
    "why": Section(_why),
    "sources": Section(costly.sources, choice="scale"),
    "products": Section(costly.products),
    "exponents": Section(costly.exponents),
    "bounds": Section(costly.bounds),
    "theory": Section(_theory),
    "gates": Section(_gates, offered=lambda explored: bool(explored.cell.gate_names)),
    "depth": Section(_depth),
    "batch": Section(_batch),
    "truncation": Section(costly.truncation),
    "precision": Section(_precision),
    "states": Section(costly.states, choice="colour"),
    "surface": Section(costly.surface, choice="surface"),
    "weights": Section(_weights),
    "check": Section(_check),
}
"""By the names that a link uses, in the order in which they are offered."""
