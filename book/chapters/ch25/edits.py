"""Changes made by hand to one table of a model, each of which the story foretells the outcome of."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.plane import Plane
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked

__all__ = ["EDITS", "value_of"]


def swapped_key(plane: Plane) -> Plane:
    """The 7 gets the keys of the 8, in every place; its value stays."""
    scores = plane.scores.copy()
    scores[..., 7] = scores[..., 8]
    return plane._replace(scores=scores)


def turned(plane: Plane) -> Plane:
    """The places before the sign change their keys, the first with the last."""
    scores = plane.scores.copy()
    for t in range(plane.n_ctx):
        scores[t, :t] = scores[t, :t][::-1]
    return plane._replace(scores=scores)


def frozen_query(plane: Plane) -> Plane:
    """A sign in any place asks with the query of the last place."""
    return plane._replace(scores=np.broadcast_to(plane.scores[-1], plane.scores.shape))


def no_value(plane: Plane) -> Plane:
    """The value of the 8 is zero, in every place."""
    values = plane.values.copy()
    values[:, 8] = 0
    return plane._replace(values=values)


@checked
def value_of(place: Whole(0, 7)):
    """Every token is read with the value that it has in this place."""
    return lambda plane: plane._replace(values=np.broadcast_to(plane.values[place], plane.values.shape))


def no_layer(plane: Plane) -> Plane:
    """The hidden units add nothing to the logits."""
    return plane._replace(hidden=0 * plane.hidden)


EDITS = {"key of the 8 for the 7": swapped_key, "places turned round": turned, "query frozen": frozen_query,
         "value of the 8 zero": no_value, "values from place 0": value_of(0), "no feed-forward layer": no_layer}
