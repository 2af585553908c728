r"""A price list, and a question: is the first of two things dearer than the second?

The list gives each of a few names a price. The keys of a lookup are the names, its values are the prices, its query is
the question. One head returns a mean of prices, weighted by where it looks; comparing needs a difference. So one head
has a ceiling (:func:`ceiling`), and two heads have none.

The whole world of the task is small enough to be written out: with 3 names and 6 prices there are 216 lists and 6
questions about each.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from typing import NamedTuple

import numpy as np

from transformer_lab.checks import check_array
from transformer_lab.config import Config
from transformer_lab.errors import RangeError
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked

__all__ = ["PriceListTask", "PriceLists", "brute_force_ceiling", "ceiling", "every_list", "score"]

LARGEST_WORLD = 1_000_000
LARGEST_BRUTE = 7


class PriceLists(NamedTuple):
    """Every list and every question about it.

    ``prices`` (lists, n_names) from 0; ``questions`` (questions, 2): the names asked about; ``dearer`` and ``fair``
    (lists, questions): whether the first costs more, and whether the two prices differ at all.
    """

    prices: np.ndarray
    questions: np.ndarray
    dearer: np.ndarray
    fair: np.ndarray


@dataclass(frozen=True)
class PriceListTask(Config):
    """How many names a list has, and how many prices there are (at least 2 of each).

    >>> PriceListTask()
    PriceListTask(n_names=3, n_prices=6)
    """

    n_names: Whole(2) = 3
    n_prices: Whole(2) = 6

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if not faults and self.n_prices**self.n_names * self.n_names**2 > LARGEST_WORLD:
            yield f"n_names: got {self.n_names}; too many lists to write out. Take fewer names or fewer prices."


@checked
def every_list(task: PriceListTask) -> PriceLists:
    """All price lists and all questions about two different names.

    >>> world = every_list(PriceListTask())
    >>> world.dearer.shape, int(world.fair.sum())
    ((216, 6), 1080)
    """
    prices = np.array(list(product(range(task.n_prices), repeat=task.n_names)))
    questions = np.array(list(permutations(range(task.n_names), 2)))
    first, second = prices[:, questions[:, 0]], prices[:, questions[:, 1]]
    return PriceLists(prices, questions, first > second, first != second)


@checked
def score(logits, world: PriceLists) -> np.ndarray:
    """The share of fair questions that are answered right; a logit above 0 says "dearer".

    >>> world = every_list(PriceListTask())
    >>> float(score(np.where(world.dearer, 1.0, -1.0), world))
    1.0
    """
    logits = check_array("logits", logits, shape=world.dearer.shape, leading=True)
    return ((logits > 0) == world.dearer)[..., world.fair].mean(axis=-1)


@checked
def ceiling(task: PriceListTask, n_heads: Whole(1)) -> Fraction:
    r"""The best share of right answers that so many heads can reach, exactly (eq-one-head-ceiling).

    One head answers yes where :math:`a_1 g(x) + a_2 g(y) + c > 0`, with weights that are at least 0. Call a price
    *high* if :math:`(a_1 + a_2)\, g(x) + c > 0`. For two high prices the answer is yes in either order, and for two low
    ones no, so each such pair is answered wrong once. With m prices that is at least

    .. math:: \min_h \tbinom{h}{2} + \tbinom{m-h}{2} = \lfloor (m-1)^2 / 4 \rfloor

    mistakes among the :math:`m(m-1)` questions about two different prices, whatever the other prices on the list are.
    Looking at the first name alone, and writing -1 for a low and +1 for a high price, makes no more. Two heads
    can write :math:`x` and :math:`-y`.

    >>> ceiling(PriceListTask(), 1), ceiling(PriceListTask(), 2)
    (Fraction(4, 5), Fraction(1, 1))
    """
    m = task.n_prices
    return Fraction(1) if n_heads > 1 else 1 - Fraction((m - 1) ** 2 // 4, m * (m - 1))


@checked
def brute_force_ceiling(task: PriceListTask) -> Fraction:
    """One head's ceiling again, by trying every table of answers that a mean could give.

    A weighted mean grows with each of its two parts. Order the prices by what the head writes for them (every order is
    tried): then each row of the table turns from no to yes at one place, and no later than the row before it.

    >>> brute_force_ceiling(PriceListTask(n_prices=3))
    Fraction(5, 6)
    """
    m = task.n_prices
    if m > LARGEST_BRUTE:
        raise RangeError("task", f"{m} prices", f"at most {LARGEST_BRUTE}", "Take fewer prices.")
    turns = np.array(list(combinations_with_replacement(range(m, -1, -1), m)))  # (tables, row): first column with a yes
    yes = np.arange(m) >= np.arange(m + 1)[:, None]  # (turn, column)
    best = 0
    for order in permutations(range(m)):  # the price of each row and column
        right = yes == np.less.outer(order, order).T[:, None]  # (row, turn, column)
        score = right.sum(axis=-1) - right[np.arange(m), :, np.arange(m)]  # without the unfair question, x against x
        best = max(best, score[np.arange(m), turns].sum(axis=-1).max())
    return Fraction(int(best), m * (m - 1))
