"""Exercises of chapter 24, watching it learn: skills as shares of pairs, onsets, orders, and the twins of a token."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_first_reached", "check_later_wins", "check_order", "check_stays", "check_twins"]


def later_wins(scores):
    pairs = [later > earlier for j, later in enumerate(scores) for earlier in scores[:j]]
    return np.mean(pairs)


check_later_wins = Exercise(
    later_wins, "the share of pairs", lambda rng: [(rng.normal(size=n) + 0.3 * np.arange(n),) for n in (2, 5, 7)],
    right="Every pair of places counts once, and chance alone gives a half.",
    also_right=(lambda s: (np.subtract.outer(s, s)[np.tril_indices(len(s), -1)] > 0).mean(),),
    hint="Two loops: over all places, and over those before each.",
    mistakes={
        "These are neighbours only; places far apart count, too.": lambda s: (np.diff(s) > 0).mean(),
        "Every pair should be counted once: divide by the number of pairs, not by that of all entries.":
            lambda s: (np.subtract.outer(s, s)[np.tril_indices(len(s), -1)] > 0).sum() / len(s)**2,
        "This is how often the earlier place wins.": lambda s: 1 - later_wins(s)})


def first_reached(steps, values, least):
    for step, value in zip(steps, values, strict=True):
        if value >= least:
            return step
    return -1


RUNS = [([0, 10, 20, 30], [0.1, 0.95, 0.7, 0.99], 0.95), ([0, 5, 9], [0.2, 0.3, 0.4], 0.5),
        ([0, 2, 4, 6, 8], [0.5, 0.6, 0.9, 0.8, 0.9], 0.9), ([0, 100, 200], [0.3, 0.8, 0.9], 0.5)]
check_first_reached = Exercise(
    first_reached, "the step", RUNS,
    right="The first step at which it is reached, and −1 where it never is.",
    also_right=(lambda s, v, t: next((a for a, b in zip(s, v, strict=True) if b >= t), -1),),
    hint="Go along the steps; the first whose value is large enough is the answer.",
    mistakes={
        "To reach it is enough; it need not be passed.":
            lambda s, v, t: next((a for a, b in zip(s, v, strict=True) if b > t), -1),
        "Return the step itself, not its place in the list.":
            lambda s, v, t: next((i for i, b in enumerate(v) if b >= t), -1),
        "This is the last step at which it is reached.":
            lambda s, v, t: next((a for a, b in zip(s[::-1], v[::-1], strict=True) if b >= t), -1)})


def stays(steps, values, least):
    step = -1
    for each, value in zip(steps[::-1], values[::-1], strict=True):
        if value < least:
            break
        step = each
    return step


check_stays = Exercise(
    stays, "the step", RUNS,
    right="From this step on the measure never falls below; −1 where it does not even hold at the end.",
    also_right=(lambda s, v, t: next((a for i, a in enumerate(s) if min(v[i:]) >= t), -1),),
    hint="Walk back from the end for as long as the value is large enough.",
    mistakes={
        "This is the first step at which it is reached; later it falls again.": first_reached,
        "Where the last value is too small, the answer is −1.":
            lambda s, v, t: s[-1] if v[-1] < t else stays(s, v, t),
        "You stopped one step too late: that one is still below.":
            lambda s, v, t: (lambda at: -1 if at < 0 else s[max(s.index(at) - 1, 0)])(stays(s, v, t))})


def order(first, second):
    both = np.isfinite(first) & np.isfinite(second)
    return (int((first < second)[both].sum()), int((first == second)[both].sum()),
            int((first > second)[both].sum()))


def onsets(rng):
    return [(np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 6, n) * 10.0),
             np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 7, n) * 10.0)) for n in (20, 40, 60)]


check_order = Exercise(
    order, "the three counts", onsets,
    right="A seed on which one of the two never comes says nothing about the order.",
    also_right=(lambda a, b: tuple(int((np.sign(b - a) == k).sum()) for k in (1, 0, -1)),),
    hint="A comparison with NaN is False, so NaN needs no case of its own; but who counts the rest?",
    mistakes={
        "Where one never comes, the seed should not be counted as a tie.":
            lambda a, b: (int((a < b).sum()), int((~(a < b) & ~(a > b)).sum()), int((a > b).sum())),
        "First those on which the first comes earlier, then ties, then the others.":
            lambda a, b: order(a, b)[::-1],
        "Ties are counted on their own.": lambda a, b: (int((a <= b).sum()), 0, int((a > b).sum()))})


def twins(points, least):
    apart = np.hypot(*(points[:, None] - points[None]).T)
    return [(i, j) for i in range(len(points)) for j in range(i + 1, len(points)) if apart[i, j] < least]


def close_pairs(rng):
    drawn = [np.repeat(rng.normal(size=(n, 2)), 2, axis=0) + rng.normal(size=(2 * n, 2)) * 0.02 for n in (2, 3, 5)]
    return [(points, 0.1) for points in [*drawn, np.array([[0, 0], [0.08, 0.08], [1, 1.0]])]]


check_twins = Exercise(
    twins, "the pairs", close_pairs,
    right="Tokens this close get almost the same gradient in every step, and can hardly part.",
    also_right=(lambda p, t: [(i, j) for i in range(len(p)) for j in range(i + 1, len(p))
                              if np.linalg.norm(p[i] - p[j]) < t],),
    hint="The distance is the root of the sum of two squares; each pair once, the smaller number first.",
    mistakes={
        "Each pair once, the smaller number first; and a token is no twin of itself.":
            lambda p, t: [(i, j) for i in range(len(p)) for j in range(len(p)) if np.linalg.norm(p[i] - p[j]) < t],
        "Both coordinates count: take the straight distance.":
            lambda p, t: [(i, j) for i in range(len(p)) for j in range(i + 1, len(p)) if abs(p[i] - p[j]).max() < t],
        "These are those that are apart.":
            lambda p, t: [(i, j) for i in range(len(p)) for j in range(i + 1, len(p))
                          if np.linalg.norm(p[i] - p[j]) >= t]})
