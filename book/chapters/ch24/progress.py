"""What a model of the rule can do at a step of its training, skill by skill; none depends on the axes of the plane.

Three of the skills are shares over a whole table: every score that the last sign gives, every value that it could read.
The fourth, and the errors, are counted on random contexts, as many for each distance and each even number.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import Plane, gaps
from transformer_lab.analysis.certificates.prove import bounds
from transformer_lab.byhand.transformer import forward
from transformer_lab.config import ModelConfig
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Number, Whole, Wholes
from transformer_lab.signatures import checked
from transformer_lab.tasks.rules import RuleTask

__all__ = ["EVEN", "OTHERS", "PLUS", "contexts", "for_good", "onset"]

EVEN, OTHERS, PLUS = np.arange(0, 11, 2), np.array([1, 3, 5, 7, 9, 11]), 11


@checked
def contexts(n: Whole(1, 10_000) = 40) -> np.ndarray:
    """Random contexts (7, 6, n, 8) that end in a sign: the latest even number stands 1 to 7 places back, and is each.

    >>> RuleTask().of.spelt(contexts(1)[2, 1, 0])
    '+ 6 8 2 2 + 3 +'
    """
    rng, found = generator(0, "contexts of chapter 24"), np.empty((7, 6, n, 8), int)
    for distance in range(1, 8):
        rows = found[distance - 1]
        rows[:] = rng.integers(0, 12, rows.shape)
        rows[..., 8 - distance:] = rng.choice(OTHERS, (6, n, distance))
        rows[..., 7 - distance], rows[..., 7] = EVEN[:, None], PLUS
    return found


def answers(params: dict, config: ModelConfig, asked: np.ndarray) -> np.ndarray:
    """What each model says first in each context: (seed, ...) for contexts (..., 8)."""
    rows = asked.reshape(-1, 8)
    said = forward(params, rows, config)["logits"][..., 7, :].argmax(axis=-1)
    return said.reshape(*said.shape[:-1], *asked.shape[:-1])


def skips(plane: Plane) -> float:
    """*Skip*: how many of all pairs (place, even number, other token) have the even one score higher."""
    scores = plane.scores[7, :7]
    return float((scores[:, EVEN, None] > scores[:, None, OTHERS]).mean())


def latest_first(plane: Plane) -> float:
    """*Latest first*: how many of all pairs of even numbers in two places have the later one score higher."""
    scores = plane.scores[7, :7][:, EVEN]
    return float(np.mean([(scores[j][:, None] > scores[i]).mean() for j in range(7) for i in range(j)]))


def reads(plane: Plane) -> float:
    """*Say it*: how many of all even numbers, in all places before a sign in any place, are said again where the sign
    reads nothing else.
    """
    right = [gaps(plane, (plane.start[t] + plane.values[:t, answer]).T, answer).min(axis=0) > 0
             for t in range(1, 8) for answer in EVEN]
    return float(np.concatenate(right).mean())


def tail(scores: np.ndarray) -> np.ndarray:
    """By how much each token scores above the highest of those that are to be skipped, in the same place, the mean
    over places: (12,).
    """
    return (scores - scores[:, OTHERS].max(axis=1, keepdims=True)).mean(axis=0)


def families_of(plane: Plane, task: RuleTask) -> tuple[int, int]:
    """How many of the families are proved at once, and how many are refuted at once, without a split."""
    found = [bounds(plane, boxes) for boxes in families(task)]
    return (sum(int((each.least > 0).sum()) for each in found),
            sum(int((each.margins <= 0).any(axis=1).sum()) for each in found))


@checked
def onset(steps: Wholes("step"), values: Array("... step", finite=False), least: Number() = 0.95) -> np.ndarray:
    """The first of the steps at which a measure is ``least`` or more; NaN where it never is.

    >>> onset([0, 10, 20], np.array([[0.5, 0.96, 0.9], [0.1, 0.2, 0.3]])).tolist()
    [10.0, nan]
    """
    reached = np.asarray(values) >= least
    return np.where(reached.any(axis=-1), np.asarray(steps, float)[reached.argmax(axis=-1)], np.nan)


@checked
def for_good(steps: Wholes("step"), values: Array("... step", finite=False), least: Number() = 0.95) -> np.ndarray:
    """The first of the steps from which on a measure is never again below ``least``; NaN where the last value is.

    >>> for_good([0, 10, 20], np.array([[0.99, 0.5, 0.96], [0.1, 0.98, 0.3]])).tolist()
    [20.0, nan]
    """
    low = np.asarray(values) < least
    behind = np.where(low.any(axis=-1), low.shape[-1] - low[..., ::-1].argmax(axis=-1), 0)
    return np.append(np.asarray(steps, float), np.nan)[behind]
