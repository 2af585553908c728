"""What a function of a sequence does when its rows change places, and what that costs in accuracy."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import permutations

import numpy as np

from transformer_lab.checks import check_array, check_callable, check_whole
from transformer_lab.errors import RangeError, ShapeError

__all__ = ["blind_ceiling", "equivariance_gap", "invariance_gap", "orders"]

MOST_ORDERS = 40_320  # 8 rows


def orders(n_ctx, fixed=()):
    """Every order of ``n_ctx`` rows in which the rows named in ``fixed`` keep their places.

    Parameters
    ----------
    n_ctx : int
        How many rows there are; at most 8 may move.
    fixed : sequence of int
        Rows that stay, counted from 0, or from the end if negative.

    Returns
    -------
    array of int (orders, n_ctx)
        The first is the identity.

    Examples
    --------
    >>> orders(3, fixed=[-1]).tolist()
    [[0, 1, 2], [1, 0, 2]]
    >>> len(orders(6))
    720
    """
    n_ctx = check_whole("n_ctx", n_ctx, low=1)
    fixed = check_array("fixed", list(fixed) if isinstance(fixed, tuple) else fixed, shape=("rows",), kind="whole",
                        low=-n_ctx, high=n_ctx - 1, allow_empty=True)
    moving = np.setdiff1d(np.arange(n_ctx), fixed.astype(int) % n_ctx)
    if math.factorial(len(moving)) > MOST_ORDERS:
        raise RangeError("n_ctx", f"{len(moving)} rows that move", "at most 8", "Take a shorter sequence.")
    table = np.tile(np.arange(n_ctx), (math.factorial(len(moving)), 1))
    table[:, moving] = list(permutations(moving))
    return table


def equivariance_gap(function, x, table=None):
    r"""How far ``function`` is from :math:`f(\Pi x) = \Pi f(x)`: the largest deviation over all orders.

    This is eq-equivariance of the book.

    Parameters
    ----------
    function : callable
        Takes rows (batch, n_ctx, d) and returns rows (batch, n_ctx, any width).
    x : array (n_ctx, d)
    table : array of int (orders, n_ctx), optional
        The orders to try; every one where it is not given.

    Returns
    -------
    float
        0 for a function that treats all places alike, up to the rounding of its sums.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> equivariance_gap(lambda x: 3 * x, x), equivariance_gap(lambda x: x.cumsum(axis=-2), x)
    (0.0, 6.0)
    """
    x, table, shuffled, straight = _both(function, x, table)
    return float(np.abs(shuffled - straight[table]).max())


def invariance_gap(function, x, table=None):
    r"""How far ``function`` is from :math:`f(\Pi x) = f(x)`: the largest deviation over the orders in ``table``.

    ``function`` returns one answer a sequence, (batch, ...). The rest as in :func:`equivariance_gap`.

    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> invariance_gap(lambda x: x.sum(axis=-2), x), invariance_gap(lambda x: x[:, 0], x)
    (0.0, 3.0)
    """
    x, table, shuffled, straight = _both(function, x, table)
    return float(np.abs(shuffled - straight).max())


def _both(function, x, table):
    """The function on every reordered input, and on the input as it is."""
    x = check_array("x", x, shape=("n_ctx", "d"))
    table = orders(len(x)) if table is None else check_array("table", table, shape=("orders", len(x)), kind="whole",
                                                             low=0, high=len(x) - 1)
    check_callable("function", function)
    return x, table, np.asarray(function(x[table])), np.asarray(function(x[None]))[0]


def blind_ceiling(tokens, targets):
    r"""The best accuracy that is possible for whoever sees which tokens there are, but not their order.

    Inputs with the same bag of tokens get the same answer, at best the most frequent target of that bag:
    :math:`\frac1N \sum_{\text{bags}} \max_c \#\{\text{target} = c\}`. This is eq-blind-ceiling of the
    book. No training and no memory can beat it on these inputs.

    Parameters
    ----------
    tokens : array of int (n, n_ctx)
        Every input counts once, so list all of them, or as many of each as occur.
    targets : array of int (n)

    Returns
    -------
    fractions.Fraction

    Examples
    --------
    >>> tokens = [[2, 8], [8, 2], [3, 3]]
    >>> blind_ceiling(tokens, [2, 8, 3]), blind_ceiling(tokens, [8, 8, 3])
    (Fraction(2, 3), Fraction(1, 1))
    """
    tokens = check_array("tokens", tokens, shape=("n", "n_ctx"), kind="whole", low=0)
    targets = check_array("targets", targets, shape=("n",), kind="whole", low=0)
    if len(tokens) != len(targets):
        raise ShapeError("targets", f"an array of shape {targets.shape}", f"({len(tokens)},)", "One target an input.")
    answers = defaultdict(Counter)
    for bag, target in zip(map(bytes, np.sort(tokens, axis=1)), targets.tolist(), strict=True):
        answers[bag][target] += 1
    return Fraction(sum(max(counts.values()) for counts in answers.values()), len(tokens))
