"""Exercises of chapter 12, what counts as evidence: bits, means with their intervals, pairs, seeds, and a ruler."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_bits_of_a_text", "check_chance_of_a_winner", "check_paired_error", "check_seeds_needed",
           "check_witten_bell"]


def bits_of_a_text(loss, characters):
    return loss / np.log(2) * characters


check_bits_of_a_text = Exercise(
    bits_of_a_text, "the number of bits", [(4.174387, 100), (1.669, 111_540), (0.5, 8)],
    right="So long is the shortest file that somebody could write who expects what the model expects.",
    also_right=(lambda loss, n: np.log2(np.exp(loss)) * n,),
    hint="One nat is 1 / ln 2 bits.",
    mistakes={
        "Those are nats; a bit is ln 2 nats.": lambda loss, n: loss * n,
        "A bit is less than a nat, so there are more of them.": lambda loss, n: loss * np.log(2) * n,
        "That is for one character; the text has more.": lambda loss, n: loss / np.log(2)})


def paired_error(a, b):
    apart = b - a
    return apart.std(ddof=1) / np.sqrt(len(apart))


check_paired_error = Exercise(
    paired_error, "the standard error", lambda rng: [(x, x + 0.3 * rng.normal(size=len(x)) + 0.1) for x in
                                                     (rng.normal(size=n) for n in (2, 5, 20))],
    right="What both arms have from the same seed has dropped out.",
    also_right=(lambda a, b: np.sqrt(((b - a - (b - a).mean())**2).sum() / (len(a) - 1) / len(a)),),
    hint="First take the difference for each seed; then it is the error of a mean.",
    mistakes={
        "That treats the arms as if they had nothing in common; take the differences first.":
            lambda a, b: np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)),
        "That is the spread of a single difference; a mean of n is less uncertain, by the root of n.":
            lambda a, b: (b - a).std(ddof=1),
        "The mean was estimated from the same numbers: divide by n - 1, not by n.":
            lambda a, b: (b - a).std() / np.sqrt(len(a)),
        "The root is of n, the spread is divided by it once.": lambda a, b: (b - a).std(ddof=1) / len(a),
        "That is the mean difference, not its error.": lambda a, b: (b - a).mean()})


def chance_of_a_winner(arms, chance):
    return 1 - (1 - chance) ** arms


check_chance_of_a_winner = Exercise(
    chance_of_a_winner, "the chance", [(1, 0.05), (5, 0.05), (20, 0.05), (10, 0.01)],
    right="With twenty changes that do nothing, two papers in three find that one of them helps.",
    also_right=(lambda m, p: sum(p * (1 - p)**k for k in range(m)),),
    hint="What is the chance that none of them seems to help?",
    mistakes={
        "Chances of several arms do not simply add up; they would pass one.": lambda m, p: m * p,
        "That is the chance that all seem to help.": lambda m, p: p**m,
        "That is the chance that none seems to help.": lambda m, p: (1 - p)**m})


def seeds_needed(difference, spread):
    return int(np.ceil(2 * ((1.96 + 0.84) * spread / difference) ** 2))


check_seeds_needed = Exercise(
    seeds_needed, "the number of seeds", [(1.0, 1.0), (0.01, 0.005), (0.002, 0.006), (0.05, 0.02)],
    right="Half the difference takes four times the seeds.",
    also_right=(lambda d, s: int(np.ceil(15.68 * (s / d)**2)),),
    hint="The error of a difference of two means is the spread times the root of 2 / n. It has to go 2.8 times into "
         "the difference.",
    mistakes={
        "Two means are compared, and both are uncertain: a factor of two is missing.":
            lambda d, s: int(np.ceil((2.8 * s / d)**2)),
        "With 1.96 alone you find the difference half of the time; 0.84 more makes it four times in five.":
            lambda d, s: int(np.ceil(2 * (1.96 * s / d)**2)),
        "The number of seeds goes with the square.": lambda d, s: int(np.ceil(2 * 2.8 * s / d)),
        "The larger the difference, the fewer seeds.": lambda d, s: int(np.ceil(2 * (2.8 * d / s)**2))})


def witten_bell(seen, shorter):
    kinds = np.count_nonzero(seen)
    return (seen + kinds * shorter) / (seen.sum() + kinds)


def _counts(rng):
    for n in (3, 6, 10):
        seen = rng.integers(0, 5, size=n)
        seen[:2] = 0, 4
        yield seen, rng.dirichlet(np.ones(n))


check_witten_bell = Exercise(
    witten_bell, "the chances", lambda rng: list(_counts(rng)),
    right="What was never seen has a chance too, and the more kinds of followers a context has had, the larger it is.",
    also_right=(lambda c, q: c / (c.sum() + (c > 0).sum()) + (c > 0).sum() / (c.sum() + (c > 0).sum()) * q,),
    hint="T counts the characters that were seen at least once. Weigh the counts by one, the shorter context by T.",
    mistakes={
        "These are shares of what was seen; what was not seen gets nothing, and would cost infinitely much.":
            lambda c, q: c / c.sum(),
        "T is how many different characters were seen, not how many there are.":
            lambda c, q: (c + len(c) * q) / (c.sum() + len(c)),
        "That adds one to each count; Witten and Bell ask the shorter context instead.":
            lambda c, q: (c + 1) / (c.sum() + len(c)),
        "The chances have to add up to one.": lambda c, q: (c + (c > 0).sum() * q) / c.sum(),
        "Half and half whatever was seen: but a context seen a thousand times knows more than one seen twice.":
            lambda c, q: 0.5 * c / c.sum() + 0.5 * q})
