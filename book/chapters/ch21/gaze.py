"""Two questions to a model, each for all contexts: does the sign look at the latest even number, and, if it looked at
nothing else, would the answer be read off right?
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.families import families, weights
from transformer_lab.analysis.certificates.plane import Plane, gaps

from .models import TASK

__all__ = ["least_gaze", "pulls", "reads"]

BOXES = families(TASK)
PLACES = [np.repeat(np.arange(boxes.t), 6) for boxes in BOXES]  # of the latest even number
EVEN, ODD = np.arange(0, 11, 2), np.arange(1, 11, 2)


def least_gaze(plane: Plane) -> np.ndarray:
    """The least share of attention that the latest even number has in any context, by family (168,).

    Exact: the share is least where each other position holds the token of the largest weight that may stand there.
    """
    found = []
    for boxes, places in zip(BOXES, PLACES, strict=True):
        a, own = weights(plane, boxes)
        most = a.max(axis=-1)
        found.append(most[np.arange(len(places)), places] / (most.sum(axis=-1) + own))
    return np.concatenate(found)


def reads(plane: Plane) -> np.ndarray:
    """The lead of the right answer if the latest even number had all attention, by family (168,)."""
    return np.array([gaps(plane, (plane.start[boxes.t] + plane.values[place, answer])[:, None], answer).min()
                     for boxes, places in zip(BOXES, PLACES, strict=True)
                     for place, answer in zip(places, boxes.answers, strict=True)])


def pulls(plane: Plane) -> tuple[float, float]:
    """Of the scores that the last sign gives, in nats: how much higher even numbers stand than odd ones, and how much
    higher an even number one step nearer.
    """
    scores = plane.scores[7, :7]
    even = scores[:, EVEN].mean(axis=1)
    return float((even - scores[:, ODD].mean(axis=1)).mean()), float(np.diff(even).mean())
