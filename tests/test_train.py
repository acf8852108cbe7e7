"""Training: PyTorch's steps, the same every time, and what happens when it goes wrong."""

import math
from itertools import islice

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.arrays import Params
from rnnviz.config.train import CLIPPINGS, SCHEDULES
from rnnviz.floss import floss
from rnnviz.omega import omega
from rnnviz.optim import OPTIMIZERS
from rnnviz.run import draw, run, untrained
from rnnviz.tasks import TASKS
from rnnviz.train import COLUMNS, VALIDATE_EVERY, History, TrainStep, baseline, columns_of, train
from rnnviz.windows import Given

SMALL = {"task": "copy", "loss_at": "task", "steps": 13, "batch_size": 3, "hidden_size": 5}


def small(**changes) -> rv.TrainConfig:
    return rv.TrainConfig(**{**SMALL, "iterations": 23, **changes})


def diverging(**changes) -> rv.TrainConfig:
    settings = {"cell": "relu", "gain": 5.0, "learning_rate": 10.0, "clip": 0.0, "task": "sine"}
    return small(**{**settings, "optimizer": "sgd", "loss_at": "all", "iterations": 400, **changes})


def same(params: Params, others: Params) -> bool:
    return all(np.array_equal(W, others[name]) for name, W in params.items())


def is_finite(params: Params) -> bool:
    return all(np.isfinite(W).all() for W in params.values())


def torch_twin(torch, config: rv.TrainConfig):
    """``nn.RNN`` and ``nn.Linear`` with the untrained network's weights, under our names."""
    network = untrained(config)
    rnn = torch.nn.RNN(network.input_size, config.hidden_size, config.layers).double()
    readout = torch.nn.Linear(config.hidden_size, network.output_size).double()
    twins = {}
    for name in network.params:
        part, own = name.split(".")
        kind = "weight" if own.startswith("W") else "bias"
        at = readout if part == "readout" else rnn
        twins[name] = getattr(at, kind if at is readout else f"{kind}_{own[2:]}_{part}")
        twins[name].data = torch.tensor(network.params[name])
    return rnn, readout, twins


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_twenty_steps_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    config = small(layers=2, optimizer=name, clip=0.3, learning_rate=0.02, iterations=20)
    rnn, readout, twins = torch_twin(torch, config)
    rule = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[name]([*twins.values()], lr=0.02)
    for number, step in enumerate(train(config)):
        batch = draw(config, "data", number)
        y = readout(rnn(torch.tensor(batch.x))[0])
        loss = torch.nn.functional.cross_entropy(
            y.flatten(0, 1), torch.tensor(batch.target).flatten()
        )
        rule.zero_grad()
        loss.backward()
        length = torch.nn.utils.clip_grad_norm_([*twins.values()], 0.3)
        rule.step()
        assert step.loss == pytest.approx(loss.item(), rel=1e-10)
        assert step.grad_norm == pytest.approx(length.item(), rel=1e-10)
    for key, W in step.network.params.items():
        np.testing.assert_allclose(W, twins[key].detach().numpy(), rtol=1e-10, atol=1e-10)


def test_equal_configs_train_equally_to_the_bit() -> None:
    first, second = ([*train(small())] for _ in range(2))
    assert np.array_equal([s.row for s in first], [s.row for s in second], equal_nan=True)
    assert same(first[-1].network.params, second[-1].network.params)


def test_the_first_loss_is_the_runs() -> None:
    config = small()
    assert next(train(config)).loss == run(config.run).loss


def test_every_step_reads_a_fresh_batch() -> None:
    still = [step.loss for step in train(small(learning_rate=0, iterations=6))]
    assert len(set(still)) == 6


@pytest.mark.parametrize("taken", [1, 2, 9, 22])
def test_training_can_stop_at_any_step_and_go_on_as_if_it_had_not(taken: int) -> None:
    config = small()
    whole = [*train(config)]
    begun = [*islice(train(config), taken)]
    rest = [*train(config, after=begun[-1])]
    rows = [step.row for step in (*begun, *rest)]
    assert np.array_equal(rows, [step.row for step in whole], equal_nan=True)
    assert same(rest[-1].network.params, whole[-1].network.params)


def test_training_ends_after_its_iterations() -> None:
    assert [step.number for step in train(small(iterations=4))] == [0, 1, 2, 3]
    assert [*train(small(iterations=4), after=[*train(small(iterations=4))][-1])] == []


def test_one_sgd_step_goes_straight_down_the_runs_gradient() -> None:
    config = small(optimizer="sgd", clip=0, learning_rate=0.25, iterations=1)
    (step,) = train(config)
    record = run(config.run)
    for name, W in record.network.params.items():
        moved = W - 0.25 * record.grads[name]
        np.testing.assert_allclose(step.network.params[name], moved, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_a_short_step_lowers_the_loss_of_its_own_batch(cell: str) -> None:
    size = 6 if rv.CELLS[cell].in_pairs else 5
    config = small(cell=cell, hidden_size=size, optimizer="sgd", learning_rate=1e-3)
    step, batch = next(train(config)), draw(config, "data", 0)
    after = rv.bptt(step.network, batch.x, batch.loss("task"))
    expected = 1e-3 * step.clipped_norm * step.grad_norm
    assert step.loss - after.loss == pytest.approx(expected, rel=0.01)


def test_clipping_shortens_what_is_longer_and_nothing_else() -> None:
    steps = [*train(small(clip=0.4))]
    longer = [step for step in steps if step.grad_norm > 0.4]
    assert longer
    assert all(step.clipped_norm == pytest.approx(0.4, rel=1e-5) for step in longer)
    assert all(s.clipped_norm == s.grad_norm for s in train(small(clip=0)))


def test_the_held_out_loss_is_of_one_fixed_batch_every_tenth_step_and_at_the_last() -> None:
    steps = [*train(small(learning_rate=0, iterations=VALIDATE_EVERY + 4))]
    taken = {step.number: step.validation_loss for step in steps if step.validation_loss}
    assert [*taken] == [0, VALIDATE_EVERY, VALIDATE_EVERY + 3]
    assert len(set(taken.values())) == 1
    assert taken[0] != steps[0].loss


def test_the_held_out_loss_of_recorded_data_is_of_the_held_out_part() -> None:
    config = small(task="sunspots", loss_at="all", iterations=1)
    (step,) = train(config)
    held_out = TASKS["sunspots"].sample(config.rng("validation", 0), 13, 3, 0, held_out=True)
    y = rv.bptt(untrained(config), held_out.x, held_out.loss("all"))
    assert step.validation_loss == pytest.approx(y.loss, rel=1e-14)


def test_weights_handed_out_cannot_be_written_to_and_stay_as_they_were() -> None:
    steps = iter(train(small()))
    first = next(steps)
    before = {name: W.copy() for name, W in first.network.params.items()}
    [*islice(steps, 3)]
    assert same(first.network.params, before)
    assert not any(W.flags.writeable for W in (*first.network.params.values(), *first.memory))


def test_single_precision_stays_single() -> None:
    *_, last = train(small(dtype="float32", iterations=3))
    assert {W.dtype for W in last.network.params.values()} == {np.dtype(np.float32)}
    assert {v.dtype for v in last.memory if v.ndim} == {np.dtype(np.float32)}


def test_divergence_ends_in_a_sentence_with_the_weights_from_before() -> None:
    steps = [*train(diverging())]
    *before, last = steps
    assert len(steps) < 400
    assert [step.fault for step in before] == [None] * len(before)
    assert last.network is before[-1].network
    assert is_finite(last.network.params)
    assert last.fault is not None
    assert last.fault.startswith(f"training diverged at step {last.number}: ")
    assert "the learning rate is 10" in last.fault
    assert f"the last finite loss was {before[-1].loss:.3g}" in last.fault
    assert last.fault.endswith("a lower learning rate or a clip threshold may keep it finite")


def first_fault(**changes) -> TrainStep:
    *_, last = train(diverging(**changes))
    return last


def test_the_fault_names_what_was_not_finite_first() -> None:
    states = first_fault(steps=1_000, gain=10.0)
    assert "the states are the first" in str(states.fault)
    assert "no loss before it was finite" in str(states.fault)
    assert states.number == 0
    assert str(states.fault).endswith("a lower gain or a shorter sequence may keep it finite")
    loss = first_fault(steps=290, gain=10.0, loss_at="last")
    assert math.isinf(loss.loss)
    assert "the loss is the first" in str(loss.fault)


def test_a_gradient_that_is_not_finite_is_reported_with_a_finite_loss() -> None:
    faults = [
        first_fault(cell="linear", steps=T, gain=10.0, loss_at="last") for T in range(200, 240)
    ]
    gradients = [step for step in faults if "the gradient is the first" in str(step.fault)]
    assert gradients
    assert all(math.isfinite(s.loss) and not math.isfinite(s.grad_norm) for s in gradients)


def test_a_step_with_a_fault_is_nothing_to_go_on_from() -> None:
    with pytest.raises(ValueError, match="must go on from a step without a fault, got 'training"):
        train(diverging(), after=first_fault())


def test_another_kind_of_optimiser_cannot_go_on() -> None:
    with pytest.raises(ValueError, match="Adam must go on from 3 arrays, got 0"):
        train(small(), after=next(train(small(optimizer="sgd"))))


def test_too_large_a_step_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(ValueError, match="must be at most 0 MB"):
        train(small(), memory_limit=1_000)


def test_a_lag_that_the_task_cannot_have_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"lag must be in \[0, 12\]"):
        train(small(task="delayed_recall", lag=13))


@pytest.mark.parametrize(
    ("task", "lag"), [("delayed_recall", 1), pytest.param("sine", 0, id="sine")]
)
def test_training_beats_the_baseline_within_300_steps(task: str, lag: int) -> None:
    config = small(
        task=task,
        lag=lag,
        steps=20,
        batch_size=16,
        hidden_size=24,
        learning_rate=0.01,
        iterations=300,
    )
    history = History.collect(train(config))
    assert history.column("loss")[-50:].mean() < 0.5 * baseline(config)
    assert history.column("validation_loss")[-1] < 0.5 * baseline(config)


def test_the_baseline_is_the_tasks() -> None:
    config = small(task="delayed_recall", lag=4, loss_at="all")
    assert baseline(config) == TASKS["delayed_recall"].baseline(13, 4, "all") == 9 / 13


def test_a_history_has_a_row_a_step_and_nothing_where_no_validation_was() -> None:
    steps = [*islice(train(small()), 12)]
    frame = History.collect(steps).to_frame()
    assert tuple(frame.columns) == columns_of(steps[0].network)
    assert frame["step"].tolist() == [*range(12)]
    assert frame["loss"].tolist() == [step.loss for step in steps]
    assert frame["validation_loss"].notna().to_numpy().nonzero()[0].tolist() == [0, VALIDATE_EVERY]


def test_a_history_of_no_steps_is_an_empty_table() -> None:
    assert History.collect([]).to_frame().shape == (0, len(COLUMNS))


RESUMED = {
    **{name: {"optimizer": name, "weight_decay": 0.01} for name in OPTIMIZERS},
    **{f"schedule {name}": {"schedule": name, "warmup": 3, "decay_every": 5} for name in SCHEDULES},
    **{f"clip {name}": {"clip_by": name, "clip": 0.2} for name in CLIPPINGS},
    "noise": {"noise": 0.1},
    "reproject": {"reproject": 4},
    "omega": {"omega": 0.5, "omega_form": "code"},
    "floss": {"floss": 0.5, "floss_exponents": 3},
    "window": {"window": 5, "stride": 3},
    "window from zero": {"window": 5, "stride": 3, "carry": "zero"},
}


@pytest.mark.parametrize("name", RESUMED)
def test_training_goes_on_from_a_step_or_a_moment_to_the_bit(name: str) -> None:
    config = small(detail="everything", iterations=13, **RESUMED[name])
    whole = [*train(config)]
    moment = whole[9].moment
    assert moment
    for after, first in ((whole[6], 7), (moment, 9)):
        rest = [*train(config, after=after)]
        assert rest[0].number == first
        rows = [step.row for step in rest]
        assert np.array_equal(rows, [step.row for step in whole[first:]], equal_nan=True)
        assert same(rest[-1].network.params, whole[-1].network.params)


def test_a_rate_and_a_clip_may_change_on_the_way() -> None:
    config = small(optimizer="sgd", clip=0)
    after = [*islice(train(config), 5)][-1]
    changed = config.replace(learning_rate=0.5, clip=0.1)
    step = next(train(changed, after=after))
    batch = draw(config, "data", 5)
    record = rv.bptt(after.network, batch.x, batch.loss("task"))
    assert step.learning_rate == 0.5
    assert step.clipped_norm == pytest.approx(0.1, rel=1e-4)
    for name, W in after.network.params.items():
        share = step.clipped_norm / step.grad_norm
        expected = W - 0.5 * share * record.grads[name]
        np.testing.assert_allclose(step.network.params[name], expected, rtol=1e-12, atol=1e-15)


def test_the_rate_of_each_step_is_the_schedules() -> None:
    config = small(schedule="step", decay_every=4, decay_factor=0.1, iterations=9)
    rates = [step.learning_rate for step in train(config)]
    np.testing.assert_allclose(rates, [1e-3] * 4 + [1e-4] * 4 + [1e-5], rtol=1e-12)


def test_training_ends_when_the_held_out_loss_is_low_enough() -> None:
    free = [*train(small())]
    goal = free[10].validation_loss
    assert goal
    assert goal < free[0].validation_loss
    steps = [*train(small(target_loss=goal))]
    assert len(steps) == 11
    assert steps[-1].reached == f"the held-out loss, {goal:.3g}, reached {goal:g} at step 10"
    assert steps[-1].moment
    assert same(steps[-1].network.params, free[10].network.params)


def test_training_ends_when_its_time_is_over_with_the_numbers_until_then() -> None:
    ticks = iter(range(100))
    steps = [*train(small(time_limit=4), clock=lambda: float(next(ticks)))]
    free = [*train(small())]
    assert [step.number for step in steps] == [0, 1, 2, 3]
    assert steps[-1].reached == "the 4 s were over at step 3"
    assert [step.loss for step in steps] == [step.loss for step in free[:4]]


def test_reprojection_leaves_an_orthogonal_matrix_every_so_many_steps() -> None:
    for step in train(small(reproject=3, iterations=7)):
        W = step.network.params["l0.W_hh"]
        near = np.allclose(W @ W.T, np.eye(5), atol=1e-12)
        assert near == (step.number % 3 == 2)


def test_noise_is_drawn_from_the_seed_and_changes_the_weights() -> None:
    one, two = ([*train(small(noise=0.1, iterations=4))][-1] for _ in range(2))
    assert same(one.network.params, two.network.params)
    assert not same(one.network.params, [*train(small(iterations=4))][-1].network.params)


def test_omega_pulls_on_the_recurrent_weights_and_leaves_the_reported_loss() -> None:
    config = small(optimizer="sgd", clip=0, learning_rate=0.1, omega=0.5, iterations=1)
    (step,), (free,) = train(config), train(config.replace(omega=0))
    value, pulls = omega(run(config.run), "paper")
    assert step.loss == free.loss
    assert step.omega == value
    for name, W in free.network.params.items():
        pulled = W - 0.1 * 0.5 * pulls[name] if name in pulls else W
        np.testing.assert_allclose(step.network.params[name], pulled, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("window", [0, 4])
def test_flossing_pulls_on_all_weights_of_the_layers_beside_any_window(window: int) -> None:
    config = small(optimizer="sgd", clip=0, learning_rate=0.1, iterations=1, window=window)
    asked = {"floss": 0.5, "floss_exponents": 2, "floss_sequences": 2}
    (step,), (free,) = train(config.replace(**asked)), train(config)
    record = run(config.run)
    nothing = Given(np.zeros_like(record.y[:, :2]))
    value, pulls = floss(rv.bptt(record.network, record.x[:, :2], nothing), 2)
    assert step.loss == free.loss
    assert step.floss == step.row[-1] == value
    assert step.columns[-1] == "floss"
    assert all(pull.any() for name, pull in pulls.items() if name.startswith("l0"))
    for name, W in free.network.params.items():
        pulled = W - 0.1 * 0.5 * pulls[name]
        np.testing.assert_allclose(step.network.params[name], pulled, rtol=1e-12, atol=1e-15)


def test_a_flossed_direction_that_is_lost_ends_training_with_its_name() -> None:
    config = small(cell="relu", init="normal", bias="constant", bias_value=-9, floss=1)
    *_, last = train(config)
    assert last.fault
    assert "at step 0: the flossed exponents are the first thing that is not finite" in last.fault


def test_a_window_of_the_whole_sequence_is_the_whole_gradient() -> None:
    whole, windowed = [*train(small())], [*train(small(window=13, stride=13))]
    assert same(whole[-1].network.params, windowed[-1].network.params)
    assert not same(whole[-1].network.params, [*train(small(window=2))][-1].network.params)


def test_what_a_cell_or_a_direction_cannot_do_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="omega must be 0 for the cell LSTM, got"):
        train(small(cell="lstm", omega=0.5))
    with pytest.raises(ValueError, match=r"floss must be 0 for the cell GRU, got 0\.5"):
        train(small(cell="gru", floss=0.5))
    with pytest.raises(ValueError, match="flossing must take at most 1 MB, got 7 MB for floss_exp"):
        train(small(hidden_size=90, floss=1, floss_exponents=90), memory_limit=1 << 20)
    with pytest.raises(ValueError, match="window must be 0 for layers that read in reverse too"):
        train(small(directions="both", window=3))


def test_a_hundred_steps_of_adding_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    config = rv.TrainConfig(
        task="adding", steps=23, batch_size=5, hidden_size=11, iterations=100, clip=0.5
    )
    rnn, readout, twins = torch_twin(torch, config)
    rule = torch.optim.Adam([*twins.values()], lr=1e-3)
    for step in train(config):
        batch = draw(config, "data", step.number)
        y = readout(rnn(torch.tensor(batch.x))[0][-1])
        loss = torch.nn.functional.mse_loss(y, torch.tensor(batch.target[-1]))
        rule.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*twins.values()], 0.5)
        rule.step()
        assert step.loss == pytest.approx(loss.item(), rel=1e-8)
    for key, W in step.network.params.items():
        np.testing.assert_allclose(W, twins[key].detach().numpy(), rtol=1e-8, atol=1e-8)
