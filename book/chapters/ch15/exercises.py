"""Exercises of chapter 15, clipping: what is left after a cut, what it turns, and what AdamW makes of it."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_after_a_long_one", "check_cosine_of_signs", "check_cut_to_the_threshold", "check_longest_walk",
           "check_threshold_for_a_share", "check_turned_by"]


def gradients(rng):
    return [(rng.normal(size=n) * scale, c) for n, scale, c in ((2, 3.0, 1.0), (9, 1.0, 0.5), (30, 0.01, 1.0))]


def cut_to_the_threshold(g, c):
    length = np.sqrt((g**2).sum())
    return g * min(1.0, c / length)


check_cut_to_the_threshold = Exercise(
    cut_to_the_threshold, "the gradient", gradients,
    right="Long gradients keep their direction, short ones are left as they are.",
    also_right=(lambda g, c: g / max(1.0, np.linalg.norm(g) / c),),
    hint="What does a gradient that is shorter than c become?",
    mistakes={
        "Short gradients are left as they are; here they are made longer.": lambda g, c: g * c / np.linalg.norm(g),
        "That cuts each entry, which turns the gradient.": lambda g, c: np.clip(g, -c, c),
        "The length is the root of the sum of the squares.": lambda g, c: g * min(1.0, c / (g**2).sum()),
        "The length is not the sum of the sizes.": lambda g, c: g * min(1.0, c / abs(g).sum()),
        "Long gradients are shortened, not short ones.": lambda g, c: g * max(1.0, c / np.linalg.norm(g))})


def turned_by(g, c):
    cut = np.clip(g, -c, c)
    return np.degrees(np.arccos(g @ cut / np.sqrt(g @ g * (cut @ cut))))


check_turned_by = Exercise(
    turned_by, "the angle in degrees", lambda rng: [(np.array([4.0, 0.5]), 1.0), (np.array([1.0, 10.0]), 0.1),
                                                    (rng.normal(size=12), 0.3)],
    right="The longest entries lose most, so the rest turns towards the diagonal.", tolerance=1e-7,
    also_right=(lambda g, c: 2 * np.degrees(np.arctan2(
        np.linalg.norm(g / np.linalg.norm(g) - np.clip(g, -c, c) / np.linalg.norm(np.clip(g, -c, c))),
        np.linalg.norm(g / np.linalg.norm(g) + np.clip(g, -c, c) / np.linalg.norm(np.clip(g, -c, c))))),),
    hint="The cosine is the product of the two, divided by both lengths.",
    mistakes={
        "That is the cosine, not the angle.": lambda g, c: g @ np.clip(g, -c, c) / np.linalg.norm(g) / np.linalg.norm(
            np.clip(g, -c, c)),
        "That is in radians.": lambda g, c: np.arccos(g @ np.clip(g, -c, c) / np.linalg.norm(g) / np.linalg.norm(
            np.clip(g, -c, c))),
        "Negative entries are cut at -c.": lambda g, c: np.degrees(np.arccos(
            g @ np.minimum(g, c) / np.linalg.norm(g) / np.linalg.norm(np.minimum(g, c)))),
        "A cut by norm does not turn the gradient at all; cut the entries.": lambda g, c: 0.0,
        "Divide by both lengths, not by the square of one.": lambda g, c: np.degrees(np.arccos(
            g @ np.clip(g, -c, c) / (g @ g)))})


def threshold_for_a_share(norms, share):
    return np.quantile(norms, 1 - share)


check_threshold_for_a_share = Exercise(
    threshold_for_a_share, "the threshold", lambda rng: [(np.exp(rng.normal(size=n)), share) for n, share in
                                                         ((11, 0.1), (101, 0.25), (41, 0.5))],
    right="A threshold is best chosen from norms that one has looked at: its unit depends on the model.",
    also_right=(lambda norms, share: np.percentile(norms, 100 - 100 * share),),
    hint="Where must the threshold stand for so large a share of the norms to lie above it?",
    mistakes={
        "So many would be left as they are, and all others cut.": lambda norms, share: np.quantile(norms, share),
        "That is a share of the longest norm, which a single gradient decides.": lambda norms, share:
            (1 - share) * norms.max(),
        "Norms are not normally distributed; count them instead.": lambda norms, share:
            norms.mean() + (1 - 2 * share) * norms.std(),
        "That is the mean, whatever the share.": lambda norms, share: norms.mean()})


def after_a_long_one(times, after, beta2):
    return np.sqrt(1 + (1 - beta2) * (times**2 - 1) * beta2**after)


check_after_a_long_one = Exercise(
    after_a_long_one, "the factor", [(100.0, 0, 0.99), (100.0, 458, 0.99), (10.0, 5, 0.999), (1.0, 3, 0.9)],
    right="AdamW remembers the square of one long gradient for as long as its second average lasts.",
    also_right=(lambda k, j, b: np.sqrt(b**j * (b + (1 - b) * k**2) + (1 - b**j)),),
    hint="Begin with a second average of 1, take in the square of the long one, then let it fade.",
    mistakes={
        "AdamW divides by the root of the average of squares.": lambda k, j, b: 1 + (1 - b) * (k**2 - 1) * b**j,
        "It is the average of squares, so that the long one counts by its square.": lambda k, j, b:
            np.sqrt(1 + (1 - b) * (k - 1) * b**j),
        "A new gradient enters the average with the weight 1 - beta2.": lambda k, j, b:
            np.sqrt(1 + (k**2 - 1) * b**j),
        "That is the factor at once; it fades.": lambda k, j, b: np.sqrt(1 + (1 - b) * (k**2 - 1)) + 0.0 * j,
        "It fades by beta2 at each step, the longer ago the more.": lambda k, j, b:
            np.sqrt(1 + (1 - b) * (k**2 - 1) * b**-float(j))})


def longest_walk(rate, threshold, steps, mu):
    velocity = walked = 0.0
    for _ in range(steps):
        velocity = mu * velocity + threshold
        walked += rate * velocity
    return walked


check_longest_walk = Exercise(
    longest_walk, "the distance", [(0.1, 1.0, 1, 0.9), (0.4, 0.5, 200, 0.9), (1.0, 0.1, 7, 0.5), (0.3, 2.0, 4, 0.0)],
    right="A cut by norm is a promise: no run can go farther than that, whatever the gradients are.",
    also_right=(lambda r, c, n, mu: r * c * (n - mu * (1 - mu**n) / (1 - mu)) / (1 - mu),),
    hint="The velocity is at most c, then c + mu c, then c + mu c + mu^2 c.",
    mistakes={
        "That is without the momentum: the velocity adds up gradients of several steps.": lambda r, c, n, mu: r * c * n,
        "That is as if the velocity were at its largest from the first step on.": lambda r, c, n, mu:
            r * c * n / (1 - mu),
        "That is the length of the last step; add up all of them.": lambda r, c, n, mu:
            r * c * (1 - mu**n) / (1 - mu),
        "Here a new gradient is added whole, not with the weight 1 - mu.": lambda r, c, n, mu:
            r * c * (n - mu * (1 - mu**n) / (1 - mu)),
        "The rate is missing.": lambda r, c, n, mu: c * (n - mu * (1 - mu**n) / (1 - mu)) / (1 - mu) + 0.0 * r})


def cosine_of_signs(g):
    there = g[g != 0]
    return abs(there).sum() / np.sqrt(len(there) * (there**2).sum())


check_cosine_of_signs = Exercise(
    cosine_of_signs, "the cosine", lambda rng: [(np.array([4.0, 0.5]),), (rng.normal(size=400),),
                                                (np.r_[rng.normal(size=20)**3, np.zeros(30)],)],
    right="With a tiny threshold only signs are left. The more unlike the entries are in size, the farther it turns.",
    also_right=(lambda g: g @ np.sign(g) / np.linalg.norm(g) / np.linalg.norm(np.sign(g)),),
    hint="What does np.clip(g, -c, c) look like for a tiny c? A common factor does not change the angle.",
    mistakes={
        "Entries that are 0 stay 0: they do not make the rest longer.": lambda g:
            abs(g).sum() / np.sqrt(len(g) * (g**2).sum()) if (g == 0).any() else cosine_of_signs(g),
        "That is for normal entries; use those of g.": lambda g: np.sqrt(2 / np.pi),
        "Signs have a length, too: the root of how many there are.": lambda g: abs(g).sum() / np.linalg.norm(g),
        "The product of g with its signs is the sum of the sizes.": lambda g:
            g.sum() / np.sqrt(np.count_nonzero(g) * (g**2).sum()),
        "That is the square of the cosine.": lambda g: cosine_of_signs(g)**2})
