"""Exercises of chapter 24, watching it learn: skills as shares of pairs, onsets, orders, and tokens that look alike."""

from __future__ import annotations

import itertools

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_first_reached", "check_later_wins", "check_stays", "check_twins",
           "check_which_first"]


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


def which_first(first, second):
    both = np.isfinite(first) & np.isfinite(second)
    return (int((first < second)[both].sum()), int((first == second)[both].sum()),
            int((first > second)[both].sum()))


def onsets(rng):
    return [(np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 6, n) * 10.0),
             np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 7, n) * 10.0)) for n in (20, 40, 60)]


check_which_first = Exercise(
    which_first, "the three counts", onsets,
    right="A seed on which one of the two never comes says nothing about the order.",
    also_right=(lambda a, b: tuple(int((np.sign(b - a) == k).sum()) for k in (1, 0, -1)),),
    hint="A comparison with NaN is False, so NaN needs no case of its own; but who counts the rest?",
    mistakes={
        "Where one never comes, the seed should not be counted as a tie.":
            lambda a, b: (int((a < b).sum()), int((~(a < b) & ~(a > b)).sum()), int((a > b).sum())),
        "First those on which the first comes earlier, then ties, then the others.":
            lambda a, b: which_first(a, b)[::-1],
        "Ties are counted on their own.": lambda a, b: (int((a <= b).sum()), 0, int((a > b).sum()))})


def twins(scores, least):
    apart = abs(scores[:, :, None] - scores[:, None]).max(axis=0)
    return [(i, j) for i in range(len(apart)) for j in range(i + 1, len(apart)) if apart[i, j] < least]


def close_pairs(rng):
    """Scores in which tokens come in pairs, some of which differ in the last place alone, some in the first alone."""
    cases = [(np.repeat(3 * rng.normal(size=(4, n)), 2, axis=1) + rng.uniform(-0.04, 0.04, (4, 2 * n)), 0.1)
             for n in (3, 4, 6)]
    for scores, _ in cases:
        scores[-1, 1] += 0.2
        scores[0, 3] -= 0.2
    return cases


def _pairs(apart, least):
    return [(i, j) for i, j in itertools.combinations(range(len(apart)), 2) if apart[i, j] < least]


def _gaps(scores):
    return scores[:, :, None] - scores[:, None]


check_twins = Exercise(
    twins, "the pairs", close_pairs,
    right="What one query cannot tell apart here, it cannot tell apart on any map.",
    also_right=(lambda s, t: [(i, j) for i, j in itertools.combinations(range(s.shape[1]), 2)
                              if all(abs(row[i] - row[j]) < t for row in s)],),
    hint="A pair counts if its largest gap over the places is small enough; each pair once, the smaller number first.",
    mistakes={
        "Each pair once, the smaller number first; and a token is no twin of itself.":
            lambda s, t: [(i, j) for i in range(s.shape[1]) for j in range(s.shape[1])
                          if abs(s[:, i] - s[:, j]).max() < t],
        "That looks at the first place only; they have to be close in every place.":
            lambda s, t: _pairs(abs(_gaps(s))[0], t),
        "Close in one place is not enough; they have to be close in every place.":
            lambda s, t: _pairs(abs(_gaps(s)).min(axis=0), t),
        "A gap counts in either direction: take its size.": lambda s, t: _pairs(_gaps(s).max(axis=0), t),
        "These are those that are apart.": lambda s, t: _pairs(-abs(_gaps(s)).max(axis=0), -t)})
