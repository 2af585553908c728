"""Exercises of chapter 07, learning honestly: the solutions, as the chapter shows them, and their checkers."""

from __future__ import annotations

import numpy as np

from chapters.ch02.exercises import draws, object_if
from chapters.ch06.exercises import parts
from transformer_lab.byhand.optimizers import Adam
from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.tasks.digits import DigitTask, draw
from transformer_lab.tasks.splits import leakage

__all__ = ["check_adam_step", "check_calibration_error", "check_find_leak", "check_leak", "check_permutation_p",
           "check_split_inputs"]


def leak(n_inputs, n_train):
    return 1 - (1 - 1 / n_inputs) ** n_train


@checker(leak, right="Whoever draws as many examples as there are inputs has met about 63 % of them.")
def check_leak(answer):
    """Whether ``answer(n_inputs, n_train)`` is the expected share of test questions that training has shown."""
    for n_inputs, n_train in ((2, 3), (5000, 8000), (1000, 100), (7, 7)):
        got, want = answer(n_inputs, n_train), leak(n_inputs, n_train)
        object_if(got, 1 - want, "This is the share that training has never shown.")
        for every_draw_new in (n_train / n_inputs, min(1, n_train / n_inputs)):
            object_if(got, every_draw_new, "Draws repeat: n of them meet fewer than n inputs.")
        expect(f"the share for {n_inputs:,} inputs and {n_train:,} draws", got, want)


def adam_step(theta, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - rate * m_hat / (np.sqrt(v_hat) + eps), m, v


@checker(adam_step, right="That is Adam. Its first step has the size of the rate, whatever the gradient is.")
def check_adam_step(answer):
    """Whether ``answer(theta, g, m, v, t, rate)`` is one update of Adam, ``(theta, m, v)``."""
    names = ("theta", "m", "v")
    for rng in draws("adam"):
        theta, adam = rng.normal(size=4), Adam()
        m, v, rate = np.zeros(4), np.zeros(4), 0.1
        for t in (1, 2, 3):
            g, want = rng.normal(size=4) * [1, 100, 0.01, 1], theta.copy()
            adam.update(want, g, rate)
            m_next, v_next = adam.memory["m"], adam.memory["v"]
            got = parts(answer(theta, g, m, v, t, rate), names)
            object_if(got[0], theta - rate * m_next / (np.sqrt(v_next) + 1e-8),
                      "Nothing corrects the start: m and v begin at zero and are too small in the first steps.")
            object_if(got[0], theta - rate * m_next / (1 - 0.9**t) / (np.sqrt(v_next) + 1e-8),
                      "m is corrected for its start at zero; v needs it, too.")
            object_if(got[0], 2 * theta - want, "This goes uphill.")
            object_if(got[2], 0.999 * v + 0.001 * g, "v is a mean of squared gradients.")
            for name, mine, right in zip(names, got, (want, m_next, v_next), strict=True):
                expect(f"{name} after step {t}", mine, right)
            theta, m, v = want, m_next.copy(), v_next.copy()


def split_inputs(examples, share, rng):
    inputs = list(dict.fromkeys(examples))
    order = rng.permutation(len(inputs))
    kept = {inputs[i] for i in order[:round(share * len(inputs))]}
    return ([x for x in examples if x not in kept],
            [x for x in examples if x in kept])


@checker(split_inputs, right="No input stands on both sides, and no example was lost.")
def check_split_inputs(answer):
    """Whether ``answer(examples, share, rng)`` divides the distinct inputs, and copies stay together."""
    task = DigitTask(high=3)
    for seed, share in ((0, 0.2), (1, 0.5)):
        examples = draw(task, 800, seed=seed)
        sides = [parts(answer(examples, share, rng), ("train", "held_out")) for rng in draws("split", 2)]
        train, held_out = map(list, sides[0])
        if sorted(train + held_out) != sorted(examples):
            raise Objection("Both sides together should hold every example once, copies included.")
        if shared := leakage(train, held_out).shared:
            raise Objection(f"{shared} of the {len(held_out)} held-out examples also stand in training: divide inputs.")
        expect("the share of distinct inputs that is held out", len(set(held_out)) / len(set(examples)), share,
               tolerance=0.02)
        if set(held_out) == set(sides[1][1]):
            raise Objection("Two generators give the same split: draw the held-out inputs at random.")


def find_leak(train, held_out):
    def key(expression):
        operation, arguments = expression
        if operation in ("Max", "Min"):
            arguments = tuple(sorted(arguments))
        return operation, arguments

    seen = {key(expression) for expression in train}
    return sum(key(expression) in seen for expression in held_out) / len(held_out)


@checker(find_leak, right="For Max and Min an order of the arguments is nothing new; for the others it is.")
def check_find_leak(answer):
    """Whether ``answer(train, held_out)`` is the share of held-out questions that training answers up to order."""
    for seed in range(3):
        drawn = draw(DigitTask(), 2000, seed=seed, distinct=True)
        train, held_out = drawn[:1500], drawn[1500:]
        got, want = answer(train, held_out), find_leak(train, held_out)
        seen = {(operation, tuple(sorted(arguments))) for operation, arguments in train}
        in_any_order = np.mean([(operation, tuple(sorted(arguments))) in seen for operation, arguments in held_out])
        object_if(got, leakage(train, held_out).share, "These are equal inputs only; Max ( 5 , 3 , 9 ) and "
                                                       "Max ( 9 , 3 , 5 ) are one question asked twice.")
        object_if(got, in_any_order, "First, Second and Last care about the order of their arguments.")
        object_if(got, want * len(held_out), "This is how many; the share divides by the number of held-out questions.")
        expect("the share", got, want)


def calibration_error(confidence, right, n_bins=10):
    place = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    error = 0.0
    for b in range(n_bins):
        inside = place == b
        if inside.any():
            gap = right[inside].mean() - confidence[inside].mean()
            error += inside.mean() * abs(gap)
    return error


@checker(calibration_error, right="A model that says 70 % and is right in 70 % of such cases has an error of zero.")
def check_calibration_error(answer):
    """Whether ``answer(confidence, right)`` is the expected calibration error with ten bins."""
    for rng in draws("calibration"):
        confidence = np.append(rng.beta(2, 1.5, size=400), 1.0)
        right = rng.random(401) < 0.4 + 0.3 * confidence  # too shy in some bins, too sure in others
        place = np.minimum((confidence * 10).astype(int), 9)
        gaps = [right[place == b].mean() - confidence[place == b].mean() for b in sorted(set(place))]
        shares = [(place == b).mean() for b in sorted(set(place))]
        got, want = answer(confidence, right), calibration_error(confidence, right)
        object_if(got, np.abs(gaps).mean(), "Bins count by how many answers fall into them.")
        for cancelling in (np.dot(shares, gaps), abs(np.dot(shares, gaps))):  # also what all answers at once give
            object_if(got, cancelling, "Too sure in one bin and too shy in another must not cancel.")
        object_if(got, np.abs(right - confidence).mean(), "One answer is right or wrong; compare means of a bin.")
        expect("the calibration error", got, want)


def permutation_p(x, y, orders):
    true = np.corrcoef(x, y)[0, 1]
    found = [np.corrcoef(x, y[order])[0, 1] for order in orders]
    return (1 + np.sum(np.array(found) >= true - 1e-12)) / (1 + len(orders))


@checker(permutation_p, right="The true order is one of the orders, so no p-value is zero.")
def check_permutation_p(answer):
    """Whether ``answer(x, y, orders)`` is the one-sided p-value of a correlation among shuffled orders."""
    for rng in draws("permutation"):
        x, orders = np.arange(6.0), np.array([rng.permutation(6) for _ in range(199)])
        y = x + 4 * rng.normal(size=6)
        true, found = np.corrcoef(x, y)[0, 1], np.array([np.corrcoef(x, y[order])[0, 1] for order in orders])
        got, above = answer(x, y, orders), found >= true - 1e-12
        object_if(got, above.mean(), "Count the true order, too: it is one of those that could have come.")
        object_if(got, (1 + np.sum(found <= true + 1e-12)) / 200, "This is the other tail: count what is as large.")
        object_if(got, (1 + np.sum(np.abs(found) >= abs(true) - 1e-12)) / 200,
                  "This is two-sided; the question was about correlations at least as large.")
        expect("p", got, permutation_p(x, y, orders))
        tied = np.arange(3.0)
        expect("p where every order is the true one", answer(tied, tied, np.tile(np.arange(3), (4, 1))), 1.0,
               hint="An order that does equally well counts.")
