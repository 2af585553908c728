"""Chapter 03: the solutions against witnesses that share no code with them."""

import numpy as np
import pytest

from chapters.ch03.every_pattern import bag_accuracy
from chapters.ch03.exercises import early_writing, first_glance, lost_jointly, valley, weight_of_copies
from chapters.ch03.study import walk
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head, small_head
from transformer_lab.tasks.patterns import PatternTask, ceiling, sample


@pytest.mark.parametrize("period", range(2, 6))
def test_within_the_range_of_weights_a_head_is_at_the_ceiling_and_outside_it_is_not(period):
    task, (low, high) = PatternTask(period + 1, period, 2 * period), weight_of_copies(period)
    best = ceiling(task, positions=False)

    def share(weight):
        return bag_accuracy(np.log(weight) * np.sqrt(len(eye)) * eye, eye, task)

    eye = np.eye(task.alphabet)
    assert share(low + 0.01) == share(high - 0.01) == best
    assert share(high + 0.01) < best
    assert period < 4 or share(low - 0.01) < best


def test_early_writing_is_what_small_steps_do():
    """A single small step of the package's head, on many lines, against the formula for 26 letters."""
    config, task = OneHeadConfig(d_vocab=26, n_ctx=20), PatternTask()
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
        assert first_glance(1e-6 * np.eye(task.alphabet), task.period)[0] == pytest.approx(float(slope), rel=1e-4)


def test_the_valley_is_where_long_phases_end():
    task = PatternTask(6, 3, 6, distinct=True)
    look, write = np.meshgrid([-3.0, 1.0], [-2.0, 2.0])
    for order in ("write-first", "look-first"):
        ends = walk(look, write, task, order=order, phase=1500, steps=6000)["loss"][-1]
        told = [valley(u, w, order, 6, 3) for u, w in zip(look.ravel(), write.ravel(), strict=True)]
        np.testing.assert_allclose(ends.ravel(), told, atol=0.1)


def test_a_lost_start_is_lost_for_long():
    end = walk(**lost_jointly(), task=PatternTask(distinct=True), steps=4000, learning_rate=2.0)["loss"][-1]
    assert end == pytest.approx(np.log(22), abs=0.02)
