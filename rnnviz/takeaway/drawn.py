"""Every picture by its name: the lines that make what it draws, and the call that draws it.

The lines take up where a page's own left off: ``config``, ``record``, ``flow`` and ``spectrum`` are
there after a run, ``history``, ``network`` and ``batch`` after training, ``table`` after a sweep.
"""

from typing import NamedTuple


class Drawing(NamedTuple):
    """How a picture is made."""

    figure: str
    """The call that draws it."""
    code: str = ""
    """The lines before it."""


def _of(name: str, figure: str = "", more: str = "") -> Drawing:
    """A picture of the diagnostic of the same name."""
    drawn = f"rv.figures.{figure or name}({name}{more})"
    return Drawing(drawn, f"{name} = rv.diagnostics.{name}(record)")


_ITEMIZED = "itemized = rv.diagnostics.itemized(record)"
_LOSS = "loss = rv.draw(config).loss(config.loss_at)"
_AXES = "axes = [rv.diagnostics.Axis.gradient(), rv.diagnostics.Axis.random()]"
_SURFACE = "rv.diagnostics.loss_surface(record.network, record.x, loss, axes{}, points={})"

OF_RUN: dict[str, Drawing] = {
    "roads": _of("roads"),
    "eigenvalues": Drawing("rv.figures.eigenvalues(spectrum)"),
    "saturation": _of("saturation"),
    "itemized": Drawing("rv.figures.itemized(itemized)", _ITEMIZED),
    "decay-by-lag": Drawing(
        "rv.figures.decay(decay)", f"{_ITEMIZED}\ndecay = rv.diagnostics.decay(itemized, flow)"
    ),
    "contributions": Drawing(
        "rv.figures.contributions(contributions)",
        "params = record.network.layers[record.network.top].params\n"
        'read = "W_hh" if "W_hh" in params else "W_ih"\n'
        "contributions = rv.diagnostics.contributions(record, read)",
    ),
    "jacobian-spectrum": _of("jacobian_spectrum", more=", flow=flow"),
    "jacobian-steps": _of("jacobian_steps"),
    "lyapunov": Drawing(
        "rv.figures.lyapunov(exponents, flow=flow)", "exponents = rv.diagnostics.lyapunov(record)"
    ),
    "bounds": _of("bounds"),
    "mean-field": Drawing(
        "rv.figures.mean_field(theory)", "theory = rv.diagnostics.mean_field_of(record)"
    ),
    "gates": _of("gates"),
    "depth-by-time": _of("depth"),
    "batch-mean": _of("batch_mean"),
    "truncated-gradient": _of("truncation"),
    "precision": _of("precision"),
    "state-space": Drawing(
        "rv.figures.state_space(states, points)",
        "states = rv.diagnostics.state_space(record)\n"
        'points = rv.diagnostics.fixed_points(record, "mean")',
    ),
    "loss-surface": Drawing(
        "rv.figures.loss_surface(surface)",
        f"{_LOSS}\n{_AXES}\nsurface = {_SURFACE.format('', 21)}",
    ),
    "loss-slice": Drawing(
        "rv.figures.loss_slice(line)", f"{_LOSS}\n{_AXES}\nline = {_SURFACE.format('[:1]', 21)}"
    ),
    "weights": Drawing("rv.figures.weights(record.network)"),
    "gradient-check": Drawing(
        "rv.figures.gradient_check(check)",
        f"{_LOSS}\ncheck = rv.diagnostics.gradient_check(record.network, record.x, loss)",
    ),
}
"""Pictures of a run below its time panel."""

_OUTPUTS = "y = rv.predict(network, batch.x)"

OF_TRAINING: dict[str, Drawing] = {
    "loss": Drawing("rv.figures.loss_curve(history)"),
    "gradient-norm": Drawing("rv.figures.gradient_norm(history, clip_by=config.clip_by)"),
    "gradient-map": Drawing("rv.figures.gradient_map(history)"),
    "update-to-weight-ratio": Drawing("rv.figures.update_ratios(history)"),
    "half-life": Drawing("rv.figures.half_life_curve(history)"),
    "spectral-radius": Drawing("rv.figures.radius_curve(history)"),
    "unit-health": Drawing("rv.figures.unit_health(history)"),
    "accuracy": Drawing("rv.figures.accuracy_curve(history)"),
    "eigenvalues-over-training": Drawing("rv.figures.spectrum_path(history)"),
    "prediction": Drawing(
        "rv.figures.prediction(y, batch, mask=batch.loss(config.loss_at).mask)", _OUTPUTS
    ),
    "recall-by-lag": Drawing(
        "rv.figures.recall_curve(recall)", f"{_OUTPUTS}\nrecall = rv.diagnostics.recall(y, batch)"
    ),
    "gradient-over-time": Drawing(
        "rv.figures.time_panel(record, flow)",
        "record = rv.bptt(network, batch.x, batch.loss(config.loss_at))\n"
        'flow = rv.diagnostics.gradient_flow(record, "last")',
    ),
}
"""Pictures of a training, and of the network that came of it on a held-out batch."""

OF_SWEEP: dict[str, Drawing] = {
    "phase-map": Drawing("rv.figures.phase_map(table)"),
    "sweep-lines": Drawing("rv.figures.sweep_lines(table)"),
    "parallel": Drawing("rv.figures.parallel(table)"),
}
"""Pictures of a sweep."""
