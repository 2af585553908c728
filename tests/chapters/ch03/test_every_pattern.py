"""What a head does on every pattern, against writing out every pattern."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from chapters.ch03.every_pattern import bag_accuracy, smallest_lead
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.errors import ArgumentError, LabError
from transformer_lab.tasks.patterns import PatternTask, ceiling, sample
from transformer_lab.training.stepper import Stepper


def written_out(task):
    letters = np.array(list(product(range(task.alphabet), repeat=task.period)))
    return letters[:, task.slots], letters[:, task.target_slot]


def trained(config, task, steps, seed=0):
    head = Stepper(one_head.init(config, seed=seed, scale=0.3), config, "sgd")
    for step in range(steps):
        head.step(sample(task, 30, seed=seed, step=step), 5.0)
    return head.params


def lead_of(config, task, params):
    places = params.get("W_pos", np.eye(task.n_ctx, config.d_model - task.alphabet))
    return smallest_lead(params["W_QK"], params["W_OV"], places, task)


@pytest.mark.parametrize("steps", [0, 20, 200])
@pytest.mark.parametrize("task", [PatternTask(5, 4, 8), PatternTask(4, 3, 3), PatternTask(6, 4, 8)], ids=str)
def test_the_accuracy_without_positions_is_exact(task, steps):
    config = OneHeadConfig(task.alphabet, task.n_ctx)
    tokens, targets = written_out(task)
    for seed in range(3):
        params = trained(config, task, steps, seed)
        answers = one_head.forward(params, one_head.encode(tokens, config))["logits"].argmax(axis=-1)
        exact = bag_accuracy(params["W_QK"], params["W_OV"], task)
        assert exact == Fraction(int((answers == targets).sum()), len(targets))
        assert exact <= ceiling(task, positions=False)


@pytest.mark.parametrize("steps", [0, 30, 200])
@pytest.mark.parametrize("task", [PatternTask(4, 4, 8), PatternTask(5, 3, 7), PatternTask(3, 4, 9)], ids=str)
@pytest.mark.parametrize("positions", ["none", "one_hot", "learned"])
def test_no_pattern_has_a_smaller_lead(positions, task, steps):
    config = OneHeadConfig(task.alphabet, task.n_ctx, positions=positions, d_pos=3)
    tokens, targets = written_out(task)
    params = trained(config, task, steps)
    lead = lead_of(config, task, params)
    logits = one_head.forward(params, one_head.encode(tokens, config, params))["logits"]
    mine = np.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
    np.put_along_axis(logits, targets[:, None], -np.inf, axis=-1)
    smallest = (mine - logits.max(axis=-1)).min()
    assert (lead > 0) == (smallest > 0)
    assert lead <= 0 or lead <= smallest + 1e-12


def test_some_heads_are_right_on_every_pattern_and_some_are_not():
    task = PatternTask(4, 4, 8)
    config = OneHeadConfig(4, 8, positions="one_hot")
    before, after = (lead_of(config, task, trained(config, task, steps)) for steps in (0, 300))
    assert before < 0 < after


def test_bad_input():
    square, places = np.eye(5), np.eye(9)
    with pytest.raises(ArgumentError, match="whole number of times"):
        bag_accuracy(square, square, PatternTask(5, 4, 9))
    for call in (lambda: bag_accuracy({}, square, PatternTask(5, 4, 8)), lambda: bag_accuracy(square, square, "task"),
                 lambda: bag_accuracy(square, square, PatternTask(6, 4, 8)),
                 lambda: smallest_lead(square, square, places, 5),
                 lambda: smallest_lead(square, square, places, PatternTask(5, 3, 8))):
        with pytest.raises(LabError):
            call()
