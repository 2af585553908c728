"""What a model's answers to many inputs say: accuracy by operation, a true confusion, and what its mistakes are.

Answers are tokens; a leading axis may be steps of training, seeds, or both.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_array, check_whole
from transformer_lab.errors import RangeError
from transformer_lab.tasks.expressions import TOKENS, ZERO, listed, operation_of, value

__all__ = ["KINDS", "accuracies", "confusion", "mistakes"]

#: What a wrong answer can be: what another operation would have answered (these overlap), a digit that stands nowhere
#: in the question, or no digit at all.
KINDS = ("First", "Second", "Last", "Max", "Min", "another digit", "no digit")
DIGITS = 10


def accuracies(right, groups, *, weights=None) -> np.ndarray:
    """Share of right answers in each group, and in all together.

    Parameters
    ----------
    right : array of bool (..., n)
    groups : array of int (n,)
        Which group an input belongs to, counted from 0.
    weights : array (n,), optional
        How often each input counts; once without it. A group that counts nothing has the share NaN.

    Returns
    -------
    array (..., groups + 1)

    Examples
    --------
    >>> accuracies([True, False, True, True], [0, 0, 1, 1]).tolist()
    [0.5, 1.0, 0.75]
    """
    right = check_array("right", right, shape=("n",), kind="flag", leading=True)
    groups = check_array("groups", groups, shape=right.shape[-1:], kind="whole", low=0, high=len(TOKENS))
    weights = np.ones(len(groups)) if weights is None else check_array("weights", weights, shape=groups.shape, low=0)
    member = np.append(groups == np.arange(groups.max() + 1)[:, None], np.ones((1, len(groups))), axis=0) * weights
    with np.errstate(invalid="ignore"):
        return (right @ member.T) / member.sum(1)


def confusion(said, right) -> np.ndarray:
    """How often each digit was the answer, and what was said instead: entry [d, e] counts d answered as e.

    Parameters
    ----------
    said, right : array of int (..., n) and (n,)
        Tokens.

    Returns
    -------
    array of int (..., 10, 11)
        The last column counts what is no digit.

    Examples
    --------
    >>> counts = confusion([[9, 2, 1]], [9, 9, 9])  # 7, 0 and [EOS], where 7 is right
    >>> counts.shape, counts[0, 7].tolist()
    ((1, 10, 11), [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1])
    """
    said, right = digits_of(said, right)
    rows = said.reshape(-1, said.shape[-1])
    if (right == DIGITS).any():
        raise RangeError("right", "a token that is no digit", "the tokens of the ten digits", "Take one-digit answers.")
    cells = right * (DIGITS + 1) + rows
    counts = [np.bincount(row, minlength=DIGITS * (DIGITS + 1)) for row in cells]
    return np.array(counts).reshape(*said.shape[:-1], DIGITS, DIGITS + 1)


def digits_of(said, right):
    """Answers as digits, 10 for what is none."""
    said = check_array("said", said, shape=("n",), kind="whole", low=0, high=len(TOKENS) - 1, leading=True)
    right = check_array("right", right, shape=said.shape[-1:], kind="whole", low=0, high=len(TOKENS) - 1)
    return tuple(np.where((tokens >= ZERO) & (tokens < ZERO + DIGITS), tokens.astype(int) - ZERO, DIGITS)
                 for tokens in (said, right))


def mistakes(said, expressions) -> np.ndarray:
    """How many wrong answers to each operation are of which kind.

    A wrong answer can be of several of the first five kinds: to say 8 to ``Min ( 8 , 8 , 3 )`` is what First, Second
    and Max would have answered.

    Parameters
    ----------
    said : array of int (..., n)
        Tokens.
    expressions : list of n expressions of one-digit numbers, without nesting

    Returns
    -------
    array of int (..., operations, len(KINDS) + 1)
        Operations in the order of their first appearance; the last column counts all wrong answers once.

    Examples
    --------
    >>> mistakes([10, 10], [("Min", (8, 8, 3)), ("Min", (8, 9, 9))]).tolist()
    [[1, 1, 0, 1, 0, 0, 0, 1]]
    """
    expressions = listed("expressions", expressions)
    said = check_array("said", said, shape=(len(expressions),), kind="whole", low=0, high=len(TOKENS) - 1, leading=True)
    kinds, rows = kind_table(expressions), np.arange(len(expressions))
    asked = np.array([operation_of(x) for x in expressions])
    found = kinds[:, rows, said]  # (kinds, ..., n)
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
    return ZERO + check_whole("a number in expressions", number, low=0, high=DIGITS - 1)
