"""Splits that leak: the formula against drawing, a table of the training inputs, answers that are dealt out anew."""

from collections import Counter

import numpy as np
import pytest

from transformer_lab import LabError
from transformer_lab.tasks.digits import DigitTask, all_inputs, draw
from transformer_lab.tasks.expressions import operation_of, value
from transformer_lab.tasks.splits import cut, dealt, expected_leakage, leakage, remembered, split

TASK = DigitTask()


def test_a_cut_keeps_the_order_and_loses_nothing():
    drawn = draw(TASK, 1000, seed=3)
    parts = cut(drawn, held_out=0.25)
    assert parts.train + parts.held_out == drawn and len(parts.held_out) == 250


@pytest.mark.parametrize(("task", "drawn", "held_out"), [
    (DigitTask(operations=("Max",), min_args=2, max_args=2), 120, 0.25),
    (DigitTask(operations=("Max", "Min"), min_args=1, max_args=1), 30, 0.5)])
def test_the_expected_leak_is_the_mean_over_many_draws(task, drawn, held_out):
    shares = [leakage(*cut(draw(task, drawn, seed=seed), held_out=held_out)).share for seed in range(400)]
    expected = expected_leakage(task.inputs, drawn, held_out=held_out, groups=len(task.operations))
    assert abs(np.mean(shares) - expected) <= 4 * np.std(shares) / 20
    assert np.std(shares) > 0


def test_the_expected_leak_at_its_ends():
    assert expected_leakage(5000, 10_000, held_out=1.0) == pytest.approx(0)
    assert expected_leakage(2, 40, held_out=0.5, groups=2) == pytest.approx(1, abs=1e-4)
    assert expected_leakage(100, 50, held_out=0.1) == pytest.approx(1 - 0.99**45, abs=1e-12)
    with pytest.raises(LabError, match="multiple of groups=5"):
        expected_leakage(5001, 10_000, held_out=0.1, groups=5)


def test_about_eighty_per_cent_of_the_test_is_in_training_and_a_table_scores_more_than_that():
    drawn = [draw(TASK, 10_000, seed=seed) for seed in (*range(10), 42, 123)]
    shared = np.array([leakage(one[:8000], one[8000:]).share for one in drawn])
    table = np.array([remembered(one[:8000], one[8000:]).mean() for one in drawn])
    expected, spread = expected_leakage(5000, 10_000, held_out=0.2, groups=5), shared.std() / np.sqrt(12)
    assert abs(shared.mean() - expected) <= 4 * spread and spread < 0.005
    assert (table > shared).all()


def test_a_table_knows_what_it_has_and_guesses_the_rest():
    parts = split(all_inputs(TASK), held_out=0.3, seed=1)
    assert remembered(parts.train, parts.train).all()
    top = {name: Counter(value(x) for x in parts.train if operation_of(x) == name).most_common(1)[0][0]
           for name in TASK.operations}
    assert remembered(*parts).tolist() == [value(x) == top[operation_of(x)] for x in parts.held_out]


@pytest.mark.parametrize("odd", [("Max", (2, [1.5, "a"])), ("Max", (2, {1}))])
def test_a_table_is_asked_for_numbers(odd):
    for asked in ([("Max", (1, 2)), odd], [("Max", (1, 2))]), ([("Max", (1, 2))], [odd]):
        with pytest.raises(LabError):
            remembered(*asked)


def test_dealt_answers_are_the_same_answers_in_another_order():
    answers, groups = np.arange(200) % 7, np.arange(200) // 50
    found = dealt(answers, groups, seed=5)
    for group in range(4):
        assert sorted(found[groups == group]) == sorted(answers[groups == group])
    assert (found != answers).mean() > 0.6 and (found == dealt(answers, groups, seed=5)).all()
    assert (found != dealt(answers, groups, seed=6)).any()
