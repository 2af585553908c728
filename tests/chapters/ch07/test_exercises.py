"""Chapter 07's exercises: planted mistakes and other right answers (read by test_frame.py)."""

import numpy as np

from chapters.ch07.exercises import (
    adam_step,
    calibration_error,
    check_adam_step,
    check_calibration_error,
    check_find_leak,
    check_leak,
    check_permutation_p,
    check_split_inputs,
    find_leak,
    leak,
    permutation_p,
    split_inputs,
)


def wrong_adam(change):
    def step(theta, g, m, v, t, rate):
        right, m_next, v_next = adam_step(theta, g, m, v, t, rate)
        if change == "uncorrected":
            return theta - rate * m_next / (np.sqrt(v_next) + 1e-8), m_next, v_next
        if change == "half":
            return theta - rate * m_next / (1 - 0.9**t) / (np.sqrt(v_next) + 1e-8), m_next, v_next
        if change == "late":
            return adam_step(theta, g, m, v, t + 1, rate)
        if change == "root":
            return theta - rate * m_next / (1 - 0.9**t) / (v_next / (1 - 0.999**t) + 1e-8), m_next, v_next
        if change == "corrected memory":
            return right, m_next / (1 - 0.9**t), v_next
        return {"uphill": (2 * theta - right, m_next, v_next), "first": (right, g, v_next), "theta": right,
                "not squared": (right, m_next, 0.999 * v + 0.001 * g)}[change]
    return step


def by_example(examples, share, rng):
    order = rng.permutation(len(examples))
    cut = round(share * len(examples))
    return [examples[i] for i in order[cut:]], [examples[i] for i in order[:cut]]


def without_copies(examples, share, rng):
    return split_inputs(list(dict.fromkeys(examples)), share, rng)


def not_random(examples, share, rng):
    inputs = sorted(set(examples))
    kept = set(inputs[:round(share * len(inputs))])
    return [x for x in examples if x not in kept], [x for x in examples if x in kept]


def shuffled_first(examples, share, rng):
    inputs = sorted(set(examples))
    rng.shuffle(inputs)
    kept = set(inputs[:round(share * len(inputs))])
    return [x for x in examples if x not in kept], [x for x in examples if x in kept]


def share_seen(key):
    return lambda train, held_out: np.mean([key(x) in set(map(key, train)) for x in held_out])


def unweighted(confidence, right):
    place = np.minimum((confidence * 10).astype(int), 9)
    return np.mean([abs(right[place == b].mean() - confidence[place == b].mean()) for b in set(place.tolist())])


def cancelling(confidence, right):
    place = np.minimum((confidence * 10).astype(int), 9)
    return sum((place == b).mean() * (right[place == b].mean() - confidence[place == b].mean())
               for b in set(place.tolist()))


def correlations(x, y, orders):
    return np.corrcoef(x, y)[0, 1], np.array([np.corrcoef(x, y[order])[0, 1] for order in orders])


def counted(condition, both=1):
    def p(x, y, orders):
        true, found = correlations(x, y, orders)
        return (both + condition(found, true).sum()) / (both + len(orders))
    return p


RIGHT = [
    (check_leak, lambda n, k: -np.expm1(k * np.log1p(-1 / n))),
    (check_split_inputs, shuffled_first),
    (check_find_leak, share_seen(lambda x: (x[0], frozenset((i, x[1].count(i)) for i in x[1]))
                                 if x[0] in ("Max", "Min") else x)),
    (check_permutation_p, lambda x, y, orders: counted(lambda found, true: found >= true - 1e-9)(2 * x + 1, y, orders)),
]
WRONG = [
    (check_leak, lambda n, k: 1 - leak(n, k), "never shown"),
    (check_leak, lambda n, k: k / n, "repeat"),
    (check_leak, lambda n, k: min(1, k / n), "repeat"),
    (check_leak, lambda n, k: 1 - np.exp(-k / n), "off"),
    (check_adam_step, wrong_adam("uncorrected"), "corrects the start"),
    (check_adam_step, wrong_adam("half"), "v needs it"),
    (check_adam_step, wrong_adam("late"), "off"),
    (check_adam_step, wrong_adam("root"), "off"),
    (check_adam_step, wrong_adam("corrected memory"), "m after"),
    (check_adam_step, wrong_adam("uphill"), "uphill"),
    (check_adam_step, wrong_adam("first"), "m after"),
    (check_adam_step, wrong_adam("not squared"), "squared"),
    (check_adam_step, wrong_adam("theta"), "3 arrays"),
    (check_split_inputs, by_example, "also stand in training"),
    (check_split_inputs, without_copies, "copies included"),
    (check_split_inputs, not_random, "at random"),
    (check_split_inputs, lambda x, share, rng: split_inputs(x, 1 - share if share != 0.5 else 0.4, rng), "the share"),
    (check_find_leak, share_seen(lambda x: x), "one question asked twice"),
    (check_find_leak, share_seen(lambda x: (x[0], tuple(sorted(x[1])))), "care about the order"),
    (check_find_leak, lambda train, held: find_leak(train, held) * len(held), "how many"),
    (check_find_leak, lambda train, held: find_leak(held, train), "off"),
    (check_calibration_error, unweighted, "how many answers"),
    (check_calibration_error, cancelling, "cancel"),
    (check_calibration_error, lambda c, r: abs(r.mean() - c.mean()), "cancel"),
    (check_calibration_error, lambda c, r: abs(r - c).mean(), "means of a bin"),
    (check_calibration_error, lambda c, r: calibration_error(c, r, 5), "off"),
    (check_permutation_p, counted(lambda found, true: found >= true - 1e-12, both=0), "true order"),
    (check_permutation_p, counted(lambda found, true: found <= true + 1e-12), "other tail"),
    (check_permutation_p, counted(lambda found, true: abs(found) >= abs(true) - 1e-12), "two-sided"),
    (check_permutation_p, counted(lambda found, true: found > true + 1e-12), "off"),
    (check_permutation_p, lambda x, y, orders: 1 - permutation_p(x, y, orders), "off"),
]
