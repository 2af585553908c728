"""Exercises of chapter 26, proving it: counting, passing tests, reaching, deciding, and contexts that are legal."""

from __future__ import annotations

import itertools

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_chance_of_passing", "check_contexts_of", "check_largest_legal", "check_least_on_segment",
           "check_spread"]


def contexts_of(t, j):
    return 6 * 12**j * 6**(t - j - 1)


check_contexts_of = Exercise(
    contexts_of, "the number of contexts", [(1, 0), (3, 1), (7, 0), (7, 6)],
    right="Any token before the even number, six after it, and six even numbers to choose from.",
    also_right=(lambda t, j: sum(12**j for _ in itertools.product(range(6), repeat=t - j)),),
    hint="Three kinds of positions: before j, at j, and between j and the +.",
    mistakes={
        "That is one family; six even numbers may stand in position j.": lambda t, j: 12**j * 6**(t - j - 1),
        "After the even number only tokens that are not even may stand.": lambda t, j: 6 * 12**(t - 1),
        "Before the even number anything may stand, even numbers too.": lambda t, j: 6**t,
        "The positions after j are t − j − 1: the + has one of its own.": lambda t, j: 6 * 12**j * 6**(t - j)})


def chance_of_passing(wrong, contexts, tests):
    return (1 - wrong / contexts)**tests


check_chance_of_passing = Exercise(
    chance_of_passing, "the chance", [(7, 38_753_322, 100_000), (300, 38_753_322, 100_000), (1, 10, 5)],
    right="Every test has to miss, independently.",
    also_right=(lambda w, n, k: np.exp(k * np.log1p(-w / n)),),
    tolerance=1e-6,
    mistakes={
        "That is the chance that a single test misses.": lambda w, n, k: 1 - w / n,
        "That is the chance of being caught.": lambda w, n, k: 1 - (1 - w / n)**k,
        "Chances of several misses multiply; they do not add up.": lambda w, n, k: 1 - k * w / n})


def _chosen(a, h, best):
    rows = np.arange(len(a))
    return a[rows, best] @ h[rows, best] / a[rows, best].sum()


def _one_round(a, h):
    return _chosen(a, h, (a * (h - (a * h).sum() / a.sum())).argmax(axis=1))


def _all_contexts(a, h):
    return max(_chosen(a, h, list(best)) for best in itertools.product(range(a.shape[1]), repeat=len(a)))


def spread(a, h):
    def furthest(h):
        reach = (a * h).sum() / a.sum()
        while True:
            best = (a * (h - reach)).argmax(axis=1)[:, None]
            weight, height = (np.take_along_axis(table, best, axis=1) for table in (a, h))
            before, reach = reach, (weight * height).sum() / weight.sum()
            if reach <= before:
                return reach
    return furthest(h) + furthest(-h)


TOY = np.array([[2.0, 1, 1], [5, 1, 1]]), np.array([[3.0, 5, 2], [3, 2, 0]])
check_spread = Exercise(
    spread, "the distance",
    lambda rng: [TOY, *((rng.exponential(size=(n, 4)) + 0.05, rng.normal(size=(n, 4))) for n in (1, 3, 5))],
    right="As far apart as any two contexts lie, and no context was listed.",
    also_right=(lambda a, h: _all_contexts(a, h) + _all_contexts(a, -h),),
    mistakes={
        "You take the largest height in each position; its weight counts, too.":
            lambda a, h: _chosen(a, h, h.argmax(axis=1)) - _chosen(a, h, h.argmin(axis=1)),
        "You take the largest product in each position; take that of a · (h − λ).":
            lambda a, h: _chosen(a, h, (a * h).argmax(axis=1)) - _chosen(a, h, (a * h).argmin(axis=1)),
        "One round is not enough: go on until λ does not grow.": lambda a, h: _one_round(a, h) + _one_round(a, -h),
        "That is how far the heights lie apart; no mean reaches them.": lambda a, h: np.ptp(h),
        "That is the largest mean alone; take the smallest off.": _all_contexts})


def least_on_segment(p, q, W, b, u):
    start, end = p @ W + b, q @ W + b
    crossed = (start > 0) != (end > 0)
    shares = np.concatenate([[0, 1], (start / (start - end))[crossed]])
    z = p + shares[:, None] * (q - p)
    return (np.maximum(z @ W + b, 0) @ u).min()


def _on(shares):
    return lambda p, q, W, b, u: (np.maximum((p + np.array(shares)[:, None] * (q - p)) @ W + b, 0) @ u).min()


def _segment(rng):
    return (*3 * rng.normal(size=(2, 2)), 2 * rng.normal(size=(2, 12)), rng.normal(size=12), rng.normal(size=12))


def _inside_only(p, q, W, b, u):
    start, end = p @ W + b, q @ W + b
    z = p + (start / (start - end))[(start > 0) != (end > 0), None] * (q - p)
    return (np.maximum(z @ W + b, 0) @ u).min()


def _sorted_pieces(p, q, W, b, u):
    start, end = p @ W + b, q @ W + b
    shares = np.unique(np.clip(np.append(start / (start - end), [0, 1]), 0, 1))
    return min(np.maximum((p + share * (q - p)) @ W + b, 0) @ u for share in shares)


check_least_on_segment = Exercise(
    least_on_segment, "the smallest value", lambda rng: [_segment(rng) for _ in range(4)],
    right="Both ends and every crossing: nothing else can be smallest.", also_right=(_sorted_pieces,),
    mistakes={
        "You looked at the ends alone; look where a hidden unit switches, too.": _on([0, 1]),
        "You looked at a fine grid, and it misses the corner itself: a proof needs the exact crossings.":
            _on(np.linspace(0, 1, 200)),
        "You looked where hidden units switch, and forgot the two ends.": _inside_only})


def largest_legal(gain, plus):
    other = np.delete(gain, plus, axis=1).max(axis=1)
    ends_in_other, ends_in_plus = other[0], gain[0, plus]
    for i in range(1, len(gain)):
        best = max(ends_in_other, ends_in_plus)
        ends_in_plus = ends_in_other + gain[i, plus]
        ends_in_other = best + other[i]
    return max(ends_in_other, ends_in_plus)


def _listed(gain, plus):
    legal = (tokens for tokens in itertools.product(range(gain.shape[1]), repeat=len(gain))
             if not any(a == b == plus for a, b in itertools.pairwise(tokens)))
    return max(sum(gain[i, token] for i, token in enumerate(tokens)) for tokens in legal)


def _greedy(gain, plus):
    total, before = 0.0, None
    for row in gain:
        row = np.where(np.arange(len(row)) == plus, -np.inf, row) if before == plus else row
        before = row.argmax()
        total += row[before]
    return total


def _gains(rng):
    gains = [rng.normal(size=(n, 4)) for n in (1, 4, 6)]
    for gain in gains:
        gain[:, 3] += 1.5
    return [(gain, 3) for gain in gains]


check_largest_legal = Exercise(
    largest_legal, "the largest sum", _gains,
    right="Two running sums are enough: one for contexts that end in +, one for all others.", also_right=(_listed,),
    hint="Keep two numbers: the best so far that ends in +, and the best that does not.",
    mistakes={
        "There are two + in a row in your context.": lambda gain, plus: gain.max(axis=1).sum(),
        "You choose from the first position on and never look back: a + may cost more later than it gains now.":
            _greedy,
        "You never use a +; it may stand where none stands beside it.":
            lambda gain, plus: np.delete(gain, plus, axis=1).max(axis=1).sum()})
