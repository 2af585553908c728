"""Chapter 07's studies: a small one end to end, and the shipped records against counting and against training again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chapters.ch07 import grids as learning
from chapters.ch07.confusion import KINDS
from chapters.ch07.grid import Grid, trained
from chapters.ch07.grids import GRIDS, GROUPS, TASK, load, ship
from transformer_lab.byhand.schedules import warmup_linear
from transformer_lab.byhand.transformer import init
from transformer_lab.errors import ConfigError
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import TOKENS, operation_of, value
from transformer_lab.tasks.splits import leakage
from transformer_lab.training import read_record
from transformer_lab.training.digit_model import DigitModel
from transformer_lab.training.digits import SETTINGS, DigitRun
from transformer_lab.training.digits import load as load_run
from transformer_lab.training.stepper import Stepper

DATA = Path(__file__).resolve().parents[3] / "data" / "digits"
INPUTS = all_inputs(TASK)
TINY = DigitRun(task=TASK, n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=30, warmup=3, batch=8)
LEAKY = {"examples": 1000, "distinct": False}
SMALL = Grid({"true": LEAKY, "dealt": LEAKY | {"shuffled": True},
              "far": LEAKY | {"optimizer": "sgd", "weight_decay": 0.0, "learning_rate": 1e9}},
             seeds=(0, 1), splits=True, at=(0, 30), every=10, keeps=("W_E",), recipe=TINY)


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "GRIDS", {"small": SMALL})
    return ship("small", runs=tmp_path / "runs", data=tmp_path / "data"), tmp_path / "runs"


def test_a_small_study_counts_what_its_models_say(small):
    record, runs = small
    model, run_record = load_run(runs / "small-true-1")
    seen, said = set(model.run.parts.train), model.said(INPUTS)
    test = model.run.parts.held_out[100:]
    right = {x: word == str(value(x)) for x, word in zip(INPUTS, said, strict=True)}
    for i, name in enumerate(GROUPS):
        mine = [x for x in INPUTS if name in (operation_of(x), "all")]
        for part, inputs in {"trained": [x for x in mine if x in seen], "unseen": [x for x in mine if x not in seen],
                             "all": mine, "test": [x for x in test if name in (operation_of(x), "all")]}.items():
            assert record.state[part][0, 1, 1, i] == pytest.approx(np.mean([right[x] for x in inputs]))
            assert record.state[f"counts.{part}"][0, 1, i] == len(inputs)
    np.testing.assert_array_equal(record.state["W_E"][0, 1], model.params["W_E"])
    np.testing.assert_array_equal(record.state["curve.loss"][0, 1], run_record.history["loss"].astype(np.float32))
    assert 0.7 < leakage(*model.run.parts).share < 0.95 or len(seen) < 800
    assert load("small", runs.parent / "data").name == record.name


def test_a_run_that_diverges_is_counted_and_not_hidden(small):
    record, _ = small
    assert (record.state["stopped"] >= [[-1, -1], [-1, -1], [0, 0]]).all()
    assert (record.state["stopped"][:2] == -1).all()
    assert (record.state["all"][2, :, 1] == 0).all() and (record.state["all"][2, :, 0] > 0).any()
    assert np.isnan(record.state["curve.loss"][2, :, -1]).all() and record.state["curve.loss"].shape == (3, 2, 4)


def test_dealt_answers_are_trained_on_and_scored_by(tmp_path):
    run = SMALL.run("dealt", 1)
    targets = {TOKENS[token] for token in run.encoded(INPUTS).targets}
    assert targets == set("0123456789") and sorted(run.dealt.values()) == sorted(
        replace(run, shuffled=False).encoded(INPUTS).targets)
    share = np.mean(run.encoded(INPUTS).targets == replace(run, shuffled=False).encoded(INPUTS).targets)
    assert 0.1 < share < 0.2
    record = trained(tmp_path / "run", SMALL, "dealt", 1)
    words = DigitModel(run, record.weights).said(run.parts.held_out)
    right = np.mean([TOKENS.index(word) == run.dealt[x] for word, x in zip(words, run.parts.held_out, strict=True)])
    assert record.history["held_out_accuracy"][-1] == pytest.approx(right)


def test_the_younger_fields_leave_older_records_as_they_are():
    assert not {"optimizer", "distinct", "shuffled"} & set(TINY.to_dict())
    other = SMALL.run("far", 0)
    assert DigitRun.from_dict(other.to_dict()) == other != TINY and DigitRun.from_dict(TINY.to_dict()) == TINY
    for change, faults in (({"optimizer": "sgd"}, 1), ({"optimizer": "SGD"}, 1), ({"distinct": False}, 1),
                           ({"shuffled": True, "examples": 10}, 1), ({"shuffled": True, "written": True}, 1)):
        with pytest.raises(ConfigError) as found:
            replace(TINY, **change)
        assert len(found.value.faults) == faults


@pytest.mark.parametrize("name", GRIDS)
def test_a_shipped_record_adds_up(name):
    grid, record = GRIDS[name], load(name, DATA)
    state, shape = record.state, (len(grid.arms), len(grid.seeds), len(grid.at), 6)
    parts = {part: state[part] for part in ("trained", "unseen", "all")}
    assert {part.shape for part in parts.values()} == {shape} and (state["counts.all"] == [1000] * 5 + [5000]).all()
    right = {part: share * state[f"counts.{part}"][:, :, None] for part, share in parts.items()}
    np.testing.assert_allclose(right["trained"] + right["unseen"], right["all"], atol=0.01)
    for score in right.values():
        np.testing.assert_allclose(score[..., :5].sum(-1), score[..., 5], atol=0.01)
    stopped = state["stopped"] >= 0
    assert (state["all"][stopped][:, -1] == 0).all() and not stopped.all()
    assert np.isnan(state["curve.held_out_loss"][~stopped]).sum() == 0
    if all(run.distinct for run in (grid.run(arm, 0) for arm in grid.arms)):
        last, final = state["curve.held_out_accuracy"][..., -1], state["unseen"][..., -1, -1]
        np.testing.assert_allclose(last[~stopped], final[~stopped], atol=1e-6)
    assert (DATA / f"{name}-study" / "weights.safetensors").stat().st_size < 300_000


AGAIN = [("dynamics", "digits", 1, 50), ("fractions", "30 %", 3, 200), ("leak", "shuffled answers", 2, 100),
         ("leak", "true answers", 4, 100)]


@pytest.mark.parametrize(("name", "arm", "seed", "steps"), AGAIN)
def test_training_again_gives_the_record(name, arm, seed, steps):
    grid, state = GRIDS[name], load(name, DATA).state
    run, where = grid.run(arm, seed), (list(grid.arms).index(arm), grid.seeds.index(seed))
    data, rate = run.encoded(run.parts.train), warmup_linear(run.learning_rate, run.steps, run.warmup)
    stepper = Stepper(init(run.model, seed=seed), run.model, run.optimizer,
                      **{field: getattr(run, field) for field in SETTINGS[run.optimizer]})
    for step in range(steps):
        rows = generator(seed, "batch", step).integers(len(data.tokens), size=run.batch)
        loss = stepper.step((data.tokens[rows], data.targets[rows]), rate(step))["loss"]
        assert step > 0 or loss == pytest.approx(state["curve.loss"][where][0], rel=1e-5)
    everything = run.encoded(INPUTS)
    said = DigitModel(run, stepper.params).logits(everything.tokens).argmax(-1)
    shipped = state["all"][where][grid.at.index(steps), -1]
    assert np.mean(said == everything.targets) == pytest.approx(shipped, abs=0.01)
    if name == "dynamics":
        assert np.mean(said == state["said"][seed, grid.at.index(steps)]) > 0.99


def test_the_dynamics_are_those_of_the_shipped_digit_runs():
    state, shipped = load("dynamics", DATA).state, read_record(DATA / "digits-study").history
    for curve in ("held_out_accuracy", "held_out_loss", "loss"):
        np.testing.assert_allclose(state[f"curve.{curve}"][0], shipped[curve].T, rtol=1e-6)


def test_the_dynamics_count_every_answer_of_every_seed():
    state, grid = load("dynamics", DATA).state, GRIDS["dynamics"]
    answers = np.array([value(x) for x in INPUTS])
    assert (state["confusion"].sum((2, 3)) == 5000).all()
    hits = np.trace(state["confusion"], axis1=2, axis2=3)
    np.testing.assert_allclose(hits / 5000, state["all"][0, ..., -1], atol=1e-6)
    np.testing.assert_array_equal(state["mistakes"][..., -1].sum(-1), 5000 - hits)
    assert state["mistakes"].shape == (20, len(grid.at), 5, len(KINDS) + 1)
    words = [TOKENS[token] for token in state["said"][1, 2]]
    for digit, other in ((9, 9), (9, 8), (0, 1)):
        count = sum(word == str(other) and answer == digit for word, answer in zip(words, answers, strict=True))
        assert state["confusion"][1, 2, digit, other] == count
