"""Exercises of chapter 01, a soft lookup: ties, masks, the pull on a query, a scale, heads that add and compare."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis import saturation
from transformer_lab.byhand import attention
from transformer_lab.byhand.attention import attend, attend_pullback
from transformer_lab.exercises import Exercise, Objection

from .price_list import every_list

__all__ = ["check_adding_head", "check_hard_lookup", "check_masked_softmax", "check_peeking_head",
           "check_pull_on_query", "check_scale"]

KEYS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])
VALUES = np.array([[4.0, 1.0], [6.0, 2.0], [1.0, 9.0], [3.0, 3.0]])


def hard_lookup(q, k, v):
    scores = k @ q
    return v[scores == scores.max()].mean(axis=0)


check_hard_lookup = Exercise(
    hard_lookup, "the answer",
    {words: (np.array(q), KEYS, VALUES) for words, q in {
        "a query that one key fits best": [0.5, 2.0], "two keys that tie": [2.0, 0.5],
        "keys that all tie": [0.0, 0.0], "scores that are negative but for the last": [-3.0, -2.0]}.items()},
    right="One winner is returned as it is; of several that tie, the mean.",
    also_right=(lambda q, k, v: attend(q[None], k, v, scale=1e6)["z"][0],),
    mistakes={
        "Where two keys tie you return the first one's value; it should be the mean of both.":
            lambda q, k, v: v[(k @ q).argmax()],
        "This is the soft lookup. At temperature 0 the best key gets all the weight.":
            lambda q, k, v: attention.softmax(k @ q) @ v,
        "This is the key that fits worst: the largest score wins.":
            lambda q, k, v: v[k @ q == (k @ q).min()].mean(0),
        "Where keys tie you add their values up; take the mean.": lambda q, k, v: v[k @ q == (k @ q).max()].sum(0),
        "A key with a large negative score fits badly; it is no winner.":
            lambda q, k, v: v[np.abs(k @ q) == np.abs(k @ q).max()].mean(0)})


def masked_softmax(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    top = np.where(mask.any(-1, keepdims=True), scores.max(-1, keepdims=True), 0)
    weights = np.exp(scores - top)
    return weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300)


def _masks(rng):
    mask = rng.random((6, 5)) < 0.6
    mask[0], mask[1] = True, np.arange(5) == 3
    return [(rng.normal(size=(6, 5)), mask), (1000 + rng.normal(size=(6, 5)), mask), (np.where(mask, 0.0, 800.0), mask),
            (rng.normal(size=(2, 3)), np.array([[True] * 3, [False] * 3]))]


check_masked_softmax = Exercise(
    masked_softmax, "the pattern", _masks, right="Right for open rows, closed rows and scores of any size.",
    also_right=(attention.softmax,), hint="Try scores near 1000, and a row that may look nowhere.",
    mistakes={
        "A row's weights do not sum to 1: hide the scores before the softmax, not the weights after it.":
            lambda s, m: attention.softmax(s) * m,
        "Scores near 1000 overflow: take each row's largest score off before the exponential.":
            lambda s, m: np.exp(s) * m / np.maximum((np.exp(s) * m).sum(-1, keepdims=True), 1e-300),
        "A row that may look nowhere should be 0 throughout; yours divides by 0.":
            lambda s, m: np.exp(t := np.where(m, s - s.max(), -np.inf)) / np.exp(t).sum(-1, keepdims=True),
        "A row that may look nowhere has weights above 0: a hidden score is −∞, not merely small.":
            lambda s, m: attention.softmax(np.where(m, s, -1e9)),
        "A hidden entry has a weight above 0: the mask is true where a row may look.":
            lambda s, m: masked_softmax(s, ~m)})


def pull_on_query(q, k, v, d_z, scale):
    a = attention.softmax(k @ q * scale)
    d_a = v @ d_z
    d_s = a * (d_a - a @ d_a)
    return d_s @ k * scale


check_pull_on_query = Exercise(
    pull_on_query, "the gradient of the query",
    lambda rng: [(rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=(n, d_v)), rng.normal(size=d_v), scale)
                 for n, d, d_v, scale in [(2, 1, 1, 1.0), (5, 3, 2, 0.7), (4, 8, 3, 8**-0.5)]],
    right="The query is pulled towards the keys whose values help more than the mean does.",
    also_right=(lambda q, k, v, d_z, c: attend_pullback(attend(q[None], k, v, scale=c), d_z[None], scale=c)["q"][0],),
    mistakes={
        "The scale is missing: the score is scale times the dot product, so its slope has it too.":
            lambda q, k, v, d_z, c: pull_on_query(q, k, v, d_z, c) / c,
        "The weights sum to one: take their mean off ∂a before you go on to the scores.":
            lambda q, k, v, d_z, c: attention.softmax(k @ q * c) * (v @ d_z) @ k * c,
        "You used the Jacobian's diagonal alone; a score moves all the weights.": lambda q, k, v, d_z, c:
            (a := attention.softmax(k @ q * c)) * (1 - a) * (v @ d_z) @ k * c,
        "This is the pull on the first key; the query hears from all of them.": lambda q, k, v, d_z, c:
            attend_pullback(attend(q[None], k, v, scale=c), d_z[None], scale=c)["k"][0],
        "The sign is turned.": lambda q, k, v, d_z, c: -pull_on_query(q, k, v, d_z, c)})


def find_scale(dots, target):
    low, high = 0.0, 1.0
    while saturation.entropy(attention.softmax(dots * high)).mean() > target:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        above = saturation.entropy(attention.softmax(dots * middle)).mean() > target
        low, high = (middle, high) if above else (low, middle)
    return middle


def _entropy_at(answer, dots, target):
    scale = answer(dots, target)
    if np.shape(scale) != () or not 0 < scale < np.inf:
        raise Objection(f"A scale is one number above 0; you return {scale}.")
    return saturation.entropy(attention.softmax(dots * scale)).mean()


def _dots(rng):
    kinds = [(4, 2.0, rng.normal), (256, 2.0, lambda size: rng.exponential(size=size) - 1),   # normal, lopsided
             (64, 0.5, lambda size: rng.standard_t(3, size=size))]                            # heavy-tailed
    return [(rng.normal(size=(40, d)) @ draw(size=(16, d)).T, target) for d, target, draw in kinds]


check_scale = Exercise(
    find_scale, "the entropy at your scale, in nats", _dots, measure=_entropy_at, tolerance=1e-6,
    right="It holds the entropy for normal, lopsided and heavy-tailed keys, narrow and wide.",
    also_right=(lambda dots, target: 2 * find_scale(2 * dots, target),),
    mistakes={
        "Your target is in bits: nats are made with the natural logarithm.":
            lambda dots, target: find_scale(dots, target * np.log(2)),
        "You looked at the first query alone: take the mean entropy of them all.":
            lambda dots, target: find_scale(dots[:1], target),
        "This makes the scores' spread 1 whatever the target is. Which spread gives the target's entropy?":
            lambda dots, target: 1 / dots.std(),
        "This is the scale's inverse: divide where you multiply.": lambda dots, target: 1 / find_scale(dots, target),
        "The formula for normal scores and weak attention is only near: search for the scale.":
            lambda dots, target: np.sqrt(2 * max(np.log(16) - target, 0)) / dots.std()})


def adding_head(n_names, n_prices):
    look = 50 * np.concatenate([np.eye(n_names), np.eye(n_names)])
    prices = np.arange(n_prices)
    return look, prices - prices.mean()


def _added(answer, n_names, n_prices):
    """What one head answers, for all lists and all questions about a sum that is not just at the limit."""
    W_QK, W_OV = _pair(answer(n_names, n_prices), W_QK=(2 * n_names, n_names), W_OV=(n_prices,))
    prices, questions, *_ = every_list(n_names, n_prices)
    pattern = attention.softmax(W_QK[questions[:, 0]] + W_QK[n_names + questions[:, 1]])
    return (W_OV[prices] @ pattern.T > 0)[prices[:, questions].sum(axis=-1) != n_prices - 1]


check_adding_head = Exercise(
    adding_head, "the answer (1 for yes)", [(3, 6), (2, 3), (4, 5)], measure=_added,
    right="Every question about every list is answered right: a mean can add.",
    also_right=(lambda n, m: (adding_head(n, m)[0] + 3, adding_head(n, m)[1] * 0.1),
                lambda n, m: (adding_head(n, m)[0], adding_head(n, m)[1] ** 3)),
    hint="Does the head look at the two goods asked about, alike, and at nothing else? Does what it writes for the "
         "lowest and for the highest price cancel?",
    mistakes={
        "All names have the same weight; the head should look at the two that were asked about.":
            lambda n, m: (0 * adding_head(n, m)[0], adding_head(n, m)[1]),
        "It looks at the first good alone; both prices count alike.":
            lambda n, m: (np.eye(2 * n, n) * 50, adding_head(n, m)[1]),
        "Every answer is turned: a dear price must raise the logit.":
            lambda n, m: (adding_head(n, m)[0], -adding_head(n, m)[1]),
        "It never says no: what is written for the lower prices must be below zero.":
            lambda n, m: (adding_head(n, m)[0], np.arange(1, m + 1)),
        "The limit is off: what is written for the lowest and for the highest price must cancel.":
            lambda n, m: (adding_head(n, m)[0], np.arange(m) - m / 2)})


def peeking_head(n_prices):
    score_of_price = 10 * np.arange(n_prices)
    written_for = np.array([1.0, -1.0])
    return score_of_price, written_for


def _compared(answer, n_prices):
    """What one head answers for each pair of different prices."""
    scores, written = _pair(answer(n_prices), scores=(n_prices,), values=(2,))
    x, y = np.nonzero(~np.eye(n_prices, dtype=bool))
    return attention.softmax(np.stack([scores[x], scores[y]], axis=-1)) @ written > 0


check_peeking_head = Exercise(
    peeking_head, "the answer (1 for yes)", [(2,), (6,), (20,)], measure=_compared,
    right="One head compares without a mistake: its softmax does the comparing.",
    also_right=(lambda m: (100.0 * np.arange(m) - 3, [2.0, -2.0]), lambda m: (-10.0 * np.arange(m), [-1.0, 1.0])),
    hint="Which of the two has the larger weight, and what is written for it?",
    mistakes={
        "It never says yes: where all prices have one score, both goods always weigh one half.":
            lambda m: (np.zeros(m), [1.0, -1.0]),
        "It always says yes: what is written for the second good must be below zero.":
            lambda m: (10.0 * np.arange(m), [1.0, 0.0]),
        "Every answer is turned: the dearer of the two must get the larger weight, or the values change places.":
            lambda m: (-10.0 * np.arange(m), [1.0, -1.0]),
        "Some prices have the same score: a higher price must have a higher one, all the way up.":
            lambda m: (10.0 * np.minimum(np.arange(m), 3), [1.0, -1.0]),
        "Two close prices weigh nearly the same: there the two values must cancel.":
            lambda m: (0.1 * np.arange(m), [1.0, -0.5])})


def _pair(given, **shapes):
    """Two arrays of finite numbers and of these shapes, or an objection."""
    found = [np.asarray(part, dtype=float) for part in given]
    if [part.shape for part in found] != list(shapes.values()) or not all(np.isfinite(part).all() for part in found):
        raise Objection(f"Return two arrays of finite numbers, of these shapes: {shapes}.")
    return found
