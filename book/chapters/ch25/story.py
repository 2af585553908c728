r"""The story as a program: look, read, name; and where it and the network part, over every context.

At a sign in place t the program takes the token whose key scores highest, and reads its value alone (eq-story),

.. math:: j = \arg\max_{i \le t} s_{ti}(\tau_i), \qquad z = x_t + v_j(\tau_j),

where the network takes a mean of all values. The contexts in which one token in one place is looked at are a box: every
other place may hold whatever scores less. So the program has one answer on each box, and the branch and bound that
counts wrong answers of a network counts where it says something else than the program.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transformer_lab.analysis.certificates.exact import examine
from transformer_lab.analysis.certificates.families import Boxes, families, size
from transformer_lab.analysis.certificates.plane import Plane, plane_of
from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
from transformer_lab.checks import check_type, check_whole
from transformer_lab.errors import NotFiniteError, ShapeError
from transformer_lab.rules import Array, By, Choice, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["EVEN", "FAMILIES", "MODEL", "PLUS", "Agreement", "answer", "averaged", "cases", "compare", "just_before",
           "logits", "nearest", "not_the_first", "read_table", "say", "tables", "wrong_by"]

#: The run that the models come from, and every context in which its rule decides.
RUN = recipe()
MODEL, PLUS, EVEN = RUN.model, RUN.task.of.operator, np.arange(0, 11, 2)
FAMILIES = families(RUN.task)


def of_this_task(argument: str, value) -> Plane:
    """A plane of as many positions as the contexts here have."""
    if check_type(argument, value, Plane).n_ctx != MODEL.n_ctx:
        raise ShapeError(argument, f"a Plane of {value.n_ctx} positions", f"one of {MODEL.n_ctx}", "Take tables(0).")
    return value


OURS = By(of_this_task)


@checked
def tables(seed: Whole(0, 255), how: Choice(("source", "plain", "balanced")) = "plain") -> Plane:
    """What the program reads off a trained model: scores, values, and the lines and slopes of the regions.

    >>> plane = tables(7)
    >>> plane.scores.shape, plane.values.shape, plane.lines.shape
    ((8, 8, 12), (8, 12, 2), (3, 32))
    """
    return plane_of(params_of(IN_THE_PLANE.load().sel(recipe=how, seed=seed)), MODEL, PLUS)


@checked
def logits(plane: Plane, z: Array("... 2")) -> np.ndarray:
    """What the feed-forward layer and the read-out make of each z (..., 2): (..., token).

    >>> logits(tables(7), [[0.0, 1.0], [3.0, -2.0]]).shape
    (2, 12)
    """
    on = np.maximum(z @ plane.lines[:2] + plane.lines[2], 0)
    return z @ plane.direct[:2] + plane.direct[2] + on @ plane.hidden


@checked
def say(plane: Plane, z: Array("... 2")) -> np.ndarray:
    """The token in whose region of the plane z (..., 2) lies.

    >>> plane = tables(7)
    >>> say(plane, plane.start[3] + plane.values[1, [0, 2, 4]]).tolist()
    [0, 2, 4]
    """
    return logits.unchecked(plane, z).argmax(axis=-1)


@checked
def answer(plane: OURS, tokens: Wholes("t", low=0, high=11)) -> int:
    """The program: what the sign says after these tokens (eq-story).

    >>> answer(tables(7), [10, 6, 3, 5])
    6
    """
    t = check_whole("len(tokens)", len(tokens), high=plane.n_ctx - 1)
    seen = [*tokens, plane.query]
    j = np.argmax([plane.scores[t, i, token] for i, token in enumerate(seen)])
    return int(say(plane, plane.start[t] + plane.values[j, seen[j]]))


@checked
def read_table(plane: OURS, t: Whole(1, 7)) -> np.ndarray:
    """What a sign in place t says where it looks at each even number in each place before it: (t, 6).

    >>> read_table(tables(7), 2).tolist()
    [[0, 2, 4, 6, 8, 10], [0, 2, 4, 6, 8, 10]]
    """
    return say(plane, plane.start[t] + plane.values[:t, EVEN])


class Cases(NamedTuple):
    """Contexts in which one token is looked at, in boxes: what the rule says there, and what the program says."""

    t: int
    rule: np.ndarray
    program: np.ndarray
    allowed: np.ndarray

    def boxes(self, answers, which) -> Boxes:
        return Boxes(self.t, answers[which], self.allowed[which])


@checked
def cases(plane: OURS, keys: Array("plane.n_ctx plane.n_ctx 12", finite=False) | None = None) -> list[Cases]:
    """Every context in which the rule decides, by the family that it is in and the token with the highest score.

    ``keys`` are other scores (t, i, token) than the model's own, for a program that looks elsewhere.

    >>> [first, *_] = cases(tables(7))
    >>> first.t, first.rule.tolist(), first.program.tolist()
    (1, [0, 2, 4, 6, 8, 10], [0, 2, 4, 6, 8, 10])
    """
    keys = plane.scores if keys is None else keys
    if np.isnan(keys).any():  # infinity is a score, NaN is none
        raise NotFiniteError("keys", "NaN", "scores that can be compared", "Look for what made NaN of them.")
    return [parted(plane, boxes, keys[boxes.t]) for boxes in FAMILIES]


def parted(plane, family, keys):
    t, found = family.t, []
    said = say(plane, plane.start[t] + plane.values[:t + 1])
    for rule, allowed in zip(family.answers, family.allowed, strict=True):
        places = [*np.argwhere(allowed), (t, plane.query)]
        for i, token in places:
            box = allowed & (keys[:t] < keys[i, token] if i < t else keys[:t] <= keys[t, plane.query])
            if i < t:
                box[i] = (np.arange(box.shape[1]) == token) & (keys[i, token] > keys[t, plane.query])
            if box.any(axis=1).all():
                found.append((rule, said[i, token], box))
    rule, program, boxes = zip(*found, strict=True)
    return Cases(t, np.array(rule), np.array(program), np.array(boxes))


class Agreement(NamedTuple):
    """Numbers of contexts: all; where the network is wrong, where the program is, where they say different things, and
    where both are wrong and say the same.
    """

    contexts: int
    network: int
    program: int
    apart: int
    foretold: int


@checked
def compare(plane: OURS, last: Whole(1, 7) = 7) -> Agreement:
    """Network, program and rule, over every context in which the rule decides, up to a sign in the ``last`` place.

    >>> compare(tables(3, "source"), last=3)
    Agreement(contexts=1626, network=350, program=385, apart=71, foretold=314)
    """
    found = cases(plane)[:last]
    right, missed = counted(plane, found, "rule", lambda case: case.rule == case.program)
    wrong, failed = counted(plane, found, "rule", lambda case: case.rule != case.program)
    _, other = counted(plane, found, "program", lambda case: case.rule != case.program)
    return Agreement(right + wrong, missed + failed, wrong, missed + other, wrong - other)


def counted(plane, found, answers, where):
    """How many contexts there are in these boxes, and in how many of them the network says anything else."""
    boxes = [case.boxes(getattr(case, answers), mask) for case in found if (mask := where(case)).any()]
    return examine(plane, boxes)[:2] if boxes else (0, 0)


@checked
def wrong_by(plane: OURS, keys: Array("plane.n_ctx plane.n_ctx 12", finite=False) | None = None) -> int:
    """In how many contexts a program with these scores is wrong: no network is run.

    >>> plane = tables(7)
    >>> wrong_by(plane), wrong_by(plane, just_before(plane))
    (0, 16007250)
    """
    return sum(sum(size(case.boxes(case.rule, case.rule != case.program))) for case in cases(plane, keys)
               if (case.rule != case.program).any())


@checked
def just_before(plane: OURS) -> np.ndarray:
    """Scores of another story: the sign looks at the token just before it.

    >>> just_before(tables(7))[3, :4, 0].tolist()
    [0.0, 1.0, 2.0, -3.0]
    """
    return np.broadcast_to(np.arange(plane.n_ctx)[:, None] - 1e-9 * np.arange(12), plane.scores.shape) * np.where(
        np.arange(plane.n_ctx)[:, None, None] == np.arange(plane.n_ctx)[:, None], -1, 1)


@checked
def nearest(plane: OURS, stands: Array("plane.n_ctx 12 2")) -> np.ndarray:
    """Scores of a third story: the sign looks at what stands nearest to it in the plane, itself left out.

    >>> plane = tables(7)
    >>> stands = np.zeros((8, 12, 2))
    >>> stands[1] = plane.start[3]
    >>> int(nearest(plane, stands)[3, :3, 0].argmax())
    1
    """
    gaps = np.linalg.norm(stands[None] - plane.start[:, None, None], axis=-1)     # (t, i, token)
    own = np.arange(plane.n_ctx)[:, None] == np.arange(plane.n_ctx)
    return np.where(own[..., None], -np.inf, -gaps)


@checked
def averaged(plane: OURS) -> int:
    """In how many contexts a fourth story is wrong: the sign takes the mean of all even numbers.

    A sign that reads nothing says the same everywhere, and is right where this happens to be meant:

    >>> plane = tables(7)
    >>> averaged(plane._replace(values=0 * plane.values))
    32294435
    """
    keys = np.where(np.isin(np.arange(12), EVEN), 0.0, -60.0)
    return examine(plane._replace(scores=np.broadcast_to(keys, plane.scores.shape)), FAMILIES).wrong


def not_the_first(plane: Plane) -> int:
    """In how many contexts the network says another token than the first even number: families turned round."""
    return examine(plane, [each._replace(allowed=each.allowed[:, ::-1]) for each in FAMILIES]).wrong
