"""Longer and deeper questions: the tests are what they say, and the shipped answers are those of sound models."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from chapters.ch08 import study as beyond
from chapters.ch08.study import DEPTHS, LENGTHS, POSITIONS, depth_tests, length_tests, levels
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.byhand.transformer import init
from transformer_lab.tasks.expressions import operation_of, tokenize, value
from transformer_lab.training import Run, read_record

DATA = Path(__file__).resolve().parents[3] / "data" / "digits"


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
    record = read_record(DATA / "lengths-study")
    state, tests = record.state, length_tests()
    assert Run.from_dict(record.config["run"]) == LENGTHS
    np.testing.assert_array_equal(state["target"], [value(x) for x in tests])
    np.testing.assert_array_equal(state["length"], [len(x[1]) for x in tests])
    assert [LENGTHS.task.operations[i] for i in state["operation"]] == [operation_of(x) for x in tests]
    for positions in POSITIONS:
        right = state[positions] == state["target"]
        assert right.shape == (beyond.SEEDS, len(tests))
        assert right[:, state["length"] <= 6].mean(axis=-1).min() > 0.995
        assert record.history[positions][-1].min() > 0.995


def test_the_shipped_answers_to_deeper_questions():
    record = read_record(DATA / "depth-study")
    state, tests = record.state, depth_tests()
    np.testing.assert_array_equal(state["levels"][:, 0], [value(x) for x in tests])
    np.testing.assert_array_equal(state["depth"], (state["levels"] >= 0).sum(axis=-1))
    for name in ("answers", "answers_none"):
        right = state[name] == state["target"]
        assert right.shape == (beyond.SEEDS, len(tests))
        assert right[:, state["depth"] == 2].mean(axis=-1).min() > 0.99
    model, _ = load(DATA / "nested-0")
    np.testing.assert_array_equal(state["answers"][0, ::17], beyond.answers(model, tests[::17]))


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


def test_a_small_study_is_trained_once_and_written(tmp_path, monkeypatch):
    small = LENGTHS.replace(n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=4, warmup=1, batch=4, examples=200)
    monkeypatch.setattr(beyond, "LENGTHS", small)
    monkeypatch.setattr(beyond, "length_tests", lambda: [("Max", (1, 2)), ("Min", tuple(range(10)))])
    monkeypatch.setattr(beyond, "SEEDS", 2)
    first, again = (beyond.lengths_study(tmp_path / "runs", tmp_path / "data") for _ in range(2))
    assert first.name == again.name and len(list((tmp_path / "runs").iterdir())) == 6
    assert first.state["length"].tolist() == [2, 10] and first.state["none"].shape == (2, 2)
    assert Run.from_dict(first.config["run"]) == small and first.history["none"].shape == (2, 2)
