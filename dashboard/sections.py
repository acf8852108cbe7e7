"""What each of Explore's sections draws: only the one that is open is computed."""

import plotly.graph_objects as go

from dashboard import costly
from dashboard.explored import Explored
from dashboard.health import told
from dashboard.section import Drawn, Look, Section, sequence
from rnnviz import diagnostics, figures


def time_panel(explored: Explored, look: Look) -> go.Figure:
    """The picture above every section."""
    return figures.time_panel(
        explored.record,
        explored.flow,
        total=None if explored.last_alone else explored.total,
        spectrum=explored.theory,
        sequence=sequence(explored),
        **look,
    )


def _why(explored: Explored, look: Look) -> Drawn:
    if explored.has_highway:
        yield figures.roads(explored.roads, **look)
    yield figures.eigenvalues(explored.eigenvalues, **look)
    if explored.one_nonlinearity:
        yield figures.saturation(explored.saturation, **look)


def _theory(explored: Explored, look: Look) -> Drawn:
    found = explored.once("mean field", diagnostics.mean_field_of)
    yield figures.mean_field(found, **look)


def _gates(explored: Explored, look: Look) -> Drawn:
    yield figures.gates(explored.gates, sequence=sequence(explored), **look)


def _depth(explored: Explored, look: Look) -> Drawn:
    yield figures.depth(explored.depth, **look)


def _batch(explored: Explored, look: Look) -> Drawn:
    yield figures.batch_mean(explored.once("batch mean", diagnostics.batch_mean), **look)


def _precision(explored: Explored, look: Look) -> Drawn:
    yield figures.precision(explored.once("precision", diagnostics.precision), **look)


def _weights(explored: Explored, look: Look) -> Drawn:
    yield figures.weights(explored.record.network, **look)


def _check(explored: Explored, look: Look) -> Drawn:
    checks = explored.once("health", lambda r: diagnostics.health(r, explored.check)).checks
    yield "  \n".join(told(check.passed, check.sentence) for check in checks)
    yield figures.gradient_check(explored.check, **look)


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
