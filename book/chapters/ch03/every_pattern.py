r"""What a trained head does on *every* pattern: exactly, without trying all ``alphabet**period`` of them.

A head that reads out at its last token is a weighted mean: :math:`\ell = \sum_t w_t v_t / \sum_t w_t`, with
:math:`w_t = e^{s_t}` and :math:`v_t = x_t W_{OV}`. Only the numerator decides which logit is largest, and it is a sum
of one term a position.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np

from transformer_lab.errors import ArgumentError
from transformer_lab.rules import Array
from transformer_lab.signatures import checked
from transformer_lab.tasks.patterns import PatternTask

__all__ = ["bag_accuracy", "smallest_lead"]


@checked
def bag_accuracy(W_QK: Array("task.alphabet task.alphabet"), W_OV: Array("task.alphabet task.alphabet"),
                 task: PatternTask) -> Fraction:
    """The accuracy of one head without positions over all tuples of the task, letters drawn with replacement.

    What it answers depends on the last token and on how often each letter occurs, and there are few such bags: 617,526
    in place of 11,881,376 tuples. It is right in as many tuples as there are orders of the bag with the answer in the
    target's slot. No order is tried: they are counted. The tuple must fit a whole number of times into the task's line.

    >>> bag_accuracy(-40 * np.eye(3), np.eye(3), PatternTask(3, 3, 9))
    Fraction(2, 3)
    """
    if task.n_ctx % task.period:
        raise ArgumentError("task", f"{task}", "a tuple that fits a whole number of times",
                            "Choose n_ctx as a multiple of period.")
    W_QK, W_OV, others = W_QK.astype(float), W_OV.astype(float), task.period - 1
    bags = np.array(list(combinations_with_replacement(range(task.alphabet), others)))
    counts = (bags[:, :, None] == np.arange(task.alphabet)).sum(axis=1)                # (bags, letters)
    factorial = np.array([math.factorial(k) for k in range(task.period)])
    orders, right = factorial[others] // factorial[counts].prod(axis=-1), 0
    for last, scores in enumerate(W_QK / math.sqrt(task.alphabet)):
        weights = np.exp(scores - scores.max())
        answers = ((counts + np.eye(task.alphabet)[last]) * weights @ W_OV).argmax(axis=-1)
        right += int((orders * np.take_along_axis(counts, answers[:, None], axis=-1)[:, 0]).sum())
    return Fraction(right, task.alphabet**task.period * others)


@checked
def smallest_lead(W_QK: Array("d d"), W_OV: Array("d task.alphabet"), places: Array("task.n_ctx d_pos", empty=True),
                  task: PatternTask) -> float:
    """The least by which the right logit leads any other, over all tuples, for one head with positions ``places``.

    Above 0, the head is right on every pattern that exists. For each last letter, target and rival the numerators'
    difference is a sum over slots, whose letters are free: its minimum is the sum of the slots' minima. It is divided
    by the largest possible sum of the weights, so no logit leads by less where it is above 0.

    >>> W_QK, W_OV, task = np.zeros((7, 7)), 9 * np.eye(7, 3), PatternTask(3, 2, 4)
    >>> smallest_lead(W_QK, W_OV, np.eye(4), task)
    0.0
    >>> W_QK[6, [3, 5]] = 10  # the last position looks at the first and the third
    >>> round(smallest_lead(W_QK, W_OV, np.eye(4), task), 2)
    8.6
    """
    n, (W_QK, W_OV, places) = task.alphabet, (value.astype(float) for value in (W_QK, W_OV, places))
    queries = W_QK[:n] + places[-1] @ W_QK[n:]                                         # (last, d)
    scores = (queries[:, None, :n] + (queries[:, n:] @ places.T)[..., None]) / math.sqrt(len(W_QK))
    weights = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))                  # (last, position, letter)
    values = W_OV[:n] + (places @ W_OV[n:])[:, None]                                   # (position, letter, logit)
    terms = np.zeros((task.period, n, n, n))                                           # (slot, last, letter, logit)
    for position, slot in enumerate(task.slots):
        terms[slot] += weights[:, position, :, None] * values[position]
    own, leads = np.arange(n), np.where(np.eye(n, dtype=bool), np.inf, np.zeros((n, 1, 1)))  # (last, target, rival)
    for slot, term in enumerate(terms):
        gaps = term[..., None] - term[:, :, None]                                      # (last, letter, target, rival)
        leads += (gaps[:, own, own] if slot == task.target_slot else
                  gaps[own, own] if slot == task.slots[-1] else gaps.min(axis=1))
    return float((leads / weights.max(axis=-1).sum(axis=-1)[:, None, None]).min())
