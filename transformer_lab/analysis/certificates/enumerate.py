"""The slow way: every context of a box, one by one. What the proof says is held to this where both can be had.

Numerator and denominator of the attention average are sums over positions, so those of all contexts are built by outer
sums, a chunk at a time.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from ...rules import Each, Whole
from ...signatures import checked
from .families import Boxes, weights
from .plane import Plane, gaps

__all__ = ["Enumeration", "enumerate_contexts"]

CHUNK = 2**14


class Enumeration(NamedTuple):
    """How many contexts there are, on how many the model is wrong, the smallest lead of a right answer over the
    strongest other token and a context that has it; and the first wrong contexts, query included.
    """

    contexts: int
    wrong: int
    margin: float
    worst: tuple[int, ...]
    counterexamples: list[tuple[int, ...]]


def every_margin(plane: Plane, boxes: Boxes, box: int):
    """Margins of all contexts of one box, a chunk at a time: pairs of the tokens of each position, whose product they
    are, and the margins in the order of this product.
    """
    a, own = (each[0] for each in weights(plane, boxes.pick([box])))
    tokens = [np.flatnonzero(row) for row in boxes.allowed[box]]
    cut = boxes.t
    while cut and np.prod([float(len(each)) for each in tokens[cut - 1:]]) <= CHUNK:
        cut -= 1
    here = np.append(own * plane.values[boxes.t, plane.query], own)[:, None]
    tail = summed(plane, a, tokens, range(cut, boxes.t), here)
    for head in itertools.product(*tokens[:cut]):
        sums = tail.copy()
        for i, token in enumerate(head):
            sums += np.append(a[i, token] * plane.values[i, token], a[i, token])[:, None]
        z = plane.start[boxes.t][:, None] + sums[:2] / sums[2]
        yield [np.array([token]) for token in head] + tokens[cut:], gaps(
            plane, z, boxes.answers[box]).min(axis=0)


def summed(plane, a, tokens, positions, start):
    """Outer sums of weighted values and weights: (3, contexts)."""
    total = start
    for i in positions:
        pull = np.vstack([(a[i, tokens[i], None] * plane.values[i, tokens[i]]).T, a[i, tokens[i]]])
        total = (total[:, :, None] + pull[:, None, :]).reshape(3, -1)
    return total


def context(tokens, index: int, query: int) -> tuple[int, ...]:
    """The context at this place of the product."""
    places = np.unravel_index(index, [len(each) for each in tokens])
    return (*(int(each[place]) for each, place in zip(tokens, places, strict=True)), query)


@checked
def enumerate_contexts(plane: Plane, families: Each(Boxes, low=1), most: Whole() = 1000) -> Enumeration:
    """Decide every context of these families; at most ``most`` counterexamples are spelled out.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.analysis.certificates.families import families
    >>> from transformer_lab.analysis.certificates.plane import WANTED, plane_of
    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.tasks.rules import RuleTask
    >>> config = ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=3)
    >>> enumerate_contexts(plane_of(init(config), config, 11), families(RuleTask(n_ctx=3))).contexts
    114
    """
    contexts, wrong, margin, worst, counterexamples = 0, 0, np.inf, (), []
    for boxes in families:
        for box in range(len(boxes.answers)):
            for tokens, margins in every_margin(plane, boxes, box):
                contexts, wrong = contexts + margins.size, wrong + int((margins <= 0).sum())
                if (least := margins.min()) < margin:
                    margin, worst = float(least), context(tokens, margins.argmin(), plane.query)
                if least <= 0 and len(counterexamples) < most:
                    places = np.flatnonzero(margins <= 0)[:most - len(counterexamples)]
                    counterexamples += [context(tokens, place, plane.query) for place in places]
    return Enumeration(contexts, wrong, margin, worst, counterexamples)
