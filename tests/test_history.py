"""A history: every number by its name, and moments that are kept, measured and gone back to."""

import math

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.history import Change, changes_between
from rnnviz.moments import BYTES_LIMIT, COUNTS, MEASURED, Moment, schedule_of
from rnnviz.run import draw, untrained
from rnnviz.train import History, TrainStep, train
from rnnviz.train_step import COLUMNS, columns_of
from rnnviz.vectors import flat, update_ratios

SMALL = {"task": "adding", "steps": 13, "batch_size": 3, "hidden_size": 5, "iterations": 31}


def small(**changes) -> rv.TrainConfig:
    return rv.TrainConfig(**{**SMALL, **changes})


def history(**changes) -> History:
    return History.collect(train(small(**changes)))


def test_every_column_is_what_its_step_said() -> None:
    steps = [*train(small())]
    seen = History.collect(steps)
    for name in ("loss", "grad_norm", "clipped_norm", "learning_rate", "threshold"):
        assert seen.column(name).tolist() == [getattr(step, name) for step in steps]
    ratios = [seen.column(name) for name in seen.columns if name.startswith("ratio.")]
    assert np.array_equal(np.transpose(ratios), [step.ratios for step in steps])


def test_the_columns_begin_alike_and_end_with_each_parameters_ratio() -> None:
    network = untrained(small(layers=2))
    assert history(layers=2).columns == columns_of(network)
    ratios = tuple(f"ratio.{name}" for name in network.params)
    assert columns_of(network) == (*COLUMNS, *ratios)
    assert history(omega=0.5).columns[-1] == "omega"
    assert history(floss=0.5).columns[-1] == "floss"
    assert history(omega=0.5, floss=0.5).columns[-2:] == ("omega", "floss")


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(ValueError, match="unknown column 'los'; choose from"):
        history().column("los")


def test_a_frame_has_every_column_and_a_whole_step() -> None:
    frame = history().to_frame()
    assert frame["step"].tolist() == [*range(31)]
    assert frame["step"].dtype == int
    assert tuple(frame.columns) == history().columns


def test_the_clipped_share_counts_the_steps_that_were_shortened() -> None:
    seen = history(clip=0.3)
    assert 0 < seen.clipped_share < 1
    assert seen.clipped_share == np.mean(seen.column("grad_norm") > 0.3)
    assert history(clip_by="none").clipped_share == 0
    assert math.isnan(History.collect([]).clipped_share)


def test_until_a_step_there_is_what_was_before_it() -> None:
    seen = history(detail="everything")
    part = seen.until(7)
    assert np.array_equal(part.rows, seen.rows[:7], equal_nan=True)
    assert [moment.step for moment in part.moments] == [*range(7)]


def test_a_change_is_told_with_both_values() -> None:
    changed = small(learning_rate=0.01, clip_by="value")
    assert changes_between(small(), changed, 8) == (
        Change(8, "learning rate 0.001 → 0.01"),
        Change(8, "clipping: By norm → By value"),
    )
    assert changes_between(small(), small(), 8) == ()


def test_a_change_is_told_in_the_words_of_the_page() -> None:
    changed = small(optimizer="sgd", omega=0.5, carry="zero", t_max=1_000, iterations=2_000)
    assert [change.sentence for change in changes_between(small(), changed, 8)] == [
        "T_max 100 → 1,000",
        "optimiser: Adam → SGD",
        "Ω weight 0 → 0.5",
        "state between runs: Carried on → Starts at zero",
        "training steps 31 → 2,000",
    ]


def test_the_ratio_is_of_the_update_to_the_weights() -> None:
    config = small(optimizer="sgd", clip=0, learning_rate=0.25, iterations=1)
    (step,) = train(config)
    record = rv.run(config.run)
    assert step.ratios is not None
    for ratio, (name, W) in zip(step.ratios, record.network.params.items(), strict=True):
        expected = 0.25 * np.linalg.norm(record.grads[name]) / np.linalg.norm(W)
        assert 10**ratio == pytest.approx(expected, rel=1e-9)


def test_no_update_is_minus_infinity_and_of_no_weights_there_is_no_ratio() -> None:
    assert np.isneginf(next(train(small(learning_rate=0))).ratios).all()
    zeros = dict(
        zip(columns_of(untrained(small())), next(train(small(bias="zero"))).row, strict=True)
    )
    assert math.isnan(zeros["ratio.l0.b_ih"])


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e160, 1e200])
def test_a_ratio_survives_squares_that_are_no_numbers(size: float) -> None:
    before = {"W": size * np.array([3.0, 4.0]), "b": np.array([2.0])}
    after = {"W": size * np.array([3.0, 4.05]), "b": np.array([2.2])}
    np.testing.assert_allclose(update_ratios(before, flat(before), after), [-2, -1], atol=1e-12)


@pytest.mark.parametrize("detail", COUNTS)
def test_moments_are_taken_where_the_plan_has_them(detail: str) -> None:
    config = small(iterations=120, detail=detail)
    plan = schedule_of(config)
    seen = History.collect(train(config))
    assert tuple(moment.step for moment in seen.moments) == plan.steps
    assert (plan.steps[0], plan.steps[-1]) == (0, 119)
    assert len(plan.steps) == min(120, COUNTS[detail])
    measured = ~np.isnan(seen.column("spectral_radius"))
    assert tuple(np.flatnonzero(measured)) == plan.steps


def test_how_often_moments_are_taken_changes_no_other_number() -> None:
    few, many = history(), history(detail="everything")
    others = [n for n, name in enumerate(few.columns) if name not in MEASURED]
    assert np.array_equal(few.rows[:, others], many.rows[:, others], equal_nan=True)


def test_the_plan_says_what_moments_take() -> None:
    config = small(layers=2, optimizer="adam")
    plan = schedule_of(config)
    taken = History.collect(train(config)).moments
    own = sum(array.nbytes for moment in taken for array in moment.arrays().values())
    assert plan.nbytes == pytest.approx(own, rel=0.05)


def test_large_networks_keep_fewer_moments_within_the_limit() -> None:
    plan = schedule_of(rv.TrainConfig(hidden_size=256, cell="lstm", iterations=10_000))
    assert 2 <= len(plan.steps) < 25
    assert plan.nbytes <= BYTES_LIMIT
    assert (plan.steps[0], plan.steps[-1]) == (0, 9_999)


def test_more_detail_takes_more_of_the_time() -> None:
    shares = [schedule_of(small(iterations=2_000, detail=detail)).share for detail in COUNTS]
    assert 0 < shares[0] < shares[1] < shares[2] < 1


@pytest.mark.parametrize("cell", ["tanh", "relu", "lstm", "lru"])
def test_a_moment_is_what_the_verdict_finds_of_its_network_on_the_held_out_batch(cell: str) -> None:
    config = small(cell=cell, hidden_size=6, loss_at="all")
    moment = History.collect(train(config)).moments[-1]
    batch = draw(config, "validation")
    record = rv.bptt(moment.network, batch.x, batch.loss("all"))
    flow = rv.diagnostics.gradient_flow(record, "last")
    verdict = rv.diagnostics.verdict(record)
    assert moment.factor == verdict.factor
    assert moment.half_life == verdict.half_life
    assert np.array_equal(moment.log10_norm, flow.log10_norm[flow.loss_state :: -1])
    assert moment.lag.tolist() == [*range(14)]
    spectrum = rv.diagnostics.eigenvalues(moment.network)
    assert np.array_equal(moment.eigenvalues, spectrum.values)
    assert moment.spectral_radius == spectrum.spectral_radius
    assert moment.largest_singular_value == spectrum.largest_singular_value


def test_moment_0_is_the_untrained_network_and_each_is_of_the_weights_before_its_step() -> None:
    steps = [*train(small(detail="everything"))]
    first, second = (step.moment for step in steps[:2])
    assert first
    assert second
    for name, W in untrained(small()).params.items():
        assert np.array_equal(first.network.params[name], W)
    assert second.network is steps[0].network


def test_dead_units_are_those_without_a_slope_and_saturated_ones_the_diagnostics() -> None:
    config = small(cell="relu", hidden_size=9, bias="constant", bias_value=-0.2)
    moment = next(train(config)).moment
    batch = draw(config, "validation")
    record = rv.bptt(untrained(config), batch.x, batch.loss("last"))
    assert moment
    assert moment.dead == np.mean(~(record.h[1:] > 0).any(axis=(0, 1)))
    assert 0 < moment.dead < 1
    assert moment.saturated == rv.diagnostics.saturation(record).share.mean()
    gated = next(train(small(cell="gru"))).moment
    assert gated
    assert math.isnan(gated.dead)
    assert math.isnan(gated.saturated)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_open_and_closed_gates_are_counted_where_there_are_gates(cell: str) -> None:
    config = small(cell=cell, gain=6.0, input_scale=9.0)
    moment = next(train(config)).moment
    batch = draw(config, "validation")
    record = rv.bptt(untrained(config), batch.x, batch.loss("last"))
    gates = np.stack([values for name, values in record.gates.items() if name not in "gn"])
    assert moment
    assert 0 < moment.closed == np.mean(gates < 0.05)
    assert 0 < moment.open == np.mean(gates > 0.95)
    found = rv.diagnostics.gates(record).gates
    stuck = np.mean([gate.saturated for name, gate in found.items() if name not in "gn"])
    assert moment.closed + moment.open == pytest.approx(stuck, abs=1e-15)
    ungated = next(train(small())).moment
    assert ungated
    assert math.isnan(ungated.closed)
    assert math.isnan(ungated.open)


def test_a_moment_comes_back_from_its_arrays_as_it_was() -> None:
    *_, last = train(small(clip_by="percentile"))
    assert last.moment
    back = Moment.from_arrays(last.moment.arrays(), untrained(small()))
    arrays = back.arrays()
    for name, array in last.moment.arrays().items():
        assert np.array_equal(arrays[name], array, equal_nan=array.dtype.kind in "fc")
        assert arrays[name].dtype == array.dtype


def test_a_step_comes_back_from_its_arrays_as_it_was() -> None:
    *_, last = train(small(omega=0.1, floss=0.1, clip_by="percentile", target_loss=900))
    assert last.reached
    back = TrainStep.from_arrays(last.arrays(), untrained(small()))
    assert (back.reached, back.fault) == (last.reached, None)
    assert (back.omega, back.floss) == (last.omega, last.floss)
    for name, array in last.arrays().items():
        if name != "row":
            assert np.array_equal(back.arrays()[name], array)
    kept = [n for n, name in enumerate(last.columns) if name not in MEASURED]
    assert np.array_equal(np.array(back.row)[kept], np.array(last.row)[kept], equal_nan=True)
