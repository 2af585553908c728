r"""What a trained head does on *every* pattern: exactly, without trying all ``alphabet**period`` of them.

A head that reads out at its last token is a weighted mean: :math:`\ell = \sum_t w_t v_t / \sum_t w_t`, with
:math:`w_t = e^{s_t}` and :math:`v_t = x_t W_{OV}`. Only the numerator decides which logit is largest, and it is a sum
of one term a position.

- Without positions the sum depends on the last token and on how often each letter occurs, and there are few such
  bags: 617,526 in place of 11,881,376 tuples. :func:`bag_accuracy` goes through all.
- With positions each slot of the tuple adds a term of its own letter alone. So the worst tuple is made of the worst
  letter of each slot, and :func:`smallest_lead` finds it slot by slot.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np

from transformer_lab.byhand.one_head import positions_of
from transformer_lab.checks import check_array, check_entries
from transformer_lab.config import OneHeadConfig
from transformer_lab.errors import ArgumentError, RangeError
from transformer_lab.signatures import checked
from transformer_lab.tasks.patterns import PatternTask

__all__ = ["bag_accuracy", "smallest_lead"]

MOST_BAGS = 100_000


@checked
def bag_accuracy(params: dict, task: PatternTask) -> Fraction:
    """The accuracy of one head without positions over all tuples of the task, exactly.

    For every last token and every bag of the other letters the head gives one answer; it is right in as many tuples as
    there are orders of the bag with the answer in the target's slot. No order is tried: they are counted.

    ``params`` are ``W_QK`` and ``W_OV``, both (alphabet, alphabet): one head, no leading axes. The tuple must fit a
    whole number of times into the task's line, so that every slot is seen equally often.

    >>> never_copies_itself = {"W_QK": -40 * np.eye(26), "W_OV": np.eye(26)}
    >>> bag_accuracy(never_copies_itself, PatternTask(distinct=True))
    Fraction(1, 4)
    """
    W_QK, W_OV = _one_head(params, task.alphabet)
    if task.n_ctx % task.period:
        raise ArgumentError("task", f"{task}", "a tuple that fits a whole number of times",
                            "Choose n_ctx as a multiple of period.")
    counts, orders = _bags(task)
    right = 0
    for last, scores in enumerate(W_QK / math.sqrt(len(W_QK))):
        weights = np.exp(scores - scores.max())
        answers = ((counts + np.eye(task.alphabet)[last]) * weights @ W_OV).argmax(axis=-1)
        hits = orders * np.take_along_axis(counts, answers[:, None], axis=-1)[:, 0]
        right += int(hits[counts[:, last] == 0].sum() if task.distinct else hits.sum())
    tuples = math.perm(task.alphabet, task.period) if task.distinct else task.alphabet**task.period
    return Fraction(right, tuples * (task.period - 1))


@checked
def smallest_lead(params: dict, config: OneHeadConfig, task: PatternTask) -> tuple[float, np.ndarray]:
    r"""The least by which the right logit leads any other, over all tuples, for one head with positions.

    Above 0, the head is right on every pattern that exists. For each last letter, target and rival the numerators'
    difference is a sum over slots, whose letters are free: its minimum is the sum of the slots' minima.

    ``params`` are one head, no leading axes. The lead is divided by the largest possible sum of the weights, so no
    logit leads by less where it is above 0; with it comes the tuple (period) that is worst for the head. For distinct
    letters the tuples with repeats are counted too, so that the result is a lower bound.

    >>> config, task = OneHeadConfig(d_vocab=3, n_ctx=4, positions="one_hot"), PatternTask(3, 2, 4)
    >>> W_QK, W_OV = np.zeros((7, 7)), 9 * np.eye(7, 3)
    >>> smallest_lead({"W_QK": W_QK, "W_OV": W_OV}, config, task)[0]
    0.0
    >>> W_QK[6, [3, 5]] = 10  # the last position looks at the first and the third
    >>> lead, letters = smallest_lead({"W_QK": W_QK, "W_OV": W_OV}, config, task)
    >>> round(lead, 2)
    8.6
    """
    W_QK, W_OV = _one_head(params, config.d_model)
    n = task.alphabet
    places = positions_of(config, params, W_QK.dtype).reshape(task.n_ctx, -1)
    queries = W_QK[:n] + places[-1] @ W_QK[n:]                                     # (last, d_model)
    scores = (queries[:, None, :n] + (queries[:, n:] @ places.T)[..., None]) / math.sqrt(config.d_model)
    weights = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))              # (last, position, letter)
    values = W_OV[:n] + (places @ W_OV[n:])[:, None]                               # (position, letter, logit)
    terms = np.zeros((n, task.period, n, n))                                       # (last, slot, letter, logit)
    for position, slot in enumerate(task.slots):
        terms[:, slot] += weights[:, position, :, None] * values[position]
    leads = _leads(terms, task) / weights.max(axis=-1).sum(axis=-1)[:, None, None]
    last, target, rival = (int(i) for i in np.unravel_index(leads.argmin(), leads.shape))
    letters = (terms[last, :, :, target] - terms[last, :, :, rival]).argmin(axis=-1)
    letters[task.slots[-1]], letters[task.target_slot] = last, target
    return float(leads[last, target, rival]), letters


def _leads(terms: np.ndarray, task: PatternTask) -> np.ndarray:
    """Smallest lead (last, target, rival) of each target's numerator over each rival's; infinite over itself."""
    letters = np.arange(task.alphabet)
    leads = np.where(np.eye(task.alphabet, dtype=bool), np.inf, 0.0) + np.zeros((task.alphabet, 1, 1))
    for slot in range(task.period):
        logits = terms[:, slot]                                                    # (last, letter, logit)
        if slot == task.target_slot:
            leads += logits[:, letters, letters][..., None] - logits
        elif slot == task.slots[-1]:
            own = logits[letters, letters]                                         # (last, logit)
            leads += own[:, :, None] - own[:, None]
        else:
            leads += np.min([one[:, :, None] - one[:, None] for one in logits.swapaxes(0, 1)], axis=0)
    return leads


def _bags(task: PatternTask) -> tuple[np.ndarray, np.ndarray]:
    """Every bag of the letters beside the last: counts (bags, alphabet), and in how many orders each can stand."""
    if math.comb(task.alphabet + task.period - 2, task.period - 1) > MOST_BAGS:
        raise RangeError("task", f"{task}", f"at most {MOST_BAGS} bags", "Take a smaller alphabet or period.")
    bags = np.array(list(combinations_with_replacement(range(task.alphabet), task.period - 1)))
    counts = (bags[:, :, None] == np.arange(task.alphabet)).sum(axis=1)
    factorials = np.array([math.factorial(k) for k in range(task.period)])
    orders = factorials[-1] // factorials[counts].prod(axis=-1)
    return (counts[orders == factorials[-1]], orders[orders == factorials[-1]]) if task.distinct else (counts, orders)


def _one_head(params: dict, d_model: int) -> tuple[np.ndarray, np.ndarray]:
    check_entries("params", params, ("W_QK", "W_OV"))
    return (check_array("params['W_QK']", params["W_QK"], shape=(d_model, d_model)).astype(np.float64),
            check_array("params['W_OV']", params["W_OV"], shape=(d_model, None)).astype(np.float64))
