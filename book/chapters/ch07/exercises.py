"""Exercises of chapter 07, learning honestly: the solutions, as the chapter shows them, and common mistakes."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.optimizers import Adam
from transformer_lab.exercises import Exercise, Objection
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import DigitTask, draw
from transformer_lab.tasks.splits import leakage

__all__ = ["check_adam_step", "check_calibration_error", "check_find_leak", "check_leak", "check_permutation_p",
           "check_split_inputs"]


def leak(n_inputs, n_train):
    return 1 - (1 - 1 / n_inputs) ** n_train


check_leak = Exercise(
    leak, "the share", [(2, 3), (5000, 8000), (1000, 100), (7, 7)],
    right="Whoever draws as many examples as there are inputs has met about 63 % of them.",
    also_right=(lambda n, k: -np.expm1(k * np.log1p(-1 / n)),),
    mistakes={
        "This is the share that training has never shown.": lambda n, k: 1 - leak(n, k),
        "Draws repeat: n of them meet fewer than n inputs.": lambda n, k: k / n,
        "Draws repeat: as many draws as there are inputs do not meet all of them.": lambda n, k: min(1, k / n),
        "This is the limit for many inputs; for few of them it is off.": lambda n, k: 1 - np.exp(-k / n)})


def adam_step(theta, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - rate * m_hat / (np.sqrt(v_hat) + eps), m, v


def _package_adam(theta, g, m, v, t, rate):
    adam, theta = Adam().start(theta), theta.copy()
    adam.load_state({"t": t - 1, "m": m, "v": v} if t > 1 else {"t": 0})
    adam.update(theta, g, rate)
    return theta, adam.memory["m"], adam.memory["v"]


def _updates(rng):
    gradients = rng.normal(size=(3, 4)) * [1, 100, 0.01, 1]
    seen = [(0.1 * gradients[:t].sum(axis=0), 0.001 * (gradients[:t] ** 2).sum(axis=0)) for t in range(3)]
    return [(rng.normal(size=4), gradients[t], *seen[t], t + 1, 0.1) for t in range(3)]


def _moved(by):
    """Adam with another move of theta: a function of the next m and v, and of the step."""
    def step(theta, g, m, v, t, rate):
        _, m, v = adam_step(theta, g, m, v, t, rate)
        return theta - rate * by(m, v, t), m, v
    return step


check_adam_step = Exercise(
    adam_step, ("theta", "m", "v"), _updates, also_right=(_package_adam,),
    right="That is Adam. Its first step has the size of the rate, whatever the gradient is.",
    mistakes={
        "Nothing corrects the start: m and v begin at zero and are too small in the first steps.":
            _moved(lambda m, v, t: m / (np.sqrt(v) + 1e-8)),
        "m is corrected for its start at zero; v needs it, too.":
            _moved(lambda m, v, t: m / (1 - 0.9**t) / (np.sqrt(v) + 1e-8)),
        "The first step has t = 1, not 2.": lambda theta, g, m, v, t, rate: adam_step(theta, g, m, v, t + 1, rate),
        "m is divided by the root of v, not by v.":
            _moved(lambda m, v, t: m / (1 - 0.9**t) / (v / (1 - 0.999**t) + 1e-8)),
        "Return m as it is remembered: the correction belongs to this step alone.":
            lambda *a: (adam_step(*a)[0], adam_step(*a)[1] / (1 - 0.9 ** a[4]), adam_step(*a)[2]),
        "This goes uphill.": lambda *a: (2 * a[0] - adam_step(*a)[0], *adam_step(*a)[1:]),
        "m is a running mean, not the last gradient.": lambda *a: (adam_step(*a)[0], a[1], adam_step(*a)[2]),
        "v is a mean of squared gradients.": lambda *a: (*adam_step(*a)[:2], 0.999 * a[3] + 0.001 * a[1])})


def split_inputs(examples, share, rng):
    inputs = list(dict.fromkeys(examples))
    order = rng.permutation(len(inputs))
    kept = {inputs[i] for i in order[:round(share * len(inputs))]}
    return ([x for x in examples if x not in kept],
            [x for x in examples if x in kept])


def _divided(answer, examples, share):
    """The share of distinct inputs that is held out; objects to what is no split, or no random one."""
    sides = [answer(examples, share, generator(seed, "exercise split")) for seed in range(2)]
    if any(not isinstance(side, tuple | list) or len(side) != 2 for side in sides):
        raise Objection("Return two lists, in this order: train, held_out.")
    train, held_out = map(list, sides[0])
    if sorted(train + held_out) != sorted(examples):
        raise Objection("Both sides together should hold every example once, copies included.")
    if shared := leakage(train, held_out).shared:
        raise Objection(f"{shared} of the {len(held_out)} held-out examples also stand in training: divide inputs.")
    if set(held_out) == set(sides[1][1]):
        raise Objection("Two generators give the same split: draw the held-out inputs at random.")
    return len(set(held_out)) / len(set(examples))


def _by_example(examples, share, rng):
    order, cut = rng.permutation(len(examples)), round(share * len(examples))
    return [examples[i] for i in order[cut:]], [examples[i] for i in order[:cut]]


def _in_order(examples, share, rng):
    kept = sorted(set(examples))[:round(share * len(set(examples)))]
    return [x for x in examples if x not in kept], [x for x in examples if x in kept]


check_split_inputs = Exercise(
    split_inputs, "the share of distinct inputs that is held out", measure=_divided, tolerance=0.02,
    cases=lambda rng: (draw(DigitTask(high=3), 800, seed=int(rng.integers(1000))), rng.uniform(0.25, 0.45)),
    right="No input stands on both sides, and no example was lost.",
    mistakes={
        "held-out examples also stand in training": _by_example,
        "copies included": lambda examples, share, rng: split_inputs(list(dict.fromkeys(examples)), share, rng),
        "draw the held-out inputs at random": _in_order,
        "The share is held out; the rest is trained on.": lambda x, share, rng: split_inputs(x, 1 - share, rng)})


def find_leak(train, held_out):
    def key(expression):
        operation, arguments = expression
        if operation in ("Max", "Min"):
            arguments = tuple(sorted(arguments))
        return operation, arguments

    seen = {key(expression) for expression in train}
    return sum(key(expression) in seen for expression in held_out) / len(held_out)


def _sides(rng):
    drawn = draw(DigitTask(), 2000, seed=int(rng.integers(1000)), distinct=True)
    return drawn[:1500], drawn[1500:]


def _share_seen(key):
    return lambda train, held_out: np.isin([str(key(x)) for x in held_out], [str(key(x)) for x in train]).mean()


check_find_leak = Exercise(
    find_leak, "the share", _sides,
    right="For Max and Min an order of the arguments is nothing new; for the others it is.",
    also_right=(_share_seen(lambda x: (x[0], sorted(x[1]) if x[0] in ("Max", "Min") else x[1])),),
    mistakes={
        "These are equal inputs only; Max ( 5 , 3 , 9 ) and Max ( 9 , 3 , 5 ) are one question asked twice.":
            _share_seen(lambda expression: expression),
        "First, Second and Last care about the order of their arguments.":
            _share_seen(lambda expression: (expression[0], tuple(sorted(expression[1])))),
        "This is how many; the share divides by the number of held-out questions.":
            lambda train, held_out: find_leak(train, held_out) * len(held_out),
        "The two sides have changed places: which of the held-out questions does training answer?":
            lambda train, held_out: find_leak(held_out, train)})


def calibration_error(confidence, right, n_bins=10):
    place = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    error = 0.0
    for b in range(n_bins):
        inside = place == b
        if inside.any():
            gap = right[inside].mean() - confidence[inside].mean()
            error += inside.mean() * abs(gap)
    return error


def _sure(rng):
    confidence = np.append(rng.beta(2, 1.5, size=400), 1.0)
    return confidence, rng.random(401) < 0.4 + 0.3 * confidence  # too shy in some bins, too sure in others


def _gaps(confidence, right):
    """Of each bin that is not empty: the share of all answers, and right answers less confidence."""
    place = np.minimum((confidence * 10).astype(int), 9)
    return np.transpose([((place == b).mean(), right[place == b].mean() - confidence[place == b].mean())
                         for b in sorted(set(place))])


check_calibration_error = Exercise(
    calibration_error, "the calibration error", _sure,
    right="A model that says 70 % and is right in 70 % of such cases has an error of zero.",
    also_right=(lambda c, r: np.dot(*np.abs(_gaps(c, r))),),
    mistakes={
        "Bins count by how many answers fall into them.": lambda c, r: np.abs(_gaps(c, r)[1]).mean(),
        "Too sure in one bin and too shy in another must not cancel.": lambda c, r: np.dot(*_gaps(c, r)),
        "All answers are one bin here: too sure in one and too shy in another must not cancel.":
            lambda c, r: abs(r.mean() - c.mean()),
        "One answer is right or wrong; compare means of a bin.": lambda c, r: np.abs(r - c).mean(),
        "These are five bins; ten are asked for.": lambda c, r: calibration_error(c, r, 5)})


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
