"""Is the model right on every context? Bound each family; where the bound does not decide, split it and go on.

A family is proved when the polygon around all that it can reach lies where the right token wins. It is refuted when one
of the contexts that touch the polygon is answered wrong. If neither, one position is split by its token; at the latest
a box of one context is decided.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import RangeError
from ...rules import Each, Whole
from ...signatures import checked
from .families import Boxes, size, split
from .plane import Plane, gaps
from .regions import leads
from .support import Support, compass, polygons, support

__all__ = ["Bounds", "Proof", "prove"]

ENTRIES = 2**20  # numbers in an array while boxes are bounded: a few megabytes, which stay in the cache


class Bounds(NamedTuple):
    """What is known of each box: a polygon around it, the least lead of its answer there, the largest over the
    strongest rival, and the margins of the contexts that touch the polygon.
    """

    corners: np.ndarray   # (box, corner, 2)
    least: np.ndarray     # (box,)
    most: np.ndarray      # (box,)
    margins: np.ndarray   # (box, direction)
    contexts: np.ndarray  # (box, direction, t)


class Proof(NamedTuple):
    """The verdict; the smallest lead that is proved, or of a counterexample; each family's polygon, or its split into
    parts, or its counterexample; the counterexamples, smallest margin first; and how many boxes were bounded.
    """

    proved: bool
    margin: float
    contexts: int
    trees: list[dict]
    counterexamples: list[tuple[float, tuple[int, ...]]]
    boxes: int


def bounds(plane: Plane, boxes: Boxes, directions: int = 16) -> Bounds:
    """Enclose each box in a polygon of so many sides, and find the least and the largest lead there."""
    stride = max(1, ENTRIES // (directions * boxes.allowed[0].size))
    parts = [bounded(plane, boxes.pick(slice(first, first + stride)), compass(directions))
             for first in range(0, len(boxes.answers), stride)]
    return Bounds(*map(np.concatenate, zip(*parts, strict=True)))


def bounded(plane, boxes, directions):
    reached, margins = touching(plane, boxes, directions)
    corners = polygons(directions, reached.heights)
    return Bounds(corners, *leads(plane, corners, boxes.answers), margins, reached.contexts)


def touching(plane: Plane, boxes: Boxes, directions: np.ndarray) -> tuple[Support, np.ndarray]:
    """What reaches furthest in each direction, and the margins (box, direction) of these contexts."""
    reached = support(plane, boxes, directions)
    margins = np.empty(reached.heights.shape)
    for answer in np.unique(boxes.answers):
        here = boxes.answers == answer
        found = gaps(plane, reached.points[here].reshape(-1, 2).T, answer).min(axis=0)
        margins[here] = found.reshape(-1, len(directions))
    return reached, margins


@checked
def prove(plane: Plane, families: Each(Boxes, low=1), *, directions: Whole(3, 1000) = 16,
          most: Whole(1) = 200_000) -> Proof:
    """Prove the model right on all contexts of these families, or find those in which it is wrong.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.analysis.certificates.families import families as families_of
    >>> from transformer_lab.analysis.certificates.plane import WANTED, plane_of
    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.tasks.rules import RuleTask
    >>> config = ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=3)
    >>> untrained = prove(plane_of(init(config), config, 11), families_of(RuleTask(n_ctx=3)))
    >>> untrained.proved, len(untrained.trees)
    (False, 18)
    """
    trees, tried = [], 0
    for boxes in families:
        nodes = [{} for _ in boxes.answers]
        trees, pending = trees + nodes, nodes
        while pending:
            if (tried := tried + len(pending)) > most:
                raise RangeError("most", f"{most} boxes, which do not decide it", "more", "Raise it, or train longer.")
            boxes, pending = decided(plane, boxes, pending, directions)
    leaves = [leaf for tree in trees for leaf in leaves_of(tree)]
    wrong = sorted((leaf["margin"], leaf["context"]) for leaf in leaves if "context" in leaf)
    return Proof(not wrong, min(leaf["margin"] for leaf in leaves), sum(sum(size(boxes)) for boxes in families), trees,
                 wrong, tried)


def decided(plane, boxes, nodes, directions):
    """Write into the nodes what the bounds decide; the boxes that they do not, split, and a node for each part."""
    found, alone = bounds(plane, boxes, directions), boxes.allowed.sum(axis=-1).max(axis=-1) == 1
    worst = found.margins.argmin(axis=1)
    margins = found.margins[np.arange(len(worst)), worst]
    for b, node in enumerate(nodes):
        if found.least[b] > 0:
            node.update(margin=float(found.least[b]), corners=found.corners[b].tolist())
        elif margins[b] <= 0 or alone[b]:
            tokens = *found.contexts[b, worst[b]].tolist(), plane.query
            node.update(margin=float(margins[b]), context=tokens)
    rest = np.array([b for b, node in enumerate(nodes) if not node], int)
    parts, origin, place = split(plane, boxes.pick(rest))
    children = [{} for _ in origin]
    for b, i in zip(rest, place, strict=True):
        nodes[b].update(split=int(i), parts=[])
    for child, b in zip(children, origin, strict=True):
        nodes[rest[b]]["parts"].append(child)
    return parts, children


def leaves_of(node: dict):
    """The decided boxes below a node."""
    if "parts" in node:
        for part in node["parts"]:
            yield from leaves_of(part)
    else:
        yield node
