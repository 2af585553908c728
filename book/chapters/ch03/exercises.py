"""Exercises of chapter 03, where to look and what to write: ceilings, first steps, turns, and two valleys."""

from __future__ import annotations

import itertools
import numbers
from collections import Counter
from fractions import Fraction

import numpy as np

from transformer_lab.byhand import one_head, small_head
from transformer_lab.config import ModelConfig
from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.randomness import generator
from transformer_lab.tasks.patterns import PatternTask, brute_force_ceiling
from transformer_lab.training.one_head import WRITE, alternate

from .every_pattern import bag_accuracy

__all__ = ["check_bag_ceiling", "check_best_blind_head", "check_early_writing", "check_first_glance",
           "check_lost_jointly", "check_share", "check_steps_of_turns", "check_valley"]


def _is(got, value: float, rtol: float = 1e-6) -> bool:
    """Whether an answer is this one number."""
    return isinstance(got, (numbers.Real, np.ndarray)) and np.shape(got) == () and bool(
        np.isclose(float(got), value, rtol, atol=0 if value else 1e-9))


def share(neither, look, write, both):
    write_first = neither - write
    write_second = look - both
    return (write_first + write_second) / 2 / (neither - both)


@checker(share, right="The mean of what writing earns when it comes first and when it comes second.")
def check_share(answer):
    """Whether ``answer(neither, look, write, both)`` is writing's share of the gain."""
    for losses in ((3.2, 3.3, 1.9, 0.1), (3.0, 3.0, 2.0, 0.0), (2.0, 1.0, 2.0, 0.5), (4.0, 3.0, 1.0, 0.0)):
        neither, look, write, both = losses
        got, want = answer(*losses), share(*losses)
        for mistake, words in (((neither - write) / (neither - both), "That is its gain when it comes first alone."),
                               ((look - both) / (neither - both), "That is its gain when it comes second alone."),
                               (1 - want, "That is the share of looking.")):
            if _is(got, mistake) and not _is(want, mistake):
                raise Objection(f"For the losses {losses} you return {got:.3f}. {words}")
        expect(f"the share for the losses {losses}", got, want)


def bag_ceiling(alphabet, period):
    answers = {}
    for letters in itertools.product(range(alphabet), repeat=period):
        seen = (letters[-1], *sorted(letters))
        answers.setdefault(seen, Counter())[letters[0]] += 1
    best = sum(max(counts.values()) for counts in answers.values())
    return Fraction(best, alphabet**period)


@checker(bag_ceiling, right="The exact ceiling, from every tuple that there is.")
def check_bag_ceiling(answer):
    """Whether ``answer(alphabet, period)`` is the best accuracy without positions, where letters may repeat."""
    for alphabet, period in ((2, 2), (3, 3), (2, 5), (5, 4)):
        task = PatternTask(alphabet, period, 4 * period)
        got, want = answer(alphabet, period), brute_force_ceiling(task, positions=False)
        blind = brute_force_ceiling(task, positions=False, last=False)
        place = f"For {alphabet} letters and period {period}"
        if _is(got, float(blind)) and blind != want:
            raise Objection(f"{place} you return {float(got):.4f}: the head also knows which letter came last.")
        if _is(got, 1 / (period - 1)) and want != Fraction(1, period - 1):
            raise Objection(f"{place} you return {float(got):.4f}: that is for distinct letters; a letter that stands "
                            "in two of the slots is the better guess.")
        expect(f"the ceiling for {alphabet} letters and period {period}", got, float(want))


def best_blind_head(alphabet):
    look_away = -np.log(2) * np.sqrt(alphabet)
    return look_away * np.eye(alphabet), np.eye(alphabet)


@checker(best_blind_head, right="Exactly at the ceiling, on every tuple. No training can do better.")
def check_best_blind_head(answer):
    """Whether ``answer(alphabet)`` gives W_QK and W_OV of a head without positions that reaches its ceiling."""
    for alphabet in (3, 6, 8):
        matrices = answer(alphabet)
        if not isinstance(matrices, tuple) or len(matrices) != 2:
            raise Objection("Return two matrices, W_QK and W_OV.")
        shapes = [np.shape(matrix) for matrix in matrices]
        if shapes != [(alphabet, alphabet)] * 2 or not all(np.isfinite(np.asarray(m, float)).all() for m in matrices):
            raise Objection(f"The shapes are {shapes}; both should be {(alphabet, alphabet)}, of finite numbers.")
        task = PatternTask(alphabet)
        found = bag_accuracy(dict(zip(("W_QK", "W_OV"), (np.asarray(m, float) for m in matrices), strict=True)), task)
        best = brute_force_ceiling(task, positions=False)
        if found < best:
            raise Objection(f"With {alphabet} letters your head is right on {float(found):.2%} of all lines, and "
                            f"{float(best):.2%} are possible. {_blind_advice(np.asarray(matrices[0], float))}")


def _blind_advice(W_QK) -> str:
    away = np.mean(np.diag(W_QK)) - np.mean(W_QK)
    if away >= 0:
        return "The last letter is always there once: its own copies must weigh less."
    return "It may weigh less, but it must not vanish: the last letter may stand in another slot, too."


def early_writing(alphabet, period, rate, steps):
    copying = rate * steps * (1 - 1 / alphabet) / (alphabet * period)
    slope = ((1 - 1 / alphabet)**2 + (alphabet - 1) / alphabet**2) / period**2 / alphabet
    return copying, rate * steps * slope


@checker(early_writing, right="Both are in proportion to the rate: five hundred times less of it is five hundred "
                              "times less of both.")
def check_early_writing(answer):
    """Whether ``answer(alphabet, period, rate, steps)`` is the copying gained and the loss lost, to first order."""
    for alphabet, period, rate, steps in ((26, 5, 0.01, 50), (4, 3, 0.1, 1), (8, 2, 1.0, 7)):
        got = answer(alphabet, period, rate, steps)
        if not isinstance(got, tuple) or len(got) != 2:
            raise Objection("Return two numbers: the copying gained, and the nats lost.")
        slope = _first_slope(PatternTask(min(alphabet, 8), period, period)) if alphabet <= 8 else None
        want = early_writing(alphabet, period, rate, steps)
        if slope is not None:
            gained = np.trace(slope) / alphabet - slope.mean()
            want = (-rate * steps * gained, rate * steps * (slope**2).sum())
        words = f"for {alphabet} letters, period {period}, rate {rate} and {steps} steps"
        expect(f"the copying {words}", got[0], want[0], tolerance=1e-7,
               hint="How often is a letter the target, given that a fifth of the attention is on it?")
        expect(f"the loss {words}", got[1], want[1], tolerance=1e-7,
               hint="To first order a step lowers the loss by the rate times the squared size of the gradient.")


def _first_slope(task: PatternTask) -> np.ndarray:
    """The gradient of W_OV over every tuple of a small task, where nothing is written and attention is even."""
    tuples = np.array(list(itertools.product(range(task.alphabet), repeat=task.period)))
    config = ModelConfig(d_vocab=task.alphabet, n_ctx=task.period)
    nothing = {name: np.zeros((task.alphabet,) * 2) for name in ("W_QK", "W_OV")}
    acts = one_head.forward(nothing, one_head.encode(tuples, config))
    return one_head.backward(nothing, acts, tuples[:, 0])["W_OV"]


def steps_of_turns(updates, length, order):
    phases, rest = divmod(updates - 1, length)
    waited = phases + (order == "look-first")
    return waited * length + phases * length + rest + 1


@checker(steps_of_turns, right="Turns cost what they wait for: the other's phases, and nothing else.")
def check_steps_of_turns(answer):
    """Whether ``answer(updates, length, order)`` is the step after which writing had so many updates."""
    for updates, length, order in itertools.product((180, 100, 51, 50, 1), (50, 20, 1), ("write-first", "look-first")):
        train, had, step = alternate(order, length, length), 0, 0
        while had < updates:
            had += train(step) == WRITE
            step += 1
        got, words = answer(updates, length, order), f"For {updates} updates, phases of {length}, {order}"
        if _is(got, step + length):
            raise Objection(f"{words}: you wait once too often; the phase after the last update is not needed.")
        expect(words, got, step)


def valley(look, write, order, alphabet, period):
    worth_copying = np.exp(look) > (period - 1) / (alphabet - 1)
    copies = worth_copying if order == "write-first" else write > 0
    return 0.0 if copies else np.log(alphabet - period + 1)


@checker(valley, right="Whoever is trained first follows the sign that the other gives it.")
def check_valley(answer):
    """Whether ``answer(look, write, order, alphabet, period)`` is the loss in which long phases end."""
    cases = itertools.product((-4.0, -2.0, -1.0, 1.0), (-2.0, 2.0), ("write-first", "look-first"), ((26, 5), (6, 3)))
    for look, write, order, (alphabet, period) in cases:
        got, want = answer(look, write, order, alphabet, period), valley(look, write, order, alphabet, period)
        words = f"from look {look:g} and write {write:g}, {order}, with {alphabet} letters and period {period}"
        if _is(got, 0.0) and want > 0:
            raise Objection(f"{words[0].upper()}{words[1:]}, it does not end in the valley that copies.")
        if _is(got, np.log(alphabet - period + 1)) and want == 0:
            raise Objection(f"{words[0].upper()}{words[1:]}, the target is copied at the end, and the loss goes to 0.")
        expect(f"the loss {words}", got, want, tolerance=1e-6,
               hint="How many letters are left when those that are read are ruled out?")


def first_glance(W_OV, period):
    alphabet = W_OV.shape[1]
    letters = W_OV[:alphabet]
    copying = np.trace(letters) / alphabet - letters.mean()
    return -copying * (period - 1) / period**2


@checker(first_glance, right="One number of the random matrix decides, and its sign is a coin toss.")
def check_first_glance(answer):
    """Whether ``answer(W_OV, period)`` is the first slope along looking at the target, for small ``W_OV``."""
    for seed, (alphabet, period) in enumerate(((4, 3), (6, 2), (3, 4))):
        W_OV = 1e-5 * generator(seed, "first glance").normal(size=(alphabet, alphabet))
        want, got = _slope_along_looking(W_OV, period), answer(W_OV, period)
        if _is(got, -want, 1e-3):
            raise Objection("The sign is turned: where a letter that is read raises itself, looking at the target "
                            "lowers the loss.")
        bare = -(period - 1) / period**2 * np.trace(W_OV) / alphabet
        if _is(got, bare, 1e-3) and not _is(want, bare, 1e-3):
            raise Objection("What all letters have in common cancels in the softmax: take the mean off the diagonal's.")
        expect(f"the slope for {alphabet} letters and period {period}", got, want, tolerance=1e-3,
               hint="A score that rises wins a(1 − a) of the attention for the target, and takes it from the others.")


def _slope_along_looking(W_OV, period: int, nudge: float = 1e-3) -> float:
    """The mean loss over every tuple, before and after a bit more attention to the target's slot: its slope."""
    alphabet = len(W_OV)
    tuples = np.array(list(itertools.product(range(alphabet), repeat=period)))
    losses = []
    for score in (nudge, -nudge):
        grown = np.exp(score * (np.arange(period) == 0))
        read = (np.eye(alphabet)[tuples] * (grown / grown.sum())[:, None]).sum(axis=1)
        losses.append(one_head.loss(read @ W_OV, tuples[:, 0]))
    return float(losses[0] - losses[1]) / (2 * nudge)


def lost_jointly():
    return {"look": 0.0, "write": -5.0}


@checker(lost_jointly, right="A start from which taking turns is better than going straight down.")
def check_lost_jointly(answer):
    """Whether ``answer()`` is a start that joint training loses and write-first training saves."""
    start = answer()
    try:
        start = {name: float(start[name]) for name in ("look", "write")}
    except (TypeError, KeyError, ValueError):
        raise Objection("Return a dictionary with two numbers, look and write.") from None
    if not all(abs(value) <= 9 for value in start.values()):
        raise Objection("Keep look and write between -9 and 9.")
    ends = {order: _end(start, order) for order in ("joint", "write-first")}
    if ends["joint"] < 1:
        raise Objection(f"From there joint training is not lost: it ends at {ends['joint']:.2f} nats.")
    if ends["write-first"] > 1:
        raise Objection(f"From there training writing first is lost, too: it ends at {ends['write-first']:.2f} nats.")


def _end(start: dict, order: str) -> float:
    """The loss after 1,500 steps at rate 2 from a start, in phases of fifty steps."""
    task, train, point = PatternTask(distinct=True), alternate(order, 50, 50), start | {"away": 0.0}
    for step in range(1500):
        slopes, moving = small_head.backward(point, task), train(step)
        for name, matrix in (("look", "W_QK"), ("write", "W_OV")):
            point[name] -= 2.0 * float(slopes[name]) * (matrix in moving)
    return float(small_head.loss(point, task))
