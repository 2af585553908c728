"""Exercises of chapter 01, a soft lookup: ties, masks, the pull on a key, a scale, and heads that compare."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis import saturation
from transformer_lab.byhand import attention
from transformer_lab.byhand.attention import attend, attend_pullback
from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.randomness import generator

from .price_list import PriceListTask, every_list, score

__all__ = ["check_hard_lookup", "check_masked_softmax", "check_peeking_head", "check_pull_on_keys", "check_scale",
           "check_two_heads"]


def hard_lookup(q, k, v):
    scores = k @ q
    return v[scores == scores.max()].mean(axis=0)


@checker(hard_lookup, right="One winner is returned as it is; of several that tie, the mean.")
def check_hard_lookup(answer):
    """Whether ``answer(q (d,), k (key, d), v (key, d_v))`` is the soft lookup at temperature 0."""
    k = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])
    v = np.array([[4.0, 1.0], [6.0, 2.0], [1.0, 9.0], [3.0, 3.0]])
    for q, words in [([0.5, 2.0], "one key fits best"), ([2.0, 0.5], "two keys tie"), ([0.0, 0.0], "all keys tie"),
                     ([-3.0, -2.0], "the last key fits best, and the others have negative scores")]:
        want = attend(np.array([q]), k, v, scale=1e6)["z"][0]
        expect(f"the answer where {words}", answer(np.array(q), k, v), want)


def masked_softmax(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    top = np.where(mask.any(-1, keepdims=True), scores.max(-1, keepdims=True), 0)
    weights = np.exp(scores - top)
    return weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300)


@checker(masked_softmax, right="Right for open rows, closed rows and scores of any size.")
def check_masked_softmax(answer):
    """Whether ``answer(scores (n, key), mask (n, key))`` is the softmax over what may be seen, or 0."""
    rng = generator(1, "masked softmax")
    mask = rng.random((6, 5)) < 0.6
    mask[0], mask[1] = True, False
    mask[1, 3] = True
    cases = [("a mixed mask", rng.normal(size=(6, 5)), mask),
             ("scores near 1000", 1000 + rng.normal(size=(6, 5)), mask),
             ("hidden scores that are the largest", np.where(mask, 0.0, 800.0), mask),
             ("a row that may look nowhere", rng.normal(size=(2, 3)), np.array([[True] * 3, [False] * 3]))]
    for words, scores, allowed in cases:
        with np.errstate(all="ignore"):
            got = _numbers(answer(scores, allowed))
        if got.shape == allowed.shape and np.isfinite(got).all() and got[~allowed].any():
            raise Objection(f"With {words}, a hidden entry has a weight above 0: hide it before the softmax.")
        expect(f"the pattern for {words}", got, attention.softmax(scores, allowed))


def pull_on_keys(q, k, v, d_z, scale):
    a = attention.softmax(k @ q * scale)
    d_a = v @ d_z
    d_s = a * (d_a - a @ d_a)
    return np.outer(d_s, q) * scale


@checker(pull_on_keys, right="Every key gets its gradient, and together they get none: the columns sum to zero.")
def check_pull_on_keys(answer):
    """Whether ``answer(q (d,), k (key, d), v (key, d_v), d_z (d_v,), scale)`` is the gradient of the keys."""
    rng = generator(1, "pull on keys")
    for n, d, d_v, scale in [(2, 1, 1, 1.0), (5, 3, 2, 0.7), (4, 8, 3, 8**-0.5)]:
        q, k, v, d_z = rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=(n, d_v)), rng.normal(size=d_v)
        want = attend_pullback(attend(q[None], k, v, scale=scale), d_z[None], scale=scale)["k"]
        got = _numbers(answer(q, k, v, d_z, scale))
        if got.shape == want.shape and np.allclose(got * scale, want) and scale != 1:
            raise Objection("The scale is missing: the score is scale times the dot product, so its slope has it too.")
        expect("the gradient of the keys", got, want, hint="The score of a key answers to the key with scale times q.")


def find_scale(dots, target):
    low, high = 0.0, 1.0
    while saturation.entropy(attention.softmax(dots * high)).mean() > target:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        above = saturation.entropy(attention.softmax(dots * middle)).mean() > target
        low, high = (middle, high) if above else (low, middle)
    return middle


@checker(find_scale, right="It holds the entropy for normal, lopsided and heavy-tailed keys, narrow and wide.")
def check_scale(answer):
    """Whether ``answer(dots (query, key), target)`` is the scale at which the mean entropy is ``target`` nats."""
    rng = generator(1, "find scale")
    draws = {"normal": rng.normal, "lopsided": lambda size: rng.exponential(size=size) - 1,
             "heavy-tailed": lambda size: rng.standard_t(3, size=size)}
    for name, draw in draws.items():
        for d_head, target in [(4, 2.0), (256, 2.0), (64, 0.5)]:
            dots = rng.normal(size=(40, d_head)) @ draw(size=(16, d_head)).T
            got = _numbers(answer(dots, target))
            if got.shape != () or not np.isfinite(got) or got <= 0:
                raise Objection(f"A scale is one number above 0; you return {got}.")
            found = saturation.entropy(attention.softmax(dots * got)).mean()
            if abs(found - target) > 1e-6:
                raise Objection(f"For {name} keys of width {d_head} your scale gives an entropy of {found:.4f} nats, "
                                f"and it should be {target:.4f}.")


def two_heads(n_names, n_prices):
    look = np.zeros((2, 2 * n_names, n_names))
    look[0, :n_names] = 50 * np.eye(n_names)
    look[1, n_names:] = 50 * np.eye(n_names)
    prices = np.arange(n_prices)
    return look, np.stack([prices, -prices])


@checker(two_heads, right="Every question about every list is answered right.")
def check_two_heads(answer):
    """Whether ``answer(n_names, n_prices)`` gives W_QK and W_OV of two heads that never err."""
    for n_names, n_prices in [(3, 6), (2, 3), (4, 5)]:
        W_QK, W_OV = _pair(answer(n_names, n_prices), "W_QK and W_OV")
        for name, value, shape in [("W_QK", W_QK, (2, 2 * n_names, n_names)), ("W_OV", W_OV, (2, n_prices))]:
            if value.shape != shape or not np.isfinite(value).all():
                raise Objection(f"{name} has the shape {value.shape}; it should be {shape}, of finite numbers.")
        world = every_list(PriceListTask(n_names=n_names, n_prices=n_prices))
        first, second = world.questions.T
        pattern = attention.softmax(W_QK[:, first] + W_QK[:, n_names + second])
        logits = np.einsum("hqn,hln->lq", pattern, W_OV[:, world.prices])
        share = score(logits, world)
        if share < 1:
            raise Objection(f"With {n_names} names and {n_prices} prices, {share:.1%} of the questions are answered "
                            f"right. {_advice(pattern, world.questions)}")


def _advice(pattern, questions) -> str:
    looked = [np.take_along_axis(head, questions, axis=-1).min(axis=0) for head in pattern]
    if min(places.max() for places in looked) < 0.9:
        return "A head hardly tells the names apart: raise its score for the one that it should look at."
    if looked[0].argmax() == looked[1].argmax():
        return "Both heads look at the same name."
    return "Each head looks at its own name; look at the signs of what they write."


def peeking_head(n_prices):
    score_of_price = 10 * np.arange(n_prices)
    written_for = np.array([1.0, -1.0])
    return score_of_price, written_for


@checker(peeking_head, right="One head compares without a mistake: its softmax does the comparing.")
def check_peeking_head(answer):
    """Whether ``answer(n_prices)`` gives the scores (n_prices,) and the values (2,) of one head that sees prices."""
    for n_prices in (2, 6, 20):
        scores, written = _pair(answer(n_prices), "the scores and the values")
        if scores.shape != (n_prices,) or written.shape != (2,):
            raise Objection(f"The shapes are {scores.shape} and {written.shape}; "
                            f"they should be {(n_prices,)} and (2,).")
        x, y = np.nonzero(~np.eye(n_prices, dtype=bool))
        logit = attention.softmax(np.stack([scores[x], scores[y]], axis=-1)) @ written
        wrong = (logit > 0) != (x > y)
        if wrong.any():
            i = wrong.argmax()
            raise Objection(f"With {n_prices} prices, {wrong.mean():.1%} of the questions are answered wrong, for "
                            f"instance: is price {x[i] + 1} above price {y[i] + 1}?")


def _numbers(given) -> np.ndarray:
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise Objection("Return an array of numbers.") from None


def _pair(given, words: str):
    try:
        first, second = (np.asarray(part, dtype=float) for part in given)
    except (TypeError, ValueError):
        raise Objection(f"Return two arrays, {words}.") from None
    return first, second
