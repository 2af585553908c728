"""Exercises of chapter 00, the whole machine: its lines written by the reader, one by one."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import attend
from transformer_lab.byhand.attention import softmax as package_softmax
from transformer_lab.byhand.parts import layer_norm
from transformer_lab.exercises import Exercise

__all__ = ["check_best_guess", "check_read_out", "check_softmax_row", "check_turned", "check_what_is_read"]


def softmax_row(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


check_softmax_row = Exercise(
    softmax_row, "the shares",
    {"two equal scores": (np.array([3.0, 3.0]),), "scores 0 and ln 3": (np.array([0.0, np.log(3.0)]),),
     "eight scores": (np.array([-0.2, -1.2, -1.0, -0.7, -1.7, -0.3, 7.7, -0.6]),),
     "scores near 1,000": (np.array([1000.0, 1001.0, 999.0]),)},
    right="Positive shares that add up to one, and scores near a thousand do not overflow.",
    also_right=(package_softmax, lambda s: np.exp(s - np.logaddexp.reduce(s))),
    hint="e to the power of each score, divided by the sum of all of them.",
    mistakes={
        "Scores near 1,000 overflow: take the largest score off all of them first; the shares stay the same.":
            lambda s: np.exp(s) / np.exp(s).sum(),
        "These do not add up to one: divide by the sum.": lambda s: np.exp(s - s.max()),
        "Raise e to the power of the scores before you divide by their sum.": lambda s: s / s.sum(),
        "This gives all to the largest score. Softmax gives it most, and something to each of the others.":
            lambda s: (s == s.max()) / (s == s.max()).sum()})


def what_is_read(q, K, V):
    scores = K @ q / np.sqrt(len(q))
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ V


def _shares(q, K, root=True):
    return package_softmax(K @ q / (np.sqrt(len(q)) if root else 1.0))


check_what_is_read = Exercise(
    what_is_read, "what is read",
    lambda rng: [(rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=(n, d_value)))
                 for n, d, d_value in [(3, 4, 2), (8, 16, 16), (5, 2, 7)]],
    right="The values, mixed by how well each key fits the query.",
    also_right=(lambda q, K, V: attend(q[None], K, V)["z"][0],),
    hint="A score for each row of K, softmax of the scores, and the rows of V weighted by it.",
    mistakes={
        "The scores are not divided by the root of the query's length.": lambda q, K, V: _shares(q, K, False) @ V,
        "You divide by the length of the query; divide by its root.":
            lambda q, K, V: package_softmax(K @ q / len(q)) @ V,
        "This mixes the keys. The keys say where to look; what is read are the values.":
            lambda q, K, V: _shares(q, K) @ K,
        "This takes the value of the best key alone. Each value counts, as its share says.":
            lambda q, K, V: V[np.argmax(K @ q)],
        "This weights by the scores themselves; softmax makes shares of them first.":
            lambda q, K, V: K @ q / np.sqrt(len(q)) @ V,
        "All values count alike here. Let the fit of the keys decide.": lambda q, K, V: V.mean(axis=0)})


def read_out(x, w, b, W_U, b_U):
    last = x[-1] - x[-1].mean()
    last = w * last / np.sqrt((last**2).mean() + 1e-5) + b
    return last @ W_U + b_U


def _normed(x, w, b):
    return layer_norm(x[None], w, b)[0][0]


check_read_out = Exercise(
    read_out, "the scores of the tokens",
    lambda rng: [(size * rng.normal(size=(n, d)) + 1, rng.normal(size=d), rng.normal(size=d), rng.normal(size=(d, m)),
                  rng.normal(size=m)) for n, d, m, size in [(8, 6, 20, 3.0), (3, 4, 5, 0.1)]],
    right="The last row, normed, against every token of the vocabulary.",
    also_right=(lambda x, w, b, W_U, b_U: (_normed(x, w, b) @ W_U + b_U)[-1],),
    hint="Only one row is read; norm it before you multiply.",
    mistakes={
        "You read the first row; the answer stands in the last one.":
            lambda x, w, b, W_U, b_U: read_out(x[::-1], w, b, W_U, b_U),
        "You read the mean of all rows; the answer stands in the last one.":
            lambda x, w, b, W_U, b_U: read_out(x.mean(axis=0)[None], w, b, W_U, b_U),
        "The last norm is missing.": lambda x, w, b, W_U, b_U: x[-1] @ W_U + b_U,
        "Gain and offset of the norm, w and b, are missing.":
            lambda x, w, b, W_U, b_U: read_out(x, 1.0, 0.0, W_U, b_U),
        "The offset of the scores, b_U, is missing.": lambda x, w, b, W_U, b_U: read_out(x, w, b, W_U, 0.0)})


def turned(pattern, row, place):
    pattern = pattern.copy()
    pattern[row] = 0.0
    pattern[row, place] = 1.0
    return pattern


check_turned = Exercise(
    turned, "the new pattern",
    lambda rng: [(package_softmax(rng.normal(size=(n, n))), row, place) for n, row, place in
                 [(8, 0, 6), (8, 7, 0), (4, 2, 2)]],
    right="One row looks at one place, and all other rows look where they did.",
    hint="Write zeros into the row of a copy, then a one.",
    mistakes={
        "The row does not add up to one: clear it before you write the one.":
            lambda a, row, place: np.where(np.eye(len(a))[row][:, None] * np.eye(len(a))[place] == 1, 1.0, a),
        "You turn a column: the rows are those who look, the columns what is looked at.":
            lambda a, row, place: turned(a.T, row, place).T,
        "Every row looks at that place now. Only one row should.":
            lambda a, row, place: np.tile(np.eye(len(a))[place], (len(a), 1)),
        "Row and place have changed their parts.": lambda a, row, place: turned(a, place, row)})


def best_guess(n_args, n_digits=10):
    counts = [(d + 1)**n_args - d**n_args for d in range(n_digits)]
    return max(counts) / n_digits**n_args


def _by_counting(n_args, n_digits=10):
    largest = np.indices((n_digits,) * n_args).max(axis=0)
    return np.bincount(largest.ravel()).max() / n_digits**n_args


check_best_guess = Exercise(
    best_guess, "the share right", [(1,), (2,), (3,), (5,), (3, 4)],
    right="Whoever always names the largest digit is right that often, and no other constant answer does better.",
    also_right=(_by_counting, lambda n, m=10: 1 - ((m - 1) / m)**n),
    hint="In how many lists is no digit larger than d? In how many is none larger than d − 1?",
    mistakes={
        "This is the share of one digit among all. The answers to Max are not equally frequent.":
            lambda n, m=10: 1 / m,
        "This is how often the largest digit is missing; asked is the share of lists that have it.":
            lambda n, m=10: ((m - 1) / m)**n,
        "A list with two nines is counted twice.": lambda n, m=10: n / m,
        "Divide by the number of lists, to get a share.": lambda n, m=10: float(m**n - (m - 1)**n),
        "There are not always ten digits: use n_digits.": lambda n, m=10: best_guess(n)})
