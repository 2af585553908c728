"""How many contexts are answered wrong, and by how much the closest call is decided: exactly, without listing them all.

A box in which the answer wins everywhere has no wrong context, one in which some other token is above it everywhere has
nothing else. Both are counted as a whole, unless the smallest margin may lie there. What is neither is split, and where
few contexts are left these are listed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import RangeError
from ...rules import Each, Number, Whole
from ...signatures import checked
from .enumerate import context, every_margin
from .families import Boxes, size, split
from .plane import Plane
from .prove import bounds

__all__ = ["Exact", "examine"]

FEW, AT_ONCE = 2**14, 64  # contexts that are listed; boxes that are bounded together


class Exact(NamedTuple):
    """How many contexts there are and how many are answered wrong; the smallest margin and a context that has it."""

    contexts: int
    wrong: int
    margin: float
    worst: tuple[int, ...]


@checked
def examine(plane: Plane, families: Each(Boxes, low=1), *, within: Number(above=0) = 1e-6,
            most: Whole(1) = 1_000_000) -> Exact:
    """Count the wrong contexts of these families, and find the smallest margin to ``within``.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.analysis.certificates.families import families as families_of
    >>> from transformer_lab.analysis.certificates.plane import WANTED, plane_of
    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.tasks.rules import RuleTask
    >>> config = ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=4)
    >>> found = examine(plane_of(init(config), config, 11), families_of(RuleTask(n_ctx=4)))
    >>> found.contexts, found.wrong > 0
    (1626, True)
    """
    contexts, wrong, tried = sum(sum(size(boxes)) for boxes in families), 0, 0
    margin, worst = closest(plane, families)
    pending = list(families)
    while pending:
        boxes = pending.pop()
        if len(boxes.answers) > AT_ONCE:
            pending.append(boxes.pick(slice(AT_ONCE, None)))
            boxes = boxes.pick(slice(AT_ONCE))
        if (tried := tried + len(boxes.answers)) > most:
            raise RangeError("most", f"{most} boxes, which do not decide it", "more", "Raise it.")
        found, sizes = bounds(plane, boxes), np.array(size(boxes), object)
        if found.margins.min() < margin:
            margin, worst = touching(plane, found)
        settled = ((found.least > 0) | (found.most < 0)) & (found.least >= margin - within)
        wrong += int(sizes[settled & (found.most < 0)].sum())
        few = ~settled & (sizes <= FEW)
        for box in np.flatnonzero(few):
            for tokens, margins in every_margin(plane, boxes, box):
                wrong += int((margins <= 0).sum())
                if margins.min() < margin:
                    margin, worst = float(margins.min()), context(tokens, margins.argmin(), plane.query)
        if (rest := ~settled & ~few).any():
            pending.append(split(plane, boxes.pick(rest))[0])
    return Exact(contexts, wrong, margin, worst)


def closest(plane, families):
    """The smallest margin of a context that touches the polygon of a family, and this context."""
    return min(touching(plane, bounds(plane, boxes)) for boxes in families)


def touching(plane, found):
    box, side = np.unravel_index(found.margins.argmin(), found.margins.shape)
    return float(found.margins[box, side]), (*found.contexts[box, side].tolist(), plane.query)
