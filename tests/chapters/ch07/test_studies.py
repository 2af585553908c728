"""Chapter 07's studies: a small unit end to end, and the shipped datasets against counting and training again."""

import numpy as np
import pytest
import xarray as xr

from chapters.ch07.confusion import KINDS
from chapters.ch07.study import (
    DYNAMICS,
    GROUPS,
    LONELY,
    RECIPE,
    TASK,
    answered,
    blind_spots,
    drawn,
    held_out,
    leaky,
    lonely_split,
    of_all,
    optimised,
)
from transformer_lab import places
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import TOKENS, operation_of, value
from transformer_lab.tasks.splits import leakage
from transformer_lab.training import study

NAMES = ("optimizers", "fractions", "scarce", "shuffled", "leak", "dynamics", "splits", "lonely")
TINY = RECIPE.replace(n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=30, warmup=3, batch=8)
INPUTS = all_inputs(TASK)
ASKED = {"at": (0, 30), "every": 10, "split_of": int, "recipe": TINY}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    return tmp_path / "runs"


@pytest.mark.parametrize("answers", ["true", "shuffled"])
def test_a_small_unit_counts_what_its_model_says(answers, elsewhere):
    found = answered("tiny", 1, drawn, answers=answers, **ASKED)
    model, record = load(elsewhere / f"tiny-{answers}-1")
    seen, test = set(model.run.task.parts.train), model.run.task.parts.held_out[1000:]
    wanted = {x: model.run.task.dealt[x] if answers == "shuffled" else TOKENS.index(str(value(x))) for x in INPUTS}
    right = {x: TOKENS.index(word) == wanted[x] for x, word in zip(INPUTS, model.said(INPUTS), strict=True)}
    for i, name in enumerate(GROUPS):
        mine = [x for x in INPUTS if name in (operation_of(x), "all")]
        for part, chosen in {"trained": [x for x in mine if x in seen], "unseen": [x for x in mine if x not in seen],
                             "all": mine, "test": [x for x in test if name in (operation_of(x), "all")]}.items():
            assert found[part][1][1, i] == pytest.approx(np.mean([right[x] for x in chosen]))
            assert found[f"counts.{part}"][1][i] == len(chosen)
    np.testing.assert_array_equal(found["curve.loss"][1], record.history["loss"].astype(np.float32))
    assert found["stopped"][1] == -1 and found["row"][1] == [0, 10, 20, 30]
    assert 0.75 < leakage(*model.run.task.parts).share < 0.85


def test_a_run_that_diverges_is_counted_and_not_hidden(elsewhere):
    found = answered("far", 0, optimised, optimizer="sgd", rate=1e9, **ASKED)
    assert found["stopped"][1] >= 0 and (found["all"][1][1] == 0).all() and (found["all"][1][0] > 0).any()
    assert np.isnan(found["curve.loss"][1][-1]) and found["curve.loss"][1].shape == (4,)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_adds_up(name):
    found = study(name).load()
    parts = {part: found[part] * found[f"counts.{part}"] for part in ("trained", "unseen", "all")}
    np.testing.assert_allclose(parts["trained"] + parts["unseen"], parts["all"], atol=0.01)
    for score in parts.values():
        np.testing.assert_allclose(score.sel(operation=list(TASK.operations)).sum("operation", skipna=False),
                                   score.sel(operation="all"), atol=0.01)
    assert (places.shipped("studies", name) / "arrays.safetensors").stat().st_size < 300_000
    assert int(found["all"].isel(step=-1).sel(operation="all").notnull().sum()) == len(study(name).units)


def of_row(name, step, **where):
    found = study(name).load()
    return float(found["all"].sel(step=step, operation="all", **where)), found["curve.loss"].sel(row=0, **where)


AGAIN = [("dynamics", RECIPE.replace(seed=1), 50, {"seed": 1}),
         ("fractions", RECIPE.replace(seed=3, data_seed=3, **of_all(30)), 200, {"seed": 3, "per_cent": 30}),
         ("leak", leaky("shuffled", 2), 100, {"seed": 2, "answers": "shuffled"}),
         ("leak", leaky("true", 4), 100, {"seed": 4, "answers": "true"})]


@pytest.mark.parametrize(("name", "run", "steps", "where"), AGAIN)
def test_training_again_gives_the_record(name, run, steps, where):
    data, stepper = run.task.encoded(run.task.parts.train), run.stepper()
    shipped, first_loss = of_row(name, steps, **where)
    for step in range(steps):
        rows = generator(run.training.seed, "batch", step).integers(len(data.tokens), size=run.training.batch)
        loss = stepper.step((data.tokens[rows], data.targets[rows]), run.learning_rate(step))["loss"]
        assert step > 0 or loss == pytest.approx(float(first_loss), rel=1e-5)
    everything = run.task.encoded(INPUTS)
    said = DigitModel(run, stepper.params).logits(everything.tokens).argmax(-1)
    assert np.mean(said == everything.targets) == pytest.approx(shipped, abs=0.01)


def test_the_dynamics_count_every_answer_of_every_seed():
    found, answers = study("dynamics").load(), np.array([value(x) for x in INPUTS])
    assert (found.confusion.sum(["right", "answer"]) == 5000).all()
    hits = np.trace(found.confusion.values, axis1=2, axis2=3)
    np.testing.assert_allclose(hits / 5000, found["all"].sel(operation="all"), atol=1e-6)
    np.testing.assert_array_equal(found.mistakes.sel(kind="wrong").sum("asked"), 5000 - hits)
    assert found.mistakes.shape == (20, len(DYNAMICS["at"]), 5, len(KINDS) + 1)
    words = [TOKENS[token] for token in found.said.sel(shown=1).isel(step=2).values]
    for digit, other in ((9, 9), (9, 8), (0, 1)):
        count = sum(word == str(other) and answer == digit for word, answer in zip(words, answers, strict=True))
        assert found.confusion.sel(seed=1).values[2, digit, other] == count


def test_blind_spots_are_counted_input_by_input():
    seed = next(seed for seed in range(100) if LONELY[0] in held_out(seed) and LONELY[1] not in held_out(seed))
    seen = next(i for i, x in enumerate(INPUTS) if x not in held_out(seed))
    unseen = next(i for i, x in enumerate(INPUTS) if x in held_out(seed) and x not in LONELY)
    said = np.array(RECIPE.task.encoded(INPUTS).targets)
    for i in (seen, unseen, INPUTS.index(LONELY[0])):
        said[i] = (said[i] + 1) % len(TOKENS)
    found = blind_spots(xr.Dataset({"said": (("seed", "step", "input"), said[None, None])}, {"seed": [seed]}), int)
    assert {name: int(found[name][0]) for name in found} == {"missed": 2, "lonely": 1, "lonely.missed": 1,
                                                              "trained.missed": 1}
    assert set(LONELY) & held_out(lonely_split(5)) and lonely_split(5) // 1000 == 5


def test_no_other_answer_stands_alone():
    answers = [(operation_of(x), value(x)) for x in INPUTS]
    assert {x for x, answer in zip(INPUTS, answers, strict=True) if answers.count(answer) == 1} == set(LONELY)


def test_the_rows_of_the_study_order_are_those_of_the_shipped_model():
    shipped = load(places.shipped("digits", "digits-0"))[0].params["W_E"]
    np.testing.assert_array_equal(study("order").load().W_E.sel(asked="all", seed=0), shipped)
