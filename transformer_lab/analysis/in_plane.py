"""Models of the plane by the short names of their weights, one or many: where tokens stand, what is read at a place."""

from __future__ import annotations

import numpy as np

from ..errors import ShapeError
from ..names import parameter_shapes
from ..rules import Array, Choice, Entries
from ..signatures import checked
from .plane_models import IN_THE_PLANE, RECIPES, recipe

__all__ = ["Weights", "proved", "read", "shortened", "stands", "whole"]

SHAPES = parameter_shapes(recipe().model)
SHORT = {name.rpartition(".")[2]: name for name in SHAPES}
HEAD = ("W_Q", "W_K", "W_V")
LONG = {name: " ".join(["*lead", *map(str, shape)]) for name, shape in SHAPES.items()}
#: What functions of such models take: the weights of one, or of many on axes in front.
Weights = Entries(**{name: " ".join(["*lead", *map(str, SHAPES[long][:1] + SHAPES[long][2:] if name in HEAD
                                                   else SHAPES[long])]) for name, long in SHORT.items()})


@checked
def shortened(params: Entries(**LONG)) -> dict[str, np.ndarray]:
    """The weights of models of the plane by their short names, without the axis of the one head, in double precision.

    >>> from transformer_lab.byhand.transformer import init
    >>> shortened(init(recipe().model))["W_Q"].shape
    (2, 2)
    """
    short = {name: np.asarray(params[long], float) for name, long in SHORT.items()}
    return {name: value[..., 0, :] if name in HEAD else value for name, value in short.items()}


@checked
def whole(weights: Weights) -> dict[str, np.ndarray]:
    """The same weights as the package's model takes them.

    >>> from transformer_lab.byhand.transformer import init
    >>> whole(shortened(init(recipe().model)))["blocks.0.W_Q"].shape
    (2, 1, 2)
    """
    return {long: weights[name][..., None, :] if name in HEAD else weights[name] for name, long in SHORT.items()}


@checked
def proved(how: Choice(RECIPES) = "plain", right: bool = True) -> dict[str, np.ndarray]:
    """All models of a recipe that are proved, or with ``right=False`` all others: (model, ...).

    >>> len(proved("source")["W_E"])
    6
    """
    found = IN_THE_PLANE.load().sel(recipe=how)
    found = found.sel(seed=found["proved"] == right)
    return shortened({name: found[name].values for name in SHAPES})


@checked
def stands(weights: Weights) -> np.ndarray:
    """Where each token stands in each place, before attention: (..., place, token, 2).

    >>> stands(proved("source")).shape
    (6, 8, 12, 2)
    """
    return weights["W_pos"][..., :, None, :] + weights["W_E"][..., None, :, :]


@checked
def read(weights: Weights, z: Array("... 2")) -> np.ndarray:
    """The logits of all tokens at points z of the plane (eq-read-at-a-point); of many models, each at its own points.

    >>> read(proved("source"), np.zeros((6, 5, 3, 2))).shape
    (6, 5, 3, 12)
    """
    lead = weights["b_in"].shape[:-1]
    if z.shape[:len(lead)] != lead or not z.size:
        raise ShapeError("z", str(z.shape), f"{(*lead, '…', 2)}, not empty", "Give each model its own points.")
    points, offset = z.reshape(*lead, -1, 2), {name: weights[name][..., None, :] for name in ("b_in", "b_out", "b_U")}
    hidden = np.maximum(points @ weights["W_in"] + offset["b_in"], 0)
    logits = (points + hidden @ weights["W_out"] + offset["b_out"]) @ weights["W_U"] + offset["b_U"]
    return logits.reshape(*z.shape[:-1], logits.shape[-1])
