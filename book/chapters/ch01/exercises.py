"""Exercises of chapter 01, a soft lookup: ties, masks, the pull on a key, a scale, and heads that compare."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis import saturation
from transformer_lab.byhand import attention
from transformer_lab.byhand.attention import attend, attend_pullback
from transformer_lab.exercises import Exercise, Objection

from .price_list import PriceListTask, every_list, score

__all__ = ["check_hard_lookup", "check_masked_softmax", "check_peeking_head", "check_pull_on_keys", "check_scale",
           "check_two_heads"]

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


def pull_on_keys(q, k, v, d_z, scale):
    a = attention.softmax(k @ q * scale)
    d_a = v @ d_z
    d_s = a * (d_a - a @ d_a)
    return np.outer(d_s, q) * scale


check_pull_on_keys = Exercise(
    pull_on_keys, "the gradient of the keys",
    lambda rng: [(rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=(n, d_v)), rng.normal(size=d_v), scale)
                 for n, d, d_v, scale in [(2, 1, 1, 1.0), (5, 3, 2, 0.7), (4, 8, 3, 8**-0.5)]],
    right="Every key gets its gradient, and together they get none: the columns sum to zero.",
    also_right=(lambda q, k, v, d_z, c: attend_pullback(attend(q[None], k, v, scale=c), d_z[None], scale=c)["k"],),
    hint="The score of a key answers to the key with scale times q.",
    mistakes={
        "The scale is missing: the score is scale times the dot product, so its slope has it too.":
            lambda q, k, v, d_z, c: pull_on_keys(q, k, v, d_z, c) / c,
        "The weights sum to one: take their mean off ∂a before you go on to the scores.":
            lambda q, k, v, d_z, c: np.outer(attention.softmax(k @ q * c) * (v @ d_z), q) * c,
        "The sign is turned.": lambda q, k, v, d_z, c: -pull_on_keys(q, k, v, d_z, c)})


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
    mistakes={
        "This makes the scores' spread 1 whatever the target is. Which spread gives the target's entropy?":
            lambda dots, target: 1 / dots.std(),
        "This is the scale's inverse: divide where you multiply.": lambda dots, target: 1 / find_scale(dots, target),
        "The formula for normal scores and weak attention is only near: search for the scale.":
            lambda dots, target: np.sqrt(2 * max(np.log(16) - target, 0)) / dots.std()})


def two_heads(n_names, n_prices):
    look = np.zeros((2, 2 * n_names, n_names))
    look[0, :n_names] = 50 * np.eye(n_names)
    look[1, n_names:] = 50 * np.eye(n_names)
    prices = np.arange(n_prices)
    return look, np.stack([prices, -prices])


def _answered(answer, n_names, n_prices):
    """The share of all questions that two heads answer right; an objection says what may be wrong with them."""
    W_QK, W_OV = _pair(answer(n_names, n_prices), W_QK=(2, 2 * n_names, n_names), W_OV=(2, n_prices))
    world = every_list(PriceListTask(n_names=n_names, n_prices=n_prices))
    first, second = world.questions.T
    pattern = attention.softmax(W_QK[:, first] + W_QK[:, n_names + second])
    share = score(np.einsum("hqn,hln->lq", pattern, W_OV[:, world.prices]), world)
    if share < 1:
        raise Objection(f"With {n_names} names and {n_prices} prices, {share:.1%} of the questions are answered "
                        f"right. {_advice(pattern, world.questions)}")
    return share


def _advice(pattern, questions) -> str:
    looked = [np.take_along_axis(head, questions, axis=-1).min(axis=0) for head in pattern]
    if min(slots.max() for slots in looked) < 0.9:
        return "A head hardly tells the names apart: raise its score for the one that it should look at."
    if looked[0].argmax() == looked[1].argmax():
        return "Both heads look at the same name."
    return "Each head looks at its own name; look at the signs of what they write."


check_two_heads = Exercise(
    two_heads, ("the share of questions answered right"), [(3, 6), (2, 3), (4, 5)], measure=_answered,
    right="Every question about every list is answered right.",
    also_right=(lambda n, m: (two_heads(n, m)[0][::-1] + 3, two_heads(n, m)[1][::-1] * 0.1 + [[7], [-7]]),
                lambda n, m: (two_heads(n, m)[0] / 50, two_heads(n, m)[1])),  # what both heads share cancels
    mistakes={
        "Both heads look at the same name.": lambda n, m: (two_heads(n, m)[0][[0, 0]], two_heads(n, m)[1]),
        "A head hardly tells the names apart": lambda n, m: (0 * two_heads(n, m)[0], two_heads(n, m)[1]),
        "look at the signs of what they write": lambda n, m: (two_heads(n, m)[0], np.abs(two_heads(n, m)[1]))})


def peeking_head(n_prices):
    score_of_price = 10 * np.arange(n_prices)
    written_for = np.array([1.0, -1.0])
    return score_of_price, written_for


def _compared(answer, n_prices):
    """The share of pairs of prices that one head compares right; an objection names a pair that it does not."""
    scores, written = _pair(answer(n_prices), scores=(n_prices,), values=(2,))
    x, y = np.nonzero(~np.eye(n_prices, dtype=bool))
    wrong = (attention.softmax(np.stack([scores[x], scores[y]], axis=-1)) @ written > 0) != (x > y)
    if wrong.any():
        i = wrong.argmax()
        raise Objection(f"With {n_prices} prices, {wrong.mean():.1%} of the questions are answered wrong, for "
                        f"instance: is price {x[i] + 1} above price {y[i] + 1}?")
    return 1.0


check_peeking_head = Exercise(
    peeking_head, "the share of questions answered right", [(2,), (6,), (20,)], measure=_compared,
    right="One head compares without a mistake: its softmax does the comparing.",
    also_right=(lambda m: (100.0 * np.arange(m) - 3, [2.0, -2.0]),),
    mistakes={
        "With 2 prices, 50.0% of the questions": lambda m: (np.zeros(m), [1.0, -1.0]),
        "With 2 prices, 100.0% of the questions": lambda m: (-10.0 * np.arange(m), [1.0, -1.0]),
        "is price 1 above price 2?": lambda m: (10.0 * np.arange(m), [1.0, 0.0])})


def _pair(given, **shapes):
    """Two arrays of finite numbers and of these shapes, or an objection."""
    (one, shape), (other, size) = shapes.items()
    try:
        first, second = (np.asarray(part, dtype=float) for part in given)
    except (TypeError, ValueError):
        raise Objection(f"Return two arrays, {one} and {other}.") from None
    if (first.shape, second.shape) != (shape, size) or not np.isfinite([*first.flat, *second.flat]).all():
        raise Objection(f"{one} and {other} have the shapes {first.shape} and {second.shape}; they should be {shape} "
                        f"and {size}, of finite numbers.")
    return first, second
