"""Exercises of chapter 9, heads and digits: the solutions, as the chapter shows them, and common mistakes."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.ablation import patch
from transformer_lab.exercises import Exercise

__all__ = ["check_by_distance", "check_holm", "check_neighbour_share", "check_permutation_p", "check_spoiled"]


def neighbour_share(counts):
    right, said = np.indices(counts.shape)
    wrong = counts[right != said].sum()
    return counts[abs(right - said) == 1].sum() / wrong


def _beside(counts):
    return np.diagonal(counts, 1).sum() + np.diagonal(counts, -1).sum()


check_neighbour_share = Exercise(
    neighbour_share, "the share", lambda rng: (rng.integers(1, 50, size=(10, 10)) + 100 * np.eye(10, dtype=int),),
    right="Ten digits, guessed blindly, would give 18 of 90: a fifth.",
    also_right=(lambda c: _beside(c) / (c.sum() - np.trace(c)),),
    mistakes={
        "Divide by the wrong answers, not by all: right ones stand on the diagonal.": lambda c: _beside(c) / c.sum(),
        "A neighbour is one more or one less.": lambda c: np.diagonal(c, 1).sum() / (c.sum() - np.trace(c)),
        "The diagonal holds right answers; it is no neighbour of itself.":
            lambda c: (_beside(c) + np.trace(c)) / (c.sum() - np.trace(c))})


def spoiled(x, place):
    x = x.copy()
    x[:, place] = x[:, place].mean(axis=0)
    return x


def _patched(x, place):
    return patch("blocks.0.resid_post", x.mean(axis=0, keepdims=True) + 0 * x, [place])("blocks.0.resid_post", x)


def _with(x, place, row):
    """The activation with another row at this place."""
    return np.where(np.arange(x.shape[1])[:, None] == place, row, x)


check_spoiled = Exercise(
    spoiled, "the activation", lambda rng: (rng.normal(size=(5, 4, 3)) + 1.0, int(rng.integers(4))),
    right="That row now says the same for every input, and all others say what they said.", also_right=(_patched,),
    mistakes={
        "A row of zeros is nothing that the model ever met; put the mean over inputs there.":
            lambda x, place: _with(x, place, 0.0),
        "The mean is over inputs, not over places: each input still has a row of its own.":
            lambda x, place: _with(x, place, x.mean(axis=1, keepdims=True)),
        "All rows are spoiled; only one place should be.": lambda x, place: x.mean(axis=0) + 0 * x,
        "Every dimension has a mean of its own.": lambda x, place: _with(x, place, x[:, place].mean())})


def by_distance(table):
    return np.array([np.diagonal(table, d).mean()
                     for d in range(1, len(table))])


def _alike(rng):
    rows = rng.normal(size=(6, 4))
    return (rows @ rows.T,)


def _pair_by_pair(table):
    n = len(table)
    found = [[table[i, j] for i in range(n) for j in range(n) if j - i == d] for d in range(1, n)]
    return np.array([sum(some) / len(some) for some in found])


check_by_distance = Exercise(
    by_distance, "the means", _alike, right="One mean for each distance; only one pair is as far apart as can be.",
    also_right=(_pair_by_pair,),
    mistakes={
        "Far distances have fewer pairs: take means, not sums.":
            lambda table: np.array([np.diagonal(table, d).sum() for d in range(1, len(table))]),
        "The first entry belongs to neighbours, the last to the pair that is farthest apart.":
            lambda table: by_distance(table)[::-1],
        "Take the pairs that are exactly d apart, not all up to d.":
            lambda table: np.array([np.mean([x for e in range(1, d + 1) for x in np.diagonal(table, e)])
                                    for d in range(1, len(table))])})


def holm(p):
    order, n = np.argsort(p), len(p)
    adjusted = np.empty(n)
    adjusted[order] = np.maximum.accumulate(p[order] * (n - np.arange(n)))
    return adjusted.clip(max=1)


def _one_by_one(p):
    """The same, from what it means: the largest of what this p and each smaller one had to pass."""
    return np.array([min(1.0, max(q * (p >= q).sum() for q in p if q <= mine)) for mine in p])


def _steps(p):
    order = np.argsort(p)
    return order, p[order] * (len(p) - np.arange(len(p)))


def _not_monotone(p):
    order, found = _steps(p)
    return np.minimum(1, found)[np.argsort(order)]


def _not_capped(p):
    order, found = _steps(p)
    return np.maximum.accumulate(found)[np.argsort(order)]


check_holm = Exercise(
    holm, "the adjusted p-values",
    [(np.array([0.02, 0.011, 0.3, 0.012]),), (np.array([0.6, 0.5, 0.9]),), (np.array([0.04, 0.001, 0.03, 0.2, 0.02]),)],
    right="It finds all that Bonferroni's finds, and sometimes more, with the same protection.",
    also_right=(_one_by_one,),
    mistakes={
        "This is Bonferroni's: once the smallest p has passed, only n - 1 tests are left.":
            lambda p: np.minimum(1, len(p) * p),
        "A test with a larger p must not come out with a smaller one: carry the largest so far along.": _not_monotone,
        "No p-value is above one.": _not_capped,
        "Give each test its own value back, in the order in which they came.": lambda p: np.sort(holm(p))})


def permutation_p(x, y, orders):
    true = np.corrcoef(x, y)[0, 1]
    found = [np.corrcoef(x, y[order])[0, 1] for order in orders]
    return (1 + np.sum(np.array(found) >= true - 1e-12)) / (1 + len(orders))


def _orders(rng):
    x, tied = np.arange(6.0), np.arange(3.0)
    return [(x, x + 4 * rng.normal(size=6), np.array([rng.permutation(6) for _ in range(199)])),
            (tied, tied, np.tile(np.arange(3), (4, 1)))]  # every order is the true one


def _counted(counts, both=1):
    """A p-value that counts the orders for which ``counts(found, true)`` holds."""
    def p(x, y, orders):
        true, found = np.corrcoef(x, y)[0, 1], np.array([np.corrcoef(x, y[order])[0, 1] for order in orders])
        return (both + counts(found, true).sum()) / (both + len(orders))
    return p


check_permutation_p = Exercise(
    permutation_p, "p", _orders, right="The true order is one of the orders, so no p-value is zero.",
    also_right=(lambda x, y, orders: _counted(lambda found, true: found >= true - 1e-9)(2 * x + 1, y, orders),),
    mistakes={
        "Count the true order, too: it is one of those that could have come.":
            _counted(lambda found, true: found >= true - 1e-12, both=0),
        "This is the other tail: count what is as large.": _counted(lambda found, true: found <= true + 1e-12),
        "This is two-sided; the question was about correlations at least as large.":
            _counted(lambda found, true: abs(found) >= abs(true) - 1e-12),
        "An order that does equally well counts.": _counted(lambda found, true: found > true + 1e-12)})
