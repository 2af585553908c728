"""Chapter 03: the solutions against witnesses that share no code with them, and mistakes that readers make."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from chapters.ch03.exercises import (
    bag_ceiling,
    best_blind_head,
    check_bag_ceiling,
    check_best_blind_head,
    check_early_writing,
    check_first_glance,
    check_lost_jointly,
    check_share,
    check_steps_of_turns,
    check_valley,
    early_writing,
    first_glance,
    lost_jointly,
    share,
    steps_of_turns,
    valley,
)
from chapters.ch03.look_write import share_of_writing
from chapters.ch03.walks import walk
from transformer_lab import ModelConfig, generator
from transformer_lab.byhand import one_head, small_head
from transformer_lab.tasks.patterns import PatternTask, ceiling, sample


def most_common_alone(alphabet, period):
    """The share of the largest count in the whole tuple: the last letter is counted as a candidate, too."""
    tuples = itertools.product(range(alphabet), repeat=period)
    return sum(Fraction(max(map(row.count, row)), period) for row in tuples) / alphabet**period


def without_the_last(alphabet, period):
    return float(ceiling(PatternTask(alphabet, period, period), positions=False, last=False))


def even_head(alphabet):
    return np.zeros((alphabet, alphabet)), np.eye(alphabet)


def forgets_the_root(alphabet):
    return -4 * np.eye(alphabet), np.eye(alphabet)


def one_off(updates, length, order):
    return steps_of_turns(updates + 1, length, order)


WRONG = [
    (check_share, lambda n, k, w, b: (n - w) / (n - b), "first alone"),
    (check_share, lambda n, k, w, b: (k - b) / (n - b), "second alone"),
    (check_share, lambda n, k, w, b: 1 - share(n, k, w, b), "share of looking"),
    (check_share, lambda n, k, w, b: (n - w + k - b) / 2, "off"),
    (check_share, lambda *losses: "half", "array of numbers"),
    (check_bag_ceiling, lambda a, p: 1 / (p - 1), "distinct letters"),
    (check_bag_ceiling, without_the_last, "came last"),
    (check_bag_ceiling, most_common_alone, "came last"),
    (check_bag_ceiling, lambda a, p: 1 / a, "off"),
    (check_bag_ceiling, lambda a, p: None, "returned nothing"),
    (check_best_blind_head, even_head, "weigh less"),
    (check_best_blind_head, lambda n: (-500 * np.eye(n), np.eye(n)), "must not vanish"),
    (check_best_blind_head, forgets_the_root, "must not vanish"),
    (check_best_blind_head, lambda n: (best_blind_head(n)[0], -np.eye(n)), "are possible"),
    (check_best_blind_head, lambda n: best_blind_head(n)[0], "two matrices"),
    (check_best_blind_head, lambda n: (np.eye(n + 1), np.eye(n)), "shapes"),
    (check_early_writing, lambda a, p, r, n: early_writing(a, p, r, 1), "copying"),
    (check_early_writing, lambda a, p, r, n: (r * n / (a * p), early_writing(a, p, r, n)[1]), "copying"),
    (check_early_writing, lambda a, p, r, n: (early_writing(a, p, r, n)[0],) * 2, "loss"),
    (check_early_writing, lambda a, p, r, n: (early_writing(a, p, r, n)[0], early_writing(a, p, r, n)[1] / 2), "loss"),
    (check_early_writing, lambda a, p, r, n: early_writing(a, p, r, n)[0], "two numbers"),
    (check_steps_of_turns, lambda n, k, o: 2 * n, "off"),
    (check_steps_of_turns, lambda n, k, o: n + (n // k + (o == "look-first")) * k, "once too often"),
    (check_steps_of_turns, lambda n, k, o: steps_of_turns(n, k, "write-first"), "look-first"),
    (check_steps_of_turns, one_off, "For"),
    (check_valley, lambda u, w, o, a, p: valley(u, w, "look-first", a, p), "From look"),
    (check_valley, lambda u, w, o, a, p: valley(u + np.log((p - 1) / (a - 1)), w, o, a, p), "copied at the end"),
    (check_valley, lambda u, w, o, a, p: valley(u, w, o, 26, 5), "letters"),
    (check_valley, lambda u, w, o, a, p: np.where(valley(u, w, o, a, p) == 0, 0, np.log(a - p)), "ruled out"),
    (check_valley, lambda u, w, o, a, p: 0.0, "does not end"),
    (check_first_glance, lambda W, p: -first_glance(W, p), "sign is turned"),
    (check_first_glance, lambda W, p: -np.trace(W) / len(W) * (p - 1) / p**2, "mean off"),
    (check_first_glance, lambda W, p: first_glance(W, p) * p / (p - 1), "a(1 − a)"),
    (check_first_glance, lambda W, p: first_glance(W.T, p) * 2, "off"),
    (check_lost_jointly, lambda: {"look": 1.0, "write": 1.0}, "joint training is not lost"),
    (check_lost_jointly, lambda: {"look": -4.0, "write": -4.0}, "writing first is lost"),
    (check_lost_jointly, lambda: {"look": 0.0, "write": -50.0}, "between"),
    (check_lost_jointly, lambda: (0.0, -5.0), "dictionary"),
]


def test_the_share_is_the_packages():
    for row in generator(0, "shares").random((5, 4)):
        losses = dict(zip(("neither", "look", "write", "both"), row + np.eye(4)[0] * 3, strict=True))
        assert share(**losses) == pytest.approx(float(share_of_writing(losses)), rel=1e-12)


def test_the_counted_ceiling_is_the_derived_one():
    for alphabet, period in ((2, 3), (4, 4), (3, 5)):
        assert bag_ceiling(alphabet, period) == ceiling(PatternTask(alphabet, period, 2 * period), positions=False)


def test_any_weight_between_a_third_and_one_reaches_the_ceiling():
    for weight in (0.34, 0.7, 0.99):
        assert check_best_blind_head(lambda n, w=weight: (np.log(w) * np.sqrt(n) * np.eye(n), np.eye(n)))
    for weight in (0.32, 1.01):
        assert not check_best_blind_head(lambda n, w=weight: (np.log(w) * np.sqrt(n) * np.eye(n), np.eye(n)))


def test_early_writing_is_what_small_steps_do():
    """A single small step of the package's head, on many lines, against the formula for 26 letters."""
    config, task = ModelConfig(d_vocab=26, n_ctx=20), PatternTask()
    nothing = {name: np.zeros((26, 26)) for name in ("W_QK", "W_OV")}
    lines = sample(task, 20_000, seed=0)
    grad = one_head.backward(nothing, one_head.forward(nothing, one_head.encode(lines.tokens, config)),
                             lines.targets)["W_OV"]
    copying, fallen = early_writing(26, 5, 1.0, 1)
    assert grad.mean() - np.trace(grad) / 26 == pytest.approx(copying, rel=0.02)
    assert (grad**2).sum() == pytest.approx(fallen, rel=0.05)


def test_the_first_glance_is_the_small_heads_slope():
    """Where writing is a tiny multiple of the copying matrix, the slope is that of the head with two numbers."""
    for task in (PatternTask(6, 3, 3), PatternTask(8, 2, 4)):
        slope = small_head.backward({"look": 0.0, "away": 0.0, "write": 1e-6}, task)["look"]
        assert first_glance(1e-6 * np.eye(task.alphabet), task.period) == pytest.approx(float(slope), rel=1e-4)


def test_the_valley_is_where_long_phases_end():
    task = PatternTask(6, 3, 6, distinct=True)
    look, write = np.meshgrid([-3.0, 1.0], [-2.0, 2.0])
    for order in ("write-first", "look-first"):
        ends = walk({"look": look, "away": 0.0, "write": write}, task, order=order, look=1500, write=1500, steps=6000,
                    whole_path=False)["loss"][-1]
        told = [valley(u, w, order, 6, 3) for u, w in zip(look.ravel(), write.ravel(), strict=True)]
        np.testing.assert_allclose(ends.ravel(), told, atol=0.1)


def test_a_lost_start_is_lost_for_long():
    end = walk(lost_jointly() | {"away": 0.0}, PatternTask(distinct=True), steps=4000, learning_rate=2.0,
               whole_path=False)["loss"][-1]
    assert end == pytest.approx(np.log(22), abs=0.02)
