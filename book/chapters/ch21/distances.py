"""How far a model has to look back, how often it is right there, and what a reader who knows the rule would lose."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.plane import Plane, gaps
from transformer_lab.randomness import generator
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.rules import automaton, oracle

from .models import TASK

__all__ = ["at_distance", "own_loss", "wrong_by_distance"]

EVEN, ODD, PLUS = np.arange(0, 11, 2), np.arange(1, 11, 2), 11


@checked
def at_distance(distance: Whole(1, 7), n: Whole(1) = 300) -> np.ndarray:
    """Random contexts (n, 8) that end in ``+``, the latest even number so many places before it; between them stands
    anything that is not even, before that anything.

    >>> TASK.of.spelt(at_distance(3, 1)[0])
    '1 8 + 2 2 7 5 +'
    """
    rng, place = generator(0, f"distance {distance}"), 7 - distance
    tokens = rng.integers(0, 12, (n, 8))
    tokens[:, place] = rng.choice(EVEN, n)
    tokens[:, place + 1:] = rng.choice(np.append(ODD, PLUS), (n, 7 - place))
    tokens[:, 7] = PLUS
    return tokens


def wrong_by_distance(planes: list[Plane], n: int = 300) -> np.ndarray:
    """The share of random contexts that each model gets wrong (model, 7), at distances 1 to 7."""
    found = []
    for distance in range(1, 8):
        tokens = at_distance(distance, n)
        answers = tokens[:, 7 - distance]
        found.append([wrong(plane, tokens, answers) for plane in planes])
    return np.transpose(found)


def wrong(plane: Plane, tokens: np.ndarray, answers: np.ndarray) -> float:
    """The share of contexts (n, 8) at whose last sign another token wins."""
    at = np.arange(8), tokens
    a = np.exp(plane.scores[7][at] - plane.scores[7].max())[..., None]
    z = plane.start[7] + (a * plane.values[at]).sum(axis=1) / a.sum(axis=1)
    return float(np.mean(np.concatenate([gaps(plane, z[answers == answer].T, answer).min(axis=0) <= 0
                                         for answer in np.unique(answers)])))


def own_loss(examples) -> np.ndarray:
    """What one who knows the rule, and sees no more than the window, loses at each target, in nats: (row, 8)."""
    chances = automaton(TASK.rule).chances
    free = -np.log(chances[1][examples.targets])      # state 1: a number came last
    may = oracle(TASK, examples.tokens).sum(axis=-1)
    return np.where(examples.tokens == PLUS, np.log(may), free)
