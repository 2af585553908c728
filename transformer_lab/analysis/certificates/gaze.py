"""Two questions to a model, each for all contexts of a family at once: does the query look at the number that the rule
means, and, if it looked at nothing else, would the answer be read off right?
"""

from __future__ import annotations

import numpy as np

from ...checks import check_array
from ...rules import Each, Wholes
from ...signatures import checked
from .families import Boxes, weights
from .plane import Plane, gaps

__all__ = ["least_gaze", "preference", "reads"]


def meant(boxes: Boxes) -> np.ndarray:
    """The place of the token that the rule means: the last that may hold the answer."""
    holds = np.take_along_axis(boxes.allowed, boxes.answers[:, None, None], axis=-1)[..., 0]
    return boxes.t - 1 - holds[:, ::-1].argmax(axis=1)


@checked
def least_gaze(plane: Plane, families: Each(Boxes, low=1)) -> np.ndarray:
    """The least share of attention that the token meant has in any context, by family.

    Exact: the share is least where each other position holds the token of the largest weight that may stand there.

    >>> from transformer_lab.analysis.certificates.families import families
    >>> from transformer_lab.analysis.certificates.plane import plane_of
    >>> from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
    >>> run = recipe()
    >>> plane = plane_of(params_of(IN_THE_PLANE.load().sel(recipe="plain", seed=0)), run.model, 11)
    >>> bool((least_gaze(plane, families(run.task)) > 0.5).all())
    True
    """
    found = []
    for boxes in families:
        a, own = weights(plane, boxes)
        most = a.max(axis=-1)
        found.append(most[np.arange(len(own)), meant(boxes)] / (most.sum(axis=-1) + own))
    return np.concatenate(found)


@checked
def reads(plane: Plane, families: Each(Boxes, low=1)) -> np.ndarray:
    """The lead of the right answer if the token meant had all attention, by family.

    >>> from transformer_lab.analysis.certificates.families import families
    >>> from transformer_lab.analysis.certificates.plane import plane_of
    >>> from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
    >>> run = recipe()
    >>> plane = plane_of(params_of(IN_THE_PLANE.load().sel(recipe="plain", seed=0)), run.model, 11)
    >>> reads(plane, families(run.task)).shape
    (168,)
    """
    return np.array([gaps(plane, (plane.start[boxes.t] + plane.values[place, answer])[:, None], answer).min()
                     for boxes in families for place, answer in zip(meant(boxes), boxes.answers, strict=True)])


@checked
def preference(plane: Plane, focus: Wholes("n", low=0), others: Wholes("m", low=0)) -> tuple[float, float]:
    """Of the scores at the last position, in nats: how much higher tokens in focus stand than others, and how much
    higher one in focus stands a place nearer; means.

    >>> from transformer_lab.analysis.certificates.plane import plane_of
    >>> from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
    >>> run = recipe()
    >>> plane = plane_of(params_of(IN_THE_PLANE.load().sel(recipe="plain", seed=0)), run.model, 11)
    >>> len(preference(plane, range(0, 11, 2), range(1, 11, 2)))
    2
    """
    scores = plane.scores[-1, :-1]
    for argument, tokens in (("focus", focus), ("others", others)):
        check_array(argument, tokens, shape=("n",), kind="whole", high=scores.shape[-1] - 1)
    level = scores[:, focus].mean(axis=1)
    return float((level - scores[:, others].mean(axis=1)).mean()), float(np.diff(level).mean())
