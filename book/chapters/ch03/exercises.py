"""Exercises of chapter 03, where to look and what to write: ceilings, first steps, turns, and two valleys."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np

from transformer_lab.byhand import one_head
from transformer_lab.exercises import Exercise, Objection
from transformer_lab.tasks.patterns import PatternTask, brute_force_ceiling, ceiling

from .study import WRITE, alternate, share_of_writing, walk

__all__ = ["check_bag_ceiling", "check_copies", "check_early_writing", "check_first_glance", "check_lost_jointly",
           "check_share", "check_steps_of_turns", "check_valley"]


def share(neither, look, write, both):
    look_first = neither - look
    look_second = write - both
    return (look_first + look_second) / 2 / (neither - both)


check_share = Exercise(
    share, "looking's share", [(3.2, 3.3, 1.9, 0.1), (3.0, 3.0, 2.0, 0.0), (2.0, 1.0, 2.0, 0.5), (4.0, 3.0, 1.0, 0.0)],
    right="The mean of what looking earns when it comes first and when it comes second.",
    also_right=(lambda *losses: 1 - share_of_writing(*losses),),
    mistakes={
        "That is its gain when it comes first alone.": lambda n, k, w, b: (n - k) / (n - b),
        "That is its gain when it comes second alone.": lambda n, k, w, b: (w - b) / (n - b),
        "That is the share of writing.": lambda n, k, w, b: 1 - share(n, k, w, b),
        "That is a gain in nats: divide it by the whole gain.": lambda n, k, w, b: (n - k + w - b) / 2})


def bag_ceiling(alphabet, period):
    answers = {}
    for letters in itertools.product(range(alphabet), repeat=period):
        seen = (letters[-1], *sorted(letters))
        answers.setdefault(seen, Counter())[letters[0]] += 1
    best = sum(max(counts.values()) for counts in answers.values())
    return Fraction(best, alphabet**period)


check_bag_ceiling = Exercise(
    bag_ceiling, "the ceiling", [(2, 2), (3, 3), (2, 5), (5, 4)],
    right="The exact ceiling, from every tuple that there is.",
    also_right=(lambda a, p: ceiling(PatternTask(a, p, 2 * p), positions=False),
                lambda a, p: brute_force_ceiling(PatternTask(a, p, 4 * p), positions=False)),
    mistakes={
        "The head also knows which letter came last.":
            lambda a, p: ceiling(PatternTask(a, p, p), positions=False, last=False),
        "That is for distinct letters; a letter that stands in two of the slots is the better guess.":
            lambda a, p: 1 / (p - 1),
        "That is chance. The letters that stand in the line are better guesses.": lambda a, p: 1 / a})


def weight_of_copies(period):
    others = (period - 2) // 2
    return others / (others + 2), 1.0


def _by_pairs(period):
    """The same from every pair of counts: the last letter's in the other slots, and another letter's."""
    pairs = [(m, other) for m in range(period) for other in range(period - m)]
    return (max(other / (m + 1) for m, other in pairs if m > other),
            min(other / (m + 1) for m, other in pairs if m < other))


check_copies = Exercise(
    weight_of_copies, ("the lower end", "the upper end"), [(period,) for period in range(2, 10)],
    right="Within this range every bag of letters gets its best guess.", also_right=(_by_pairs,),
    hint="Write down which of two weights must be larger for each pair of counts, and take the tightest.",
    mistakes={
        "That is the range of period five; a longer tuple can hold more equal letters.": lambda p: (1 / 3, 1.0),
        "The last letter is there once for its own slot, too: its weight is that of m + 1 copies.":
            lambda p: ((p - 2) // 2 / ((p - 2) // 2 + 1), 1.0),
        "The first p − 1 slots hold both letters, so their counts cannot both be so large.":
            lambda p: ((p - 2) / p, 1.0),
        "Where the last letter stands in no other slot it must lose against a letter that stands in one.":
            lambda p: (weight_of_copies(p)[0], 2.0)})


def early_writing(alphabet, period, rate, steps):
    copying = rate * steps * (1 - 1 / alphabet) / (alphabet * period)
    slope = ((1 - 1 / alphabet)**2 + (alphabet - 1) / alphabet**2) / period**2 / alphabet
    return copying, rate * steps * slope


check_early_writing = Exercise(
    early_writing, ("the copying", "the loss"), [(26, 5, 0.01, 50), (4, 3, 0.1, 1), (8, 2, 1.0, 7), (6, 4, 2.0, 3)],
    right="Both are in proportion to the rate: five hundred times less of it is five hundred times less of both.",
    tolerance=1e-7, hint="How often is a letter the target, given that an even part of the attention is on it?",
    mistakes={
        "This is one step; in so small a part of the way each further step adds as much.":
            lambda a, p, r, n: early_writing(a, p, r, 1),
        "Copying is measured against the mean of all letters, and that rises, too: by 1/alphabet as much.":
            lambda a, p, r, n: (r * n / (a * p), early_writing(a, p, r, n)[1]),
        "To first order a step lowers the loss by the rate times the squared size of the gradient.":
            lambda a, p, r, n: (early_writing(a, p, r, n)[0],) * 2,
        "The loss is half of what it should be: the copying grows, but its slope stays the same.":
            lambda a, p, r, n: (early_writing(a, p, r, n)[0], early_writing(a, p, r, n)[1] / 2)})


def steps_of_turns(updates, length, order):
    phases, rest = divmod(updates - 1, length)
    waited = phases + (order == "look-first")
    return waited * length + phases * length + rest + 1


def _counted(updates, length, order):
    train, had, step = alternate(order, length, length), 0, 0
    while had < updates:
        had += train(step) == WRITE
        step += 1
    return step


check_steps_of_turns = Exercise(
    steps_of_turns, "the step",
    list(itertools.product((180, 100, 51, 50, 1), (50, 20, 1), ("write-first", "look-first"))),
    right="Turns cost what they wait for: the other's phases, and nothing else.", also_right=(_counted,),
    mistakes={
        "Turns cost twice the updates only where both had the same number of phases.": lambda n, k, o: 2 * n,
        "You wait once too often; the phase after the last update is not needed.":
            lambda n, k, o: n + (n // k + (o == "look-first")) * k,
        "Where looking comes first, writing waits for one phase more.":
            lambda n, k, o: steps_of_turns(n, k, "write-first"),
        "This is the step of one update more.": lambda n, k, o: steps_of_turns(n + 1, k, o)})


def valley(look, write, order, alphabet, period):
    worth_copying = np.exp(look) > (period - 1) / (alphabet - 1)
    copies = worth_copying if order == "write-first" else write > 0
    return 0.0 if copies else np.log(alphabet - period + 1)


check_valley = Exercise(
    valley, "the loss",
    [(*start, *sizes) for *start, sizes in itertools.product((-4.0, -2.0, -1.0, 1.0), (-2.0, 2.0),
                                                             ("write-first", "look-first"), ((26, 5), (6, 3)))],
    right="Whoever is trained first follows the sign that the other gives it.", tolerance=1e-6,
    hint="How many letters are left when those that are read are ruled out?",
    mistakes={
        "Where writing is trained first, what looking is decides, and not what writing was.":
            lambda u, w, o, a, p: valley(u, w, "look-first", a, p),
        "Copying is worth while before looking prefers the target: one other letter weighs less than the target.":
            lambda u, w, o, a, p: valley(u + np.log((p - 1) / (a - 1)), w, o, a, p),
        "The sizes are those of the chapter; the border and the loss depend on alphabet and period.":
            lambda u, w, o, a, p: valley(u, w, o, 26, 5),
        "One letter more is left: the others of a line are period − 1.":
            lambda u, w, o, a, p: 0 if valley(u, w, o, a, p) == 0 else np.log(a - p),
        "Not every start ends in the valley that copies.": lambda u, w, o, a, p: 0.0})


def first_glance(W_OV, period):
    alphabet = W_OV.shape[1]
    letters = W_OV[:alphabet]
    copying = np.trace(letters) / alphabet - letters.mean()
    slopes = np.full(period, copying / period**2)
    slopes[0] -= copying / period
    return slopes


def _slopes_along_looking(W_OV, period, nudge=1e-3):
    """The mean loss over every tuple, before and after a bit more attention to each slot: its slopes."""
    tuples = np.array(list(itertools.product(range(len(W_OV)), repeat=period)))

    def loss(slot, score):
        grown = np.exp(score * (np.arange(period) == slot))
        read = (np.eye(len(W_OV))[tuples] * (grown / grown.sum())[:, None]).sum(axis=1)
        return one_head.loss(read @ W_OV, tuples[:, 0])

    return np.array([float(loss(slot, nudge) - loss(slot, -nudge)) / (2 * nudge) for slot in range(period)])


check_first_glance = Exercise(
    first_glance, "the slopes",
    lambda rng: [(1e-5 * rng.normal(size=(n, n)), period) for n, period in ((4, 3), (6, 2), (3, 4))],
    right="One number of the random matrix decides all of them, and its sign is a coin toss.", tolerance=1e-3,
    also_right=(_slopes_along_looking,),
    hint="What the target wins the others lose, all alike: the slopes add up to zero.",
    mistakes={
        "The sign is turned: where a letter that is read raises itself, looking at the target lowers the loss.":
            lambda W, p: -first_glance(W, p),
        "What all letters have in common cancels in the softmax: take the mean off the diagonal's.":
            lambda W, p: np.trace(W) / len(W) / p**2 * (1 - p * (np.arange(p) == 0)),
        "The other slots hear something, too: what the target wins, they lose.":
            lambda W, p: first_glance(W, p) * (np.arange(p) == 0),
        "This is one slope: return one for each slot, the target's first.": lambda W, p: first_glance(W, p)[0],
        "The target wins a(1 − a) of the attention, not a: the others keep the rest.":
            lambda W, p: first_glance(W, p) * p / (p - 1)})


def lost_jointly():
    return {"look": 0.0, "write": -5.0}


def _ends(answer):
    """Objects unless joint training from the start is lost and training by turns is not."""
    if not isinstance(start := answer(), dict) or start.keys() != {"look", "write"}:
        raise Objection("Return a dictionary with two numbers, look and write.")
    if not all(abs(value) <= 9 for value in start.values()):
        raise Objection("Keep look and write between -9 and 9.")
    joint, turns = (walk(**start, task=PatternTask(distinct=True), order=order, steps=1500,
                         learning_rate=2.0)["loss"][-1] for order in ("joint", "write-first"))
    if joint < 1:
        raise Objection(f"From there joint training is not lost: it ends at {joint:.2f} nats.")
    if turns > 1:
        raise Objection(f"From there training writing first is lost, too: it ends at {turns:.2f} nats.")
    return 1.0


check_lost_jointly = Exercise(
    lost_jointly, "the start", [()], measure=_ends,
    right="A start from which taking turns is better than going straight down.",
    mistakes={
        "joint training is not lost": lambda: {"look": 1.0, "write": 1.0},
        "training writing first is lost, too": lambda: {"look": -4.0, "write": -4.0},
        "Keep look and write between": lambda: {"look": 0.0, "write": -50.0}})
