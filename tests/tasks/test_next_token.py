"""What the best predictor of every next token reaches, against a count over all inputs of small tasks."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from transformer_lab import LabError
from transformer_lab.tasks.answers import IGNORED, sequences
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import EOS, answer_tokens, tokenize, value
from transformer_lab.tasks.next_token import bounds, every_target


@pytest.mark.parametrize("task", [
    DigitTask(operations=("Max", "First"), min_args=2, max_args=2, high=12),
    DigitTask(operations=("Min",), min_args=3, max_args=3, low=7, high=23),
    DigitTask(operations=("Last", "Sort"), min_args=1, max_args=1, low=3, high=101)])
def test_the_bounds_are_those_of_a_table_of_all_prefixes(task):
    """The table knows every sequence there is: for each beginning, what comes next and how often."""
    rows = [(*tokenize(x), *answer_tokens(value(x)), EOS) for x in all_inputs(task)]
    table = defaultdict(Counter)
    for row in rows:
        for i in range(1, len(row)):
            table[row[:i]][row[i]] += 1
    counts = [np.array(list(following.values())) for following in table.values()]
    targets = sum(count.sum() for count in counts)
    best = bounds(task, all_inputs(task))
    assert best.accuracy == pytest.approx(sum(count.max() for count in counts) / targets, rel=1e-12)
    assert best.loss == pytest.approx(-sum((count * np.log(count / count.sum())).sum() for count in counts) / targets,
                                      rel=1e-12)


def test_with_every_target_each_token_but_the_first_is_foretold_once():
    task = DigitTask(high=99)
    inputs = [("Max", (5, 42, 7)), ("First", (10, 0, 99))]
    tokens, targets = every_target(sequences(task, inputs))
    for x, row, target in zip(inputs, tokens, targets, strict=True):
        whole = [*tokenize(x), *answer_tokens(value(x)), EOS]
        assert row[:len(whole) - 1].tolist() == whole[:-1]
        assert target[:len(whole) - 1].tolist() == whole[1:] and (target[len(whole) - 1:] == IGNORED).all()
    np.testing.assert_array_equal(tokens, sequences(task, inputs).tokens)


@pytest.mark.parametrize("task", [DigitTask(min_args=2), DigitTask(depth=2)])
def test_questions_of_several_shapes_are_refused(task):
    with pytest.raises(LabError, match="depth 1 with one number of arguments"):
        bounds(task, [("Max", (1, 2, 3))])
