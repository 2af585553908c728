"""Longer and deeper questions: the tests are what they say, and the shipped answers are those of sound models."""

from collections import Counter

import numpy as np
import pytest

from chapters.ch11 import study as beyond
from chapters.ch11.study import DEPTHS, LENGTHS, POSITIONS, SEEDS, depth_tests, length_tests, levels
from transformer_lab import places
from transformer_lab.analysis.digit_model import DigitModel, learned, load
from transformer_lab.byhand.transformer import init
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.expressions import operation_of, tokenize, value
from transformer_lab.training import Run, study

SHIPPED = {name: set(study(name).load().data_vars) for name in ("sort", "lengths", "depths")}


def test_no_question_was_trained_on_and_operations_are_balanced():
    for run, tests in ((LENGTHS, length_tests()), (DEPTHS, depth_tests())):
        assert len(set(tests)) == len(tests) and not set(tests) & set(run.task.parts.train)
    counts = Counter((len(arguments), name) for name, arguments in length_tests())
    assert all(counts[n, name] == 200 for n in range(4, 11) for name in LENGTHS.task.operations)
    assert all(min(counts[n, name] for name in LENGTHS.task.operations) > 5 for n in (2, 3))


def test_the_deepest_questions_are_no_longer_than_those_that_were_trained_on():
    sizes = Counter((len(levels(x)), len(tokenize(x))) for x in depth_tests())
    assert sizes == {(1, 6): 400, (2, 11): 1000, (2, 16): 1000, (3, 16): 1000}
    assert max(len(tokenize(x)) for x in DEPTHS.task.parts.train) == 16
    assert {len(levels(x)) for x in DEPTHS.task.parts.train} == {2}


def test_the_shipped_answers_to_longer_questions():
    found, tests = study("lengths").load(), length_tests()
    assert found["target"].values.tolist() == [value(x) for x in tests]
    assert found["length"].values.tolist() == [len(x[1]) for x in tests]
    assert found["operation"].values.tolist() == [operation_of(x) for x in tests]
    right = (found["answer"] == found["target"]).where(found["length"] <= 6)
    assert right.mean("question").min() > 0.995 and found["accuracy"].isel(step=-1).min() > 0.995


def test_the_shipped_answers_to_deeper_questions():
    found, tests = study("depths").load(), depth_tests()
    assert found["levels"][:, 0].values.tolist() == [value(x) for x in tests]
    assert found["depth"].values.tolist() == (found["levels"] >= 0).sum("level").values.tolist()
    right = (found["answer"] == found["target"]).where(found["depth"] == 2)
    assert right.mean("question").min() > 0.99
    model, _ = load(places.shipped("digits", "nested-0"))
    said = found["answer"].sel(positions="learned", seed=0)
    np.testing.assert_array_equal(said[::17], beyond.answers(model, tests[::17]))


@pytest.mark.parametrize("task", SEEDS)
def test_every_seed_learns_its_task(task):
    found, held_out = study(task).load(), len(RECIPES[task].task.parts.held_out)
    last = found["accuracy"].isel(step=-1)
    assert last.min() >= 0.99 and last.sizes["seed"] == SEEDS[task]
    np.testing.assert_array_equal(held_out - found["wrong"], np.round(last * held_out))


def test_only_one_digit_and_the_end_is_an_answer():
    class Model:
        def said(self, expressions):
            return ["7", "42", "", "Max", "3 , 4", "0"]

    assert beyond.answers(Model(), [None] * 6).tolist() == [7, -1, -1, -1, -1, 0]


def test_a_run_with_room_survives_json():
    assert LENGTHS.model.n_ctx == LENGTHS.task.n_ctx + LENGTHS.task.n_answer + 8
    assert Run.from_dict(LENGTHS.replace(positions="none").to_dict()) == LENGTHS.replace(positions="none")


@pytest.mark.parametrize("positions", POSITIONS)
def test_room_changes_nothing_for_questions_that_need_none(positions):
    run = LENGTHS.replace(positions=positions, d_model=8, n_heads=2, d_mlp=8)
    params, tests = init(run.model), length_tests()[::400]
    wide = DigitModel(run.replace(max_args=10), params)
    assert wide.run.model == run.model
    trained = [x for x in tests if len(x[1]) <= 6]
    assert wide.said(trained) == DigitModel(run, params).said(trained) and len(wide.said(tests)) == len(tests)


SMALL = {"n_layers": 1, "n_heads": 1, "d_model": 8, "d_mlp": 8, "steps": 4, "warmup": 1, "batch": 4}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The chapter's recipes and questions, so small that a unit takes a moment; runs go to a folder of the test."""
    few = SMALL | {"examples": 200}
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(beyond, "LENGTHS", LENGTHS.replace(**few))
    monkeypatch.setattr(beyond, "DEPTHS", DEPTHS.replace(**few))
    monkeypatch.setattr(beyond, "length_tests", lambda: [("Max", (1, 2)), ("Min", tuple(range(10)))])
    monkeypatch.setattr(beyond, "depth_tests", lambda: depth_tests()[::1000])


@pytest.mark.parametrize(("name", "arm", "sizes"), [
    ("lengths", {"positions": "none"}, {"step": 2, "question": 2}),
    ("depths", {"positions": "none"}, {"step": 2, "question": 4})])
def test_a_unit_is_measured_twice_alike_and_fits_beside_what_is_shipped(name, arm, sizes, small):
    declared, unit = study(name), {**arm, "seed": 1}
    first, again = declared.measured(unit), declared.measured(unit)
    assert first.identical(again) and dict(first.sizes) == sizes
    assert set(first.data_vars) <= SHIPPED[name]


def test_a_task_is_measured_twice_alike(small):
    first, again = (learned("sort", RECIPES["sort"].replace(**SMALL), seed=1) for _ in range(2))
    assert set(first) <= {*SHIPPED["sort"], "step"} and first["wrong"] == again["wrong"]
    np.testing.assert_array_equal(first["accuracy"][1], again["accuracy"][1])
