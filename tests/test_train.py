"""Training: PyTorch's steps, the same every time, and what happens when it goes wrong."""

import math
import time
from itertools import islice

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.arrays import Params
from rnnviz.run import draw, run, untrained
from rnnviz.tasks import TASKS
from rnnviz.train import COLUMNS, VALIDATE_EVERY, History, TrainStep, baseline, train

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


def first_fault(**changes) -> TrainStep:
    *_, last = train(diverging(**changes))
    return last


def test_the_fault_names_what_was_not_finite_first() -> None:
    states = first_fault(steps=1_000, gain=10.0)
    assert "the states are the first" in str(states.fault)
    assert "no loss before it was finite" in str(states.fault)
    assert states.number == 0
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
def test_training_beats_the_baseline_within_seconds(task: str, lag: int) -> None:
    config = small(
        task=task,
        lag=lag,
        steps=20,
        batch_size=16,
        hidden_size=24,
        learning_rate=0.01,
        iterations=300,
    )
    start = time.monotonic()
    rows = History.collect(train(config)).rows
    assert rows[-50:, 1].mean() < 0.5 * baseline(config)
    assert rows[-1, 2] < 0.5 * baseline(config)
    assert time.monotonic() - start < 10


def test_the_baseline_is_the_tasks() -> None:
    config = small(task="delayed_recall", lag=4, loss_at="all")
    assert baseline(config) == TASKS["delayed_recall"].baseline(13, 4, "all") == 9 / 13


def test_a_history_has_a_row_a_step_and_nothing_where_no_validation_was() -> None:
    steps = [*islice(train(small()), 12)]
    frame = History.collect(steps).to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["step"].tolist() == [*range(12)]
    assert frame["loss"].tolist() == [step.loss for step in steps]
    assert frame["validation_loss"].notna().to_numpy().nonzero()[0].tolist() == [0, VALIDATE_EVERY]


def test_a_history_of_no_steps_is_an_empty_table() -> None:
    assert History.collect([]).to_frame().shape == (0, len(COLUMNS))
