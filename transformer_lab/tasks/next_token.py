r"""Every next token as a target, the question's too; and the best that can be said of tokens that are random.

The digits of a question are drawn at random, so nothing can foretell them all. What a number's tokens cost together is
:math:`\ln N` nats for N equally likely numbers, however they are spelt; the answer's tokens cost nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np

from ..errors import RangeError
from ..signatures import checked
from .answers import IGNORED, Examples
from .digits import DigitTask, check_expression
from .expressions import EOS, PAD, answer_tokens, digits, listed, value

__all__ = ["Bounds", "bounds", "every_target"]


class Bounds(NamedTuple):
    """The highest expected share of next tokens guessed right, and the lowest mean loss in nats."""

    accuracy: float
    loss: float


@checked
def every_target(found: Examples) -> Examples:
    """The same sequences; each token is the target of the position before it, in the question as in the answer.

    >>> from transformer_lab.tasks.answers import sequences
    >>> task = DigitTask(operations=("Max",), min_args=1, max_args=1)
    >>> every_target(sequences(task, [("Max", (7,))]))
    Examples(tokens=array([[15, 17,  9, 18,  9]]), targets=array([[17,  9, 18,  9,  1]]))
    """
    tokens, targets = found
    following = np.pad(tokens[:, 1:], ((0, 0), (0, 1)), constant_values=PAD)
    return Examples(tokens, np.where((targets == IGNORED) & (following != PAD), following, targets))


@checked
def bounds(task: DigitTask, expressions: Sequence) -> Bounds:
    """What the best predictor of every next token reaches on these questions and answers, on average over what it
    cannot know: it knows the task, of depth 1 and with one number of arguments, and every number is equally likely.

    One digit in five tokens can only be guessed, right once in ten times:

    >>> task = DigitTask(operations=("Max",), min_args=1, max_args=1)
    >>> best = bounds(task, [("Max", (7,))])
    >>> best.accuracy == (4 + 1 / 10) / 5, bool(np.isclose(best.loss, np.log(10) / 5))
    (True, True)
    """
    if task.depth > 1 or task.min_args < task.max_args:
        raise RangeError("task", f"depth {task.depth} with {task.min_args} to {task.max_args} arguments",
                         "depth 1 with one number of arguments", "Take such a task.")
    numbers, surest = range(task.low, task.high + 1), guesses(task)
    right = targets = 0
    for expression in listed("expressions", expressions):
        _, arguments = check_expression(task, expression)
        certain = 2 + len(answer_tokens(value(expression)))  # the parenthesis, the answer, its end
        right += certain + sum(surest[argument] for argument in arguments)
        targets += certain + sum(1 + len(digits(argument)) for argument in arguments)
    return Bounds(right / targets, len(expressions) * task.max_args * log(len(numbers)) / targets)


def guesses(task) -> dict[int, float]:
    """For each number how many of its tokens, and of the sign behind it, are guessed right on average."""
    spelt = {number: (*digits(number), EOS) for number in range(task.low, task.high + 1)}
    seen = Counter(row[:i] for row in spelt.values() for i in range(len(row) + 1))
    most = Counter()
    for start, n in seen.items():
        most[start[:-1]] = max(most[start[:-1]], n if start else 0)
    return {number: sum(most[row[:i]] / seen[row[:i]] for i in range(len(row))) for number, row in spelt.items()}
