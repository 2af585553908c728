"""Models that are wrong somewhere, sorted by what their sign looks at; and what their counterexamples are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.gaze import least_gaze, preference
from transformer_lab.analysis.certificates.plane import Plane
from transformer_lab.analysis.certificates.prove import bounds
from transformer_lab.signatures import checked
from transformer_lab.tasks.rules import RuleTask

from .contexts import spelt

__all__ = ["KINDS", "Failure", "failure"]

EVEN, ODD = np.arange(0, 11, 2), np.arange(1, 11, 2)
CHOICE = 5.0  # nats by which a sign that chooses prefers even numbers at the least
KINDS = ("looks right, misreads", "chooses, looks wrong", "does not choose", "says one number")


class Failure(NamedTuple):
    """What is wrong with a model: of which kind it is; how many families break, by the distance of the number that is
    meant and by this number; and the context that it gets most wrong.
    """

    kind: str
    distances: np.ndarray  # (n_ctx,)
    numbers: np.ndarray    # (6,)
    worst: str


@checked
def failure(plane: Plane) -> Failure:
    """Sort a model that is wrong somewhere.

    >>> from transformer_lab.byhand.transformer import init
    >>> from .contexts import config_of, to_plane
    >>> found = failure(to_plane(init(config_of(4))))
    >>> found.kind, found.worst
    ('does not choose', '0 0 0 +')
    """
    boxes = families(RuleTask(n_ctx=plane.n_ctx))
    found = [bounds(plane, each) for each in boxes]
    margins = np.concatenate([each.margins.min(axis=1) for each in found])
    wrong = margins <= 0
    distances = np.concatenate([np.repeat(np.arange(each.t, 0, -1), 6) for each in boxes])[wrong]
    numbers = np.bincount(np.concatenate([each.answers for each in boxes])[wrong] // 2, minlength=6)
    t = min(range(len(found)), key=lambda t: found[t].margins.min())
    box, side = np.unravel_index(found[t].margins.argmin(), found[t].margins.shape)
    return Failure(kind(plane, boxes, numbers), np.bincount(distances, minlength=plane.n_ctx), numbers,
                   spelt([*found[t].contexts[box, side].tolist(), plane.query]))


def kind(plane, boxes, numbers):
    if (least_gaze(plane, boxes) > 0.5).all():
        return KINDS[0]
    if np.count_nonzero(numbers) == 5 and numbers.max() == numbers[numbers > 0].min():
        return KINDS[3]
    return KINDS[1] if preference(plane, EVEN, ODD)[0] > CHOICE else KINDS[2]
