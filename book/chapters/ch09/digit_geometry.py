r"""Do the embeddings of the digits know that 3 stands between 2 and 4? Nobody tells the model: a digit is a token.

If the digits' order meant nothing to it, every one of the n! ways to number its rows would be as good as the true one.
So the true numbering is compared with *all* of them, which makes the p-value exact (a Mantel test; Mantel 1967).
"""

from __future__ import annotations

from itertools import chain, permutations
from math import factorial
from typing import NamedTuple

import numpy as np

from transformer_lab.checks import check_whole
from transformer_lab.errors import RangeError
from transformer_lab.rules import Array, Whole
from transformer_lab.signatures import checked

__all__ = ["OrderTest", "cosines", "order_correlation", "order_test"]


@checked
def cosines(rows: Array("... n d")) -> np.ndarray:
    """The cosine of the angle between any two rows: (..., n, d) → (..., n, n).

    >>> cosines([[1.0, 0.0], [3.0, 3.0]]).round(3).tolist()
    [[1.0, 0.707], [0.707, 1.0]]
    """
    lengths = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)
    if not lengths.all():
        raise RangeError("rows", "a row of zeros", "rows with a direction", "Leave that row out.")
    return (rows / lengths) @ (rows / lengths).swapaxes(-1, -2)


@checked
def order_correlation(similarity: Array("... n n")) -> np.ndarray:
    r"""How similarity falls with distance in number: :math:`\rho = \operatorname{corr}_{i<j}(s_{ij},\, |i - j|)`
    (eq-order in the book), (...,) for similarities (..., n, n).

    >>> order_correlation(-abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))).round(12).tolist()
    -1.0
    """
    similar, apart = pairs(similarity)
    return standard(similar) @ standard(apart) / len(apart)


class OrderTest(NamedTuple):
    """The correlation (...,); how many of all ``orders`` are as steep (...,); the histogram of all (..., bins)."""

    correlation: np.ndarray
    as_steep: np.ndarray
    orders: int
    counts: np.ndarray

    @property
    def p(self) -> np.ndarray:
        """The exact one-sided p-value, (...,). An order and its reverse are one, so it is at least 2 / n!."""
        return self.as_steep / self.orders


@checked
def order_test(similarity: Array("... n n"), *, bins: Whole(1) = 40) -> OrderTest:
    """Compare the true numbering of n rows (3 to 10) with all n! numberings, for every table of the leading axes.

    ``bins`` are those of the histogram of all correlations, from -1 to 1.

    >>> found = order_test(-abs(np.subtract.outer(np.arange(5.0), np.arange(5.0))))
    >>> int(found.as_steep), found.orders
    (2, 120)
    """
    similar, apart = pairs(similarity)
    n = np.shape(similarity)[-1]
    flat, (i, j) = standard(similar).reshape(-1, len(apart)) / len(apart), np.triu_indices(n, 1)
    true, standing = flat @ standard(apart), (np.arange(n) - apart.mean()) / apart.std()
    as_steep, counts = np.zeros(len(flat), int), np.zeros((len(flat), bins), int)
    for numbers in numberings(n):
        found = flat @ standing[abs(numbers[i] - numbers[j])]
        as_steep += 2 * (found <= true[:, None] + 1e-9).sum(axis=1)
        places = ((found + 1) * bins / 2 + 1e-9).astype(int).clip(0, bins - 1)
        counts += [2 * np.bincount(row, minlength=bins) for row in places]
    shape = similar.shape[:-1]
    return OrderTest(true.reshape(shape), as_steep.reshape(shape), factorial(n), counts.reshape(*shape, bins))


def pairs(similarity):
    """The similarity of every pair (..., pairs), and how far its two numbers are apart (pairs,)."""
    i, j = np.triu_indices(check_whole("the rows to be numbered", similarity.shape[-1], low=3, high=10), 1)
    return similarity[..., i, j].astype(np.float64), (j - i).astype(np.float64)


def standard(values):
    spread = values.std(axis=-1, keepdims=True)
    if not spread.all():
        raise RangeError("similarity", "the same number for all pairs", "pairs that differ", "Nothing to test.")
    return (values - values.mean(axis=-1, keepdims=True)) / spread


def numberings(n: int):
    """Half of all orders of 0 … n - 1, (n, ...), in blocks: of an order and its reverse, which test alike, the one that
    begins with the smaller number."""
    rest = np.fromiter(chain.from_iterable(permutations(range(n - 1))), np.int8).reshape(-1, n - 1).T
    for first in range(n - 1):
        others = rest + (rest >= first)
        yield np.concatenate([np.full_like(others[:1], first), others])[:, others[-1] > first]
