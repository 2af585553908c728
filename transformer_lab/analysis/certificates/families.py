"""All contexts in which the rule decides, in boxes: a box says which tokens may stand in each position.

At a ``+`` in position t, let j be the place of the latest even number and E its value. Between j and t stands no even
number, before j anything: a *family* is one box, and all families together are all contexts, each in one of
them (eq-families). Where a rule asks for the token so many steps back, a family is one token there and anything
elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...checks import check_choice
from ...rules import Flags, Wholes
from ...signatures import checked
from ...tasks.rules import RuleTask
from .plane import Plane

__all__ = ["KINDS", "Boxes", "families"]


class Boxes(NamedTuple):
    """Boxes of contexts with the query in one position ``t``: the right answer of each, and which tokens it allows."""

    t: int
    answers: np.ndarray  # (box,)
    allowed: np.ndarray  # (box, t, token) bool

    def pick(self, which) -> Boxes:
        """Some of the boxes: a slice, places, or a truth value for each."""
        if not isinstance(which, slice):
            n = len(self.answers)
            which = (Flags(str(n), empty=True) | Wholes("some", low=0, high=n - 1, empty=True))("which", which)
            which = which if len(which) else which.astype(int)
        return Boxes(self.t, self.answers[which], self.allowed[which])


def latest_in_focus(task, t):
    focus = np.isin(np.arange(task.d_vocab), task.of.focus)
    for j in range(t):
        for answer in task.of.focus:
            allowed = np.ones((t, task.d_vocab), bool)
            allowed[j], allowed[j + 1:] = np.arange(task.d_vocab) == answer, ~focus
            yield answer, allowed


def so_far_back(steps, answers=None):
    """The token so many steps back, one of the ``answers`` or any at all."""
    def boxes(task, t):
        for answer in range(task.d_vocab) if answers is None else answers:
            allowed = np.ones((t, task.d_vocab), bool)
            allowed[t - steps] = np.arange(task.d_vocab) == answer
            yield answer, allowed
    return boxes


#: Rules whose contexts, at a query token, are such boxes, and the first position in which the rule decides. Any other
#: rule whose answer is the latest of its tokens in focus is one more line.
KINDS = {"plus_last_even": (1, latest_in_focus), "step_back": (3, so_far_back(3)),
         "lucky7": (1, so_far_back(1, [token for token in range(11) if token != 7]))}  # two 7 are never side by side


@checked
def families(task: RuleTask) -> list[Boxes]:
    """The families of a rule, one entry for each position of the query.

    >>> found = families(RuleTask("plus_last_even", n_ctx=8))
    >>> sum(len(boxes.answers) for boxes in found), sum(sum(size(boxes)) for boxes in found)
    (168, 38753322)
    """
    first, boxes = KINDS[check_choice("task.rule", task.rule, KINDS)]
    found = []
    for t in range(first, task.n_ctx):
        answers, allowed = zip(*boxes(task, t), strict=True)
        found.append(Boxes(t, np.array(answers), np.array(allowed)))
    return found


def size(boxes: Boxes) -> list[int]:
    """How many contexts each box holds, in whole numbers of any length."""
    return [int(np.prod(counts.astype(object))) for counts in boxes.allowed.sum(axis=-1)]


def weights(plane: Plane, boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """The weights a (box, t, token) of attention and the query's own (box,), 0 for tokens that are not allowed.

    All weights of a box may be multiplied by one number: here by that which makes 1 of the largest that is certain to
    be there, so that none of importance is too small for a float. One of e^600 drowns the others anyhow.
    """
    scores, own = plane.scores[boxes.t, :boxes.t], plane.scores[boxes.t, boxes.t, plane.query]
    least = np.where(boxes.allowed, scores, np.inf).min(axis=-1).max(axis=-1)
    certain = np.maximum(least, own)
    a = np.exp(np.minimum(scores - certain[:, None, None], 600))
    return np.where(boxes.allowed, a, 0), np.exp(own - certain)


def split(plane: Plane, boxes: Boxes) -> tuple[Boxes, np.ndarray, np.ndarray]:
    """Each box cut into one for each token in one position, that whose tokens pull in the most different ways: the
    new boxes, the box that each comes from, and the position.
    """
    a, _ = weights(plane, boxes)
    pulls = a[..., None] * (plane.values[:boxes.t] - plane.values[boxes.t, plane.query])
    spread = sum(np.ptp(np.where(boxes.allowed, pulls[..., axis], 0), axis=-1) for axis in range(2))
    place = np.where(boxes.allowed.sum(axis=-1) > 1, spread, -1).argmax(axis=-1)
    box, token = np.nonzero(boxes.allowed[np.arange(len(place)), place])
    allowed = boxes.allowed[box]
    allowed[np.arange(len(box)), place[box]] = np.arange(allowed.shape[-1]) == token[:, None]
    return Boxes(boxes.t, boxes.answers[box], allowed), box, place
