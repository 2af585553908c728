"""What a model's answers to many inputs say: a true confusion, and what its mistakes are.

Answers are tokens; leading axes may be steps of training, seeds, or both.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.errors import RangeError
from transformer_lab.rules import Wholes
from transformer_lab.signatures import checked
from transformer_lab.tasks.expressions import TOKENS, ZERO, listed, operation_of, value

__all__ = ["KINDS", "confusion", "mistakes"]

#: What a wrong answer can be: what another operation would have answered (these overlap), a digit that stands nowhere
#: in the question, or no digit at all.
KINDS = ("First", "Second", "Last", "Max", "Min", "another digit", "no digit")
DIGITS = 10


@checked
def confusion(said: Wholes("... n", low=0, below=20), right: Wholes("n", low=0, below=20)) -> np.ndarray:
    """How often a digit was the answer, and what was said instead: (..., 10, 11); [d, e] counts d answered as e.

    The last column counts what is no digit.

    >>> counts = confusion([[9, 2, 1]], [9, 9, 9])  # 7, 0 and [EOS], where 7 is right
    >>> counts.shape, counts[0, 7].tolist()
    ((1, 10, 11), [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1])
    """
    said, right = digits_of(said), digits_of(right)
    if (right == DIGITS).any():
        raise RangeError("right", "a token that is no digit", "the tokens of the ten digits", "Take one-digit answers.")
    cells = right * (DIGITS + 1) + said.reshape(-1, said.shape[-1])
    counts = [np.bincount(row, minlength=DIGITS * (DIGITS + 1)) for row in cells]
    return np.array(counts).reshape(*said.shape[:-1], DIGITS, DIGITS + 1)


def digits_of(tokens):
    """Answers as digits, 10 for what is none."""
    return np.where((tokens >= ZERO) & (tokens < ZERO + DIGITS), tokens.astype(int) - ZERO, DIGITS)


@checked
def mistakes(said: Wholes("... n", low=0, below=20), expressions) -> np.ndarray:
    """How many wrong answers to each operation are of which kind: (..., operations, len(KINDS) + 1).

    Operations stand in the order of their first appearance; the last column counts all wrong answers once. A wrong
    answer can be of several of the first five kinds: 8 to ``Min ( 8 , 8 , 3 )`` is what First, Second and Max answer.

    >>> mistakes([10, 10], [("Min", (8, 8, 3)), ("Min", (8, 9, 9))]).tolist()
    [[1, 1, 0, 1, 0, 0, 0, 1]]
    """
    expressions = listed("expressions", expressions)
    if len(expressions) != said.shape[-1]:
        raise RangeError("expressions", len(expressions), f"as many as answers, {said.shape[-1]}", "Pass those asked.")
    found = kind_table(expressions)[:, np.arange(len(expressions)), said]  # (kinds, ..., n)
    asked = np.array([operation_of(x) for x in expressions])
    counts = [found[..., asked == name].sum(-1) for name in dict.fromkeys(asked)]
    return np.moveaxis(np.array(counts), (0, 1), (-2, -1))


def kind_table(expressions) -> np.ndarray:
    """Whether each token, said to each expression, is a mistake of each kind: (kinds + 1, n, tokens)."""
    table = np.zeros((len(KINDS) + 1, len(expressions), len(TOKENS)), dtype=bool)
    digits = slice(ZERO, ZERO + DIGITS)
    table[5, :, digits] = table[6:] = True
    table[6, :, digits] = False
    for i, (operation, arguments) in enumerate(expressions):
        for argument in arguments:
            table[5, i, one_digit(argument)] = False
        for kind, name in enumerate(KINDS[:5]):
            table[kind, i, one_digit(value((name, arguments)))] = True
        table[:, i, one_digit(value((operation, arguments)))] = False
    return table


def one_digit(number) -> int:
    """The token of a number that is one digit."""
    if not 0 <= number < DIGITS:
        raise RangeError("a number in expressions", number, "a digit", "Take one-digit numbers.")
    return ZERO + number
