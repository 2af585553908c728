"""What a mask lets through: what a query can know of after so many layers, and which family has such a mask."""

from __future__ import annotations

import numpy as np

from ..rules import Flags, Whole
from ..signatures import checked

__all__ = ["family_of_mask", "layers_to_know"]


@checked
def layers_to_know(mask: Flags("n n")) -> np.ndarray:
    r"""After how many layers a query can know of a key (query, key); 0 where it never can.

    What stands at a position stays in its stream, and a layer is one step along an open cell: with :math:`A = M \lor I`
    a query knows of a key after :math:`l` layers where :math:`A^l`, a product of truth values, is true (eq-mask-reach
    in the book). A position knows of itself after one.

    >>> window = np.tri(4, dtype=bool) & ~np.tri(4, k=-2, dtype=bool)
    >>> layers_to_know(window)[3].tolist()
    [3, 2, 1, 1]
    """
    step = mask | np.eye(len(mask), dtype=bool)
    known, needed = step, step.astype(int)
    for layer in range(2, len(mask)):
        further = known @ step
        needed[further & ~known] = layer
        known = further
    return needed


@checked
def family_of_mask(mask: Flags("n n"), source: Whole(0) = 0) -> str:
    """The name of a mask, by whose it is; ``source`` positions come first and are another text, where there are any.

    >>> family_of_mask(np.tri(4, dtype=bool)), family_of_mask(np.ones((4, 4), bool))
    ('causal: GPT', 'full: BERT')
    >>> prefix = np.tri(4, dtype=bool) | (np.arange(4) < 2)
    >>> family_of_mask(prefix), family_of_mask(prefix, 2)
    ('prefix of 2: prefix LM', 'source seen whole, target causal: T5')
    """
    n = len(mask)
    query, key = np.indices((n, n))
    for name, cells in named_masks(n, source, query, key):
        if np.array_equal(mask, cells):
            return name
    return "none of these"


def named_masks(n, source, query, key):
    """Every mask that has a name, the commonest first."""
    causal = key <= query
    yield "causal: GPT", causal
    yield "full: BERT", causal | True
    if 0 < source < n:
        yield "source seen whole, target causal: T5", causal | (key < source)
        own = (query < source) == (key < source)
        yield "source and target apart: two models", own & (causal | (key < source))
    for width in range(2, n):
        yield f"prefix of {width}: prefix LM", causal | (key < width)
    yield "each for itself: no attention", query == key
    for width in range(2, n):
        yield f"window of {width}: sparse GPT", causal & (query - key < width)
        yield f"window of {width} on both sides: sparse BERT", abs(query - key) < width
    yield "causal from the right: GPT read backwards", key >= query
