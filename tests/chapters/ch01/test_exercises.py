"""Each checker accepts the solution and another right answer, and rejects what readers plausibly write."""

import numpy as np

from chapters.ch01.exercises import (
    check_hard_lookup,
    check_masked_softmax,
    check_peeking_head,
    check_pull_on_keys,
    check_scale,
    check_two_heads,
    find_scale,
    hard_lookup,
    masked_softmax,
    peeking_head,
    pull_on_keys,
    two_heads,
)
from transformer_lab.exercises import checkers


def plain_softmax(s):
    weights = np.exp(s - s.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def cold(q, k, v):
    return plain_softmax(k @ q / 1e-9) @ v


def row_by_row(scores, mask):
    rows = np.zeros(scores.shape)
    for i, allowed in enumerate(mask):
        if allowed.any():
            rows[i, allowed] = plain_softmax(scores[i, allowed])
    return rows


def by_the_jacobian(q, k, v, d_z, scale):
    a = plain_softmax(k @ q * scale)
    return np.outer((np.diag(a) - np.outer(a, a)) @ v @ d_z, scale * q)


def by_newton(dots, target):
    """The same scale from the other side: secant steps on the logarithm."""
    def gap(t):
        a = plain_softmax(dots * np.exp(t))
        return -(a * np.log(np.maximum(a, 1e-300))).sum(-1).mean() - target
    low, high = -12.0, 6.0
    while high - low > 1e-13 * 18:
        middle = (low + high) / 2
        low, high = (middle, high) if gap(middle) > 0 else (low, middle)
    return np.exp(low)


def with_shared_heads(n_names, n_prices):
    """Another right pair: the second head rises and the first falls, and prices are stretched."""
    look, write = two_heads(n_names, n_prices)
    return look[::-1] + 3, write[::-1] * 0.1 + [[7], [-7]]


RIGHT = [
    (check_hard_lookup, cold),
    (check_masked_softmax, row_by_row),
    (check_pull_on_keys, by_the_jacobian),
    (check_scale, by_newton),
    (check_two_heads, with_shared_heads),
    (check_two_heads, lambda n, m: (two_heads(n, m)[0] / 50, two_heads(n, m)[1])),  # what both heads share cancels
    (check_peeking_head, lambda m: (100.0 * np.arange(m) - 3, [2.0, -2.0])),
]


def hidden_afterwards(scores, mask):
    return plain_softmax(scores) * mask


def renormalised(scores, mask):
    weights = np.exp(scores) * mask
    return weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300)


def naive(scores, mask):
    return plain_softmax(np.where(mask, scores, -np.inf))


def uniform_closed_row(scores, mask):
    return plain_softmax(np.where(mask, scores, -1e9))


def both_look_first(n, m):
    look, write = two_heads(n, m)
    return np.stack([look[0], look[0]]), write


def blind(n, m):
    look, write = two_heads(n, m)
    return 0 * look, write


def same_sign(n, m):
    look, write = two_heads(n, m)
    return look, np.abs(write)


WRONG = [
    (check_hard_lookup, lambda q, k, v: v[(k @ q).argmax()], "two keys tie"),
    (check_hard_lookup, lambda q, k, v: plain_softmax(k @ q) @ v, "one key fits best"),
    (check_hard_lookup, lambda q, k, v: v[k @ q == (k @ q).max()].sum(0), "two keys tie"),
    (check_hard_lookup, lambda q, k, v: v[np.abs(k @ q) == np.abs(k @ q).max()].mean(0), "one key fits best"),
    (check_masked_softmax, hidden_afterwards, "is off"),
    (check_masked_softmax, renormalised, "near 1000"),
    (check_masked_softmax, naive, "not a finite number"),
    (check_masked_softmax, uniform_closed_row, "hide it before"),
    (check_masked_softmax, lambda s, m: masked_softmax(s, ~m), "hidden entry"),
    (check_pull_on_keys, lambda q, k, v, d, c: pull_on_keys(q, k, v, d, c) / c, "scale is missing"),
    (check_pull_on_keys, lambda q, k, v, d, c: np.outer(plain_softmax(k @ q * c) * (v @ d), q) * c, "is off"),
    (check_pull_on_keys, lambda q, k, v, d, c: -pull_on_keys(q, k, v, d, c), "is off"),
    (check_pull_on_keys, lambda q, k, v, d, c: pull_on_keys(q, k, v, d, c).T, "shape"),
    (check_scale, lambda dots, target: 1 / dots.std(), "nats"),
    (check_scale, lambda dots, target: 1 / find_scale(dots, target), "nats"),
    (check_scale, lambda dots, target: np.sqrt(2 * max(np.log(16) - target, 0)) / dots.std(), "nats"),
    (check_scale, lambda dots, target: find_scale(dots, target) * np.ones(3), "one number"),
    (check_two_heads, both_look_first, "same name"),
    (check_two_heads, blind, "hardly tells"),
    (check_two_heads, same_sign, "signs"),
    (check_two_heads, lambda n, m: two_heads(n, m)[0], "shape"),
    (check_peeking_head, lambda m: (np.zeros(m), [1.0, -1.0]), "answered wrong"),
    (check_peeking_head, lambda m: (-10.0 * np.arange(m), [1.0, -1.0]), "answered wrong"),
    (check_peeking_head, lambda m: (10.0 * np.arange(m), [1.0, 0.0]), "answered wrong"),
    (check_peeking_head, lambda m: (10.0 * np.arange(m), np.ones(3)), "should be"),
]


def test_the_solutions_are_what_the_chapter_shows():
    shown = {hard_lookup, masked_softmax, pull_on_keys, find_scale, two_heads, peeking_head}
    assert {check.solution for check in checkers("ch01").values()} == shown
