"""Confusion and kinds of mistakes, against counting by hand, one answer after the other."""

from collections import Counter

import numpy as np
import pytest

from chapters.ch09.confusion import KINDS, confusion, mistakes
from transformer_lab import LabError, generator
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import OPERATIONS, TOKENS, value

INPUTS = all_inputs(DigitTask())
RIGHT = np.array([TOKENS.index(str(value(x))) for x in INPUTS])
RNG = generator(0, "confusion")
SAID = np.where(RNG.random((2, 3, 5000)) < 0.3, RIGHT, RNG.integers(20, size=(2, 3, 5000))).astype(np.uint8)


def test_confusion_is_a_count_of_what_was_said_to_what():
    counts = confusion(SAID, RIGHT)
    assert counts.shape == (2, 3, 10, 11) and (counts.sum((2, 3)) == 5000).all()
    tally = Counter((value(x), TOKENS[token]) for x, token in zip(INPUTS, SAID[1, 2], strict=True))
    for digit in range(10):
        assert counts[1, 2, digit, :10].tolist() == [tally[digit, str(other)] for other in range(10)]
        none = sum(n for (right, word), n in tally.items() if right == digit and not word.isdecimal())
        assert counts[1, 2, digit, 10] == none > 0
    assert (np.trace(counts, axis1=2, axis2=3) == (SAID == RIGHT).sum(-1)).all()


def test_kinds_of_mistakes_are_what_they_are_called():
    counts, tally = mistakes(SAID, INPUTS), Counter()
    for (operation, arguments), token in zip(INPUTS, SAID[0, 1], strict=True):
        word = TOKENS[token]
        if word == str(value((operation, arguments))):
            continue
        tally[operation, "wrong"] += 1
        for name in KINDS[:5]:
            tally[operation, name] += word == str(OPERATIONS[name](arguments))
        tally[operation, "another digit"] += word.isdecimal() and int(word) not in arguments
        tally[operation, "no digit"] += not word.isdecimal()
    for i, operation in enumerate(DigitTask().operations):
        assert counts[0, 1, i].tolist() == [tally[operation, kind] for kind in (*KINDS, "wrong")]
        assert counts[0, 1, i, i] == 0 and (counts[0, 1, i] > 0).sum() == 7
    assert (counts[..., -1].sum(-1) == (SAID != RIGHT).sum(-1)).all()


@pytest.mark.parametrize("call", [
    lambda: confusion([2, 3], [2, 15]), lambda: confusion([2, 3], [2]), lambda: confusion([2.0], [2]),
    lambda: mistakes([2], [("Max", (5, 12, 3))]), lambda: mistakes([2], [("Max", (5,))]),
    lambda: mistakes([2, 3], [("Max", (5, 1, 3))])])
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(LabError):
        call()
