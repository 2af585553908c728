r"""The exact shape of all points that a box of contexts can reach, by its support function.

How far do the points reach in a direction d? The largest :math:`d \cdot z` is the largest value of a ratio of two sums
over positions, and a value :math:`\lambda` is reached if and only if (eq-reach)

.. math:: F(\lambda) = \sum_i \max_{\tau \in A_i} a_i(\tau)\,\big(d \cdot v_i(\tau) - \lambda\big) \ge 0 ,

because each position chooses its token alone. F falls, and Dinkelbach's iteration (1967) finds its root in a few
rounds: choose the best tokens for :math:`\lambda`, take the ratio that these tokens have for the next :math:`\lambda`.
It begins with a real context, and ends where no context reaches a little further: how little is more than what rounding
does to :math:`d \cdot v - \lambda`, whose sign decides, even if one weight is 10^20 times another. The tokens chosen
last are a real context that reaches furthest. Many directions enclose the points in a polygon.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .families import Boxes, weights
from .plane import Plane

#: The polygon is this much larger than the points, relative to their size: more than all rounding errors.
SLACK = 1e-9
#: What counts as further, relative to the values: far above rounding, far below the slack.
FURTHER = 1e-12


class Support(NamedTuple):
    """For each box and direction how far the points reach, the one that does, and its context."""

    heights: np.ndarray   # (box, direction)
    points: np.ndarray    # (box, direction, 2)
    contexts: np.ndarray  # (box, direction, t) tokens


@cache
def compass(n: int) -> np.ndarray:
    """Directions (n, 2) all around, counterclockwise."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def support(plane: Plane, boxes: Boxes, directions: np.ndarray) -> Support:
    """The support function of each box in each direction: exact, up to rounding."""
    a, own = weights(plane, boxes)
    values, here = plane.values[:boxes.t], plane.values[boxes.t, plane.query]
    d_values, d_here = np.einsum("kd,itd->kit", directions, values), directions @ here
    pulls = np.where(boxes.allowed[:, None], a[:, None] * d_values, -np.inf)         # (box, direction, i, token)
    step = FURTHER * np.abs(plane.values).max()

    def best(level):
        """The best tokens for a level, and how far these reach."""
        chosen = (pulls - level[..., None, None] * a[:, None]).argmax(axis=-1)       # (box, direction, i)
        weight = np.take_along_axis(a[:, None], chosen[..., None], axis=-1)[..., 0]
        pull = np.take_along_axis(pulls, chosen[..., None], axis=-1)[..., 0]
        return chosen, weight, (pull.sum(axis=-1) + own[:, None] * d_here) / (weight.sum(axis=-1) + own[:, None])

    chosen, weight, reach = best(np.zeros((len(own), len(directions))))
    while (better := (found := best(reach + step))[2] > reach + step).any():
        chosen = np.where(better[..., None], found[0], chosen)
        weight = np.where(better[..., None], found[1], weight)
        reach = np.where(better, found[2], reach)
    total = weight.sum(axis=-1) + own[:, None]
    mean = ((weight[..., None] * values[np.arange(boxes.t), chosen]).sum(axis=-2) + own[:, None, None] * here)
    points = plane.start[boxes.t] + mean / total[..., None]
    return Support(reach + directions @ plane.start[boxes.t], points, chosen)


def polygons(directions: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """The corners (box, corner, 2), counterclockwise, of the polygon that the directions enclose, a little widened."""
    heights = heights + SLACK * (1 + np.abs(heights).max(axis=-1, keepdims=True))
    after, further = np.roll(directions, -1, axis=0), np.roll(heights, -1, axis=-1)
    turn = directions[:, 0] * after[:, 1] - directions[:, 1] * after[:, 0]
    return np.stack([heights * after[:, 1] - further * directions[:, 1],
                     further * directions[:, 0] - heights * after[:, 0]], axis=-1) / turn[:, None]
