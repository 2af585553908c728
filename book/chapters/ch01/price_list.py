r"""A price list, the question whether the first of two things is dearer than the second, and heads that answer it.

The world is small enough to be written out: with 3 names and 6 prices there are 216 lists and 6 questions about each.
A head's query is the question, its keys are the names, its values the prices. Two circuits a head: ``W_QK``, which is
``W_Q W_K``:sup:`T` / sqrt(d_head), never sees a price, and ``W_OV`` = ``W_V W_O`` never sees a name.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from typing import NamedTuple

import numpy as np

from transformer_lab.byhand import attention
from transformer_lab.checks import check_array, check_range
from transformer_lab.randomness import generator
from transformer_lab.rules import Each, Entries, Number, Seed, Whole
from transformer_lab.signatures import checked

__all__ = ["PriceLists", "brute_force_ceiling", "ceiling", "circuits", "every_list", "forward", "gradients", "init",
           "score"]

Weights = Entries(W_Q="*seeds asked n_heads d_head", W_K="*seeds n_names n_heads d_head",
                  W_V="*seeds n_prices n_heads d_head", W_O="*seeds n_heads d_head 1")


class PriceLists(NamedTuple):
    """Every list and every question about it."""

    prices: np.ndarray     # (lists, n_names), from 0
    questions: np.ndarray  # (questions, 2): the names asked about
    dearer: np.ndarray     # (lists, questions): whether the first costs more
    fair: np.ndarray       # (lists, questions): whether the two prices differ at all


@checked
def every_list(n_names: Whole(2, 4) = 3, n_prices: Whole(2, 20) = 6) -> PriceLists:
    """All price lists and all questions about two different names.

    >>> world = every_list()
    >>> world.dearer.shape, int(world.fair.sum())
    ((216, 6), 1080)
    """
    prices = np.array(list(product(range(n_prices), repeat=n_names)))
    questions = np.array(list(permutations(range(n_names), 2)))
    first, second = prices[:, questions[:, 0]], prices[:, questions[:, 1]]
    return PriceLists(prices, questions, first > second, first != second)


@checked
def score(logits, world: PriceLists) -> np.ndarray:
    """The share of fair questions that are answered right; a logit (..., lists, questions) above 0 says "dearer".

    >>> world = every_list()
    >>> float(score(np.where(world.dearer, 1.0, -1.0), world))
    1.0
    """
    logits = check_array("logits", logits, shape=world.dearer.shape, leading=True)
    return ((logits > 0) == world.dearer)[..., world.fair].mean(axis=-1)


@checked
def ceiling(n_prices: Whole(2), n_heads: Whole(1)) -> Fraction:
    r"""The best share of right answers that so many heads can reach, exactly (eq-one-head-ceiling).

    Each pair of high prices, and each of low ones, is answered wrong in one of its two orders; with half of the prices
    high that is least, :math:`\lfloor (m-1)^2 / 4 \rfloor` of :math:`m(m-1)`. Two heads can write :math:`x` and -y.

    >>> ceiling(6, 1), ceiling(6, 2)
    (Fraction(4, 5), Fraction(1, 1))
    """
    mistakes = (n_prices - 1) ** 2 // 4 if n_heads == 1 else 0
    return 1 - Fraction(mistakes, n_prices * (n_prices - 1))


@checked
def brute_force_ceiling(n_prices: Whole(2, 7)) -> Fraction:
    """One head's ceiling again, by trying every table of answers that a mean could give.

    A weighted mean grows with each of its two parts. Order the prices by what the head writes for them (every order is
    tried): then each row of the table turns from no to yes at one place, and no later than the row before it.

    >>> brute_force_ceiling(3)
    Fraction(5, 6)
    """
    m, best = n_prices, 0
    turns = np.array(list(combinations_with_replacement(range(m, -1, -1), m)))  # (tables, row): first column with a yes
    yes = np.arange(m) >= np.arange(m + 1)[:, None]  # (turn, column)
    for order in permutations(range(m)):  # the price of each row and column
        right = yes == np.less.outer(order, order).T[:, None]  # (row, turn, column)
        hits = right.sum(axis=-1) - right[np.arange(m), :, np.arange(m)]  # without the unfair question, x against x
        best = max(best, hits[np.arange(m), turns].sum(axis=-1).max())
    return Fraction(int(best), m * (m - 1))


@checked
def init(n_heads: Whole(1, 1024), seeds: Each(Seed, high=1024) = range(1), *, n_names: Whole(2, 4) = 3,
         n_prices: Whole(2, 20) = 6, scale: Number(low=0) = 0.5) -> dict[str, np.ndarray]:
    """Normal weights ``W_Q W_K W_V W_O`` on a leading axis of seeds, each (seeds, its inputs, n_heads, 4).

    >>> init(2, range(20))["W_V"].shape
    (20, 6, 2, 4)
    """
    shapes = {"W_Q": (2 * n_names, n_heads, 4), "W_K": (n_names, n_heads, 4), "W_V": (n_prices, n_heads, 4),
              "W_O": (n_heads, 4, 1)}
    return {name: np.stack([scale * generator(seed, f"init {name}").normal(size=shape) for seed in seeds])
            for name, shape in shapes.items()}


@checked
def forward(params: Weights, world: PriceLists) -> dict[str, np.ndarray]:
    """Every activation; ``logits`` (..., lists, questions) above 0 say "the first is dearer". No pattern depends on the
    prices, so it has a list axis of length 1.

    >>> forward(init(2, range(5)), every_list())["logits"].shape
    (5, 216, 6)
    """
    by_letter = zip("QKV", _rows(params, world), strict=True)
    acts = attention.attend(*(attention.project(rows, params[f"W_{letter}"]) for letter, rows in by_letter))
    return {**acts, "logits": attention.merge(acts["z"], params["W_O"])[..., 0]}


@checked
def gradients(params: Weights, world: PriceLists) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    r"""Mean of :math:`\ln(1 + e^{\mp \ell})` over the fair questions, in nats, and its gradients.

    >>> loss, grads = gradients(init(2, range(5), scale=0), every_list())
    >>> loss.round(3).tolist(), grads["W_V"].shape
    ([0.693, 0.693, 0.693, 0.693, 0.693], (5, 6, 2, 4))
    """
    acts = forward(params, world)
    losses = np.logaddexp(0, np.where(world.dearer, -acts["logits"], acts["logits"]))
    wrong = 1 - np.exp(-losses)  # the chance that is given to the other answer
    d_logits = np.where(world.fair, np.where(world.dearer, -wrong, wrong), 0) / world.fair.sum()
    d_z, d_W_O = attention.merge_pullback(acts["z"], params["W_O"], d_logits[..., None])
    d = attention.attend_pullback(acts, d_z)
    d |= {name: d[name].sum(axis=-4, keepdims=True) for name in "qk"}  # one pattern serves all lists
    return losses[..., world.fair].mean(axis=-1), {"W_O": d_W_O} | {
        f"W_{letter}": attention.project_pullback(rows, params[f"W_{letter}"], d[letter.lower()])[1]
        for letter, rows in zip("QKV", _rows(params, world), strict=True)}


@checked
def circuits(params: Weights) -> dict[str, np.ndarray]:
    r"""The two circuits of each head (eq-circuits).

    ``W_QK`` (..., n_heads, 2 n_names, n_names), with the scale :math:`1/\sqrt{d_\text{head}}` in it, and ``W_OV``
    (..., n_heads, n_prices): what the head adds to the logit for each price.

    >>> {name: value.shape for name, value in circuits(init(2)).items()}
    {'W_QK': (1, 2, 6, 3), 'W_OV': (1, 2, 6)}
    """
    by_head = {name: np.moveaxis(params[name], -2, -3) for name in ("W_Q", "W_K", "W_V")}
    scale = params["W_Q"].shape[-1] ** -0.5
    return {"W_QK": scale * by_head["W_Q"] @ by_head["W_K"].mT, "W_OV": (by_head["W_V"] @ params["W_O"])[..., 0]}


def _rows(params, world):
    """One-hot rows: the questions (1, questions, 2 n_names), the names (1, n_names, n_names), the prices."""
    names, width = np.eye(world.prices.shape[-1]), world.prices.max() + 1
    for name, low, high in (("W_Q", 2 * len(names), 2 * len(names)), ("W_K", len(names), len(names)),
                            ("W_V", width, None)):
        check_range(f"rows of {name}", params[name].shape[-3], low=low, high=high)
    asked = names[world.questions].reshape(1, -1, 2 * len(names))
    return asked, names[None], np.eye(params["W_V"].shape[-3])[world.prices]
