"""How far a model has to look back, how often it is right there, and what a reader who knows the rule would lose."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.ends import cross_entropy
from transformer_lab.byhand.transformer import forward
from transformer_lab.randomness import generator
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.rules import automaton, oracle

from .study import MODEL, TASK

__all__ = ["at_distance", "excess", "own_loss", "wrong_by_distance"]

EVEN, ODD, PLUS = np.arange(0, 11, 2), np.arange(1, 11, 2), 11


@checked
def at_distance(distance: Whole(1, 7), n: Whole(1) = 1200) -> np.ndarray:
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


def wrong_by_distance(params: dict, n: int = 1200) -> np.ndarray:
    """The share of random contexts that each model gets wrong (seed, 7), at distances 1 to 7."""
    wrong = []
    for distance in range(1, 8):
        tokens = at_distance(distance, n)
        found = forward(params, tokens, MODEL)["logits"][..., 7, :].argmax(axis=-1)
        wrong.append((found != tokens[:, 7 - distance]).mean(axis=-1))
    return np.stack(wrong, axis=-1)


def own_loss(examples) -> np.ndarray:
    """What one who knows the rule, and sees no more than the window, loses at each target, in nats: (row, 8)."""
    chances = automaton(TASK.rule).chances
    free = -np.log(chances[1][examples.targets])      # state 1: a number came last
    may = oracle(TASK, examples.tokens).sum(axis=-1)
    return np.where(examples.tokens == PLUS, np.log(may), free)


def excess(params: dict, examples) -> np.ndarray:
    """By how much each model's mean loss is above that of one who knows the rule, on the same windows: (seed,)."""
    logits = forward(params, examples.tokens, MODEL)["logits"]
    rows = logits.reshape(*logits.shape[:-3], -1, MODEL.d_vocab)
    losses = cross_entropy(rows, np.broadcast_to(examples.targets.ravel(), rows.shape[:-1]))[0]
    return losses - own_loss(examples).mean()
