"""What a function of a sequence does when its rows change places, and what that costs in accuracy."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from fractions import Fraction
from itertools import permutations

import numpy as np

from transformer_lab.checks import check_range
from transformer_lab.errors import RangeError
from transformer_lab.rules import Array, Each, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["blind_ceiling", "equivariance_gap", "invariance_gap", "orders"]

MOST_MOVING = 8


@checked
def orders(n_ctx: Whole(1), fixed: Each(int, low=0) = ()) -> np.ndarray:
    """Every order of ``n_ctx`` rows in which those in ``fixed`` keep their places: one order a row, the identity first.

    >>> orders(3, fixed=[-1]).tolist()
    [[0, 1, 2], [1, 0, 2]]
    """
    for row in fixed:
        check_range("fixed", row, low=-n_ctx, high=n_ctx - 1)
    moving = np.setdiff1d(np.arange(n_ctx), np.mod(fixed, n_ctx))
    if len(moving) > MOST_MOVING:
        raise RangeError("n_ctx", f"{len(moving)} rows that move", f"at most {MOST_MOVING}", "Take a shorter sequence.")
    table = np.tile(np.arange(n_ctx), (math.factorial(len(moving)), 1))
    table[:, moving] = list(permutations(moving))
    return table


@checked
def equivariance_gap(function: Callable, x: Array("n_ctx d"),
                     table: Wholes("orders n_ctx", low=0, below="n_ctx") | None = None) -> float:
    r"""How far ``function`` is from :math:`f(\Pi x) = \Pi f(x)` (eq-equivariance), at most, over the orders in
    ``table``, or over all.

    ``function`` takes rows (batch, n_ctx, d) and returns rows (batch, n_ctx, any width). The gap is 0 where it treats
    all places alike, up to the rounding of its sums.

    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> equivariance_gap(lambda x: 3 * x, x), equivariance_gap(lambda x: x.cumsum(axis=-2), x)
    (0.0, 6.0)
    """
    table = orders(len(x)) if table is None else table
    return float(np.abs(function(x[table]) - np.asarray(function(x[None]))[0][table]).max())


@checked
def invariance_gap(function: Callable, x: Array("n_ctx d"),
                   table: Wholes("orders n_ctx", low=0, below="n_ctx") | None = None) -> float:
    r"""How far ``function`` is from :math:`f(\Pi x) = f(x)`; it returns one answer a sequence, (batch, ...). The rest
    as in :func:`equivariance_gap`.

    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> invariance_gap(lambda x: x.sum(axis=-2), x), invariance_gap(lambda x: x[:, 0], x)
    (0.0, 3.0)
    """
    table = orders(len(x)) if table is None else table
    return float(np.abs(function(x[table]) - np.asarray(function(x[None]))[0]).max())


@checked
def blind_ceiling(tokens: Wholes("n n_ctx", low=0), targets: Wholes("n", low=0)) -> Fraction:
    r"""The best accuracy that is possible for whoever sees which tokens there are, but not their order.

    Inputs with the same bag of tokens get the same answer, at best the most frequent target of that bag:
    :math:`\frac1N \sum_{\text{bags}} \max_c \#\{\text{target} = c\}` (eq-blind-ceiling). Every input counts once; no
    training and no memory can beat it on these inputs.

    >>> tokens = [[2, 8], [8, 2], [3, 3]]
    >>> blind_ceiling(tokens, [2, 8, 3]), blind_ceiling(tokens, [8, 8, 3])
    (Fraction(2, 3), Fraction(1, 1))
    """
    answers = defaultdict(Counter)
    for bag, target in zip(map(bytes, np.sort(tokens, axis=1)), targets.tolist(), strict=True):
        answers[bag][target] += 1
    return Fraction(sum(max(counts.values()) for counts in answers.values()), len(tokens))
