"""Models of the plane: where tokens stand, what a query asks of a place, and one model drawn in many ways.

Weights have their short names here, without the axis of the one head, and may have an axis of models in front.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.in_plane import Weights, proved, shortened, stands
from transformer_lab.analysis.plane_models import RECIPES, UNTIL_PROVED
from transformer_lab.errors import RangeError, ShapeError
from transformer_lab.names import parameter_shapes
from transformer_lab.rules import Array, Choice, Each, Entries, Number, Whole
from transformer_lab.signatures import checked
from transformer_lab.widgets import PlaneModel

__all__ = ["EVEN", "KINDS", "MODEL", "ODD", "PLUS", "TOKENS", "asks", "brought_together", "followed", "heap_width",
           "leads", "nearest", "of_recipes", "order_of_row", "redrawn", "row_width", "until_proved"]

MODEL, PLUS = PlaneModel().config, 11
EVEN, ODD = np.arange(0, 11, 2), np.arange(1, 11, 2)
#: The tokens by kind, and as they are written.
KINDS, TOKENS = {"even": EVEN, "odd": ODD, "sign": [PLUS]}, [*map(str, range(11)), "+"]


def followed() -> dict[str, np.ndarray]:
    """The model that the explorable shows."""
    return shortened(PlaneModel().params)


@checked
def of_recipes(recipes: Each(Choice(RECIPES)), right: bool = True) -> dict[str, np.ndarray]:
    """All models of these recipes that are proved, or with ``right=False`` all that are not, one behind the other.

    >>> len(of_recipes(["source", "plain"])["W_E"])
    234
    """
    parts = [proved(recipe, right) for recipe in recipes]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def until_proved() -> dict[str, np.ndarray]:
    """All models that were trained until they were proved, at eight places."""
    found = UNTIL_PROVED[8].load()
    return shortened({name: found[name].values for name in parameter_shapes(MODEL)})


@checked
def asks(W: Weights, token: Whole(0, 11) = PLUS) -> np.ndarray:
    """The direction in which a token's query looks, for each place that it asks from (eq-asked-direction): (..., 2).

    >>> asks(proved("source")).shape
    (6, 8, 2)
    """
    x = stands(W)[..., token, :]
    return x @ W["W_Q"] @ np.swapaxes(W["W_K"], -1, -2) / np.sqrt(2)


def scores_of_sign(W: dict) -> np.ndarray:
    """Scores that the sign in place t gives each token in place i: (..., t, i, token), NaN where i > t."""
    found = np.einsum("...td,...ind->...tin", asks(W), stands(W))
    return np.where(np.tri(MODEL.n_ctx, dtype=bool)[..., None], found, np.nan)


@checked
def leads(W: Weights) -> dict[str, np.ndarray]:
    """Two least leads of each model, over all places of the sign: of every even number over all else that may stand in
    its place or behind it, the sign itself included, and over every even number in the place before.

    >>> bool((leads(proved("source"))["even"] > 0).all())
    True
    """
    found = scores_of_sign(W)
    even, other = found[..., EVEN].min(axis=-1), np.delete(found, EVEN, axis=-1).max(axis=-1)
    sign = np.diagonal(found[..., PLUS], axis1=-2, axis2=-1)
    least = {"even": np.full(even.shape[:-2], np.inf), "later": np.full(even.shape[:-2], np.inf)}
    for t in range(1, MODEL.n_ctx):
        for i in range(t):
            behind = np.maximum(other[..., t, i:t].max(axis=-1), sign[..., t])
            least["even"] = np.minimum(least["even"], even[..., t, i] - behind)
            if i:
                before = found[..., t, i - 1, EVEN].max(axis=-1)
                least["later"] = np.minimum(least["later"], even[..., t, i] - before)
    return least


@checked
def row_width(W: Weights) -> np.ndarray:
    """For the sign in the last place: by how much the scores of even numbers in one place differ at most, as a share of
    what parts them from all else at least.

    >>> bool((row_width(proved("source")) < 0.1).all())
    True
    """
    last = scores_of_sign(W)[..., -1, :, :]
    even, other = last[..., EVEN], np.delete(last, EVEN, axis=-1)
    return np.ptp(even, axis=-1).max(axis=-1) / (even.min(axis=-1) - other.max(axis=-1)).min(axis=-1)


@checked
def heap_width(W: Entries(W_E="... 12 2")) -> np.ndarray:
    """The greatest distance between two odd numbers, as a share of that between two even ones: (...,).

    A step is measured in units of the covariance of the twelve tokens, so that no redrawing changes its length.

    >>> bool(heap_width(followed()) < 0.1)
    True
    """
    E = W["W_E"]
    middle = E - E.mean(axis=-2, keepdims=True)
    spread = np.swapaxes(middle, -1, -2) @ middle
    try:
        ruler = np.linalg.inv(spread)[..., None, None, :, :]
    except np.linalg.LinAlgError:
        raise RangeError("W['W_E']", "tokens on one line", "tokens that span the plane", "Take trained ones.") from None
    steps = (E[..., :, None, :] - E[..., None, :, :])[..., None, :]
    length = np.sqrt((steps @ ruler @ np.swapaxes(steps, -1, -2))[..., 0, 0])
    odd, even = (length[..., kind, :][..., kind].max(axis=(-2, -1)) for kind in (ODD, EVEN))
    return odd / even


@checked
def order_of_row(W: Entries(W_E="... 12 2")) -> np.ndarray:
    """The even numbers as they follow each other along the row, (..., 6), begun at the end with the smaller number.

    Their places along it are areas of triangles, with the middle of the odd numbers and the sign as the other corners:
    their order is the same in every drawing, or the reverse.

    >>> order_of_row(followed()).tolist()
    [6, 10, 4, 0, 2, 8]
    """
    E = W["W_E"]
    foot = E[..., ODD, :].mean(axis=-2)
    along, there = E[..., PLUS, :] - foot, E[..., EVEN, :] - foot[..., None, :]
    area = along[..., None, 0] * there[..., 1] - along[..., None, 1] * there[..., 0]
    row = 2 * area.argsort(axis=-1)
    return np.where(row[..., :1] > row[..., -1:], row[..., ::-1], row)


@checked
def redrawn(W: Weights, M: Array("... 2 2")) -> dict[str, np.ndarray]:
    """The same model after a change of basis by M (..., 2, 2): eq-redraw.

    >>> redrawn(followed(), [[1.0, 0], [0, 10]])["W_E"][3].round(1).tolist()
    [-0.5, -10.2]
    """
    if M.ndim > 2 and M.shape[:-2] != W["b_U"].shape[:-1]:
        raise ShapeError("M", str(M.shape), "(2, 2), or one for each model", "Pass as many as there are models.")
    if (np.linalg.det(M) == 0).any():
        raise RangeError("M", "a matrix that cannot be undone", "one with an inverse", "Change one of its rows.")
    back = np.linalg.inv(M)
    into = {name: back @ W[name] for name in ("W_Q", "W_K", "W_in", "W_U")}
    out_of = {name: W[name] @ M for name in ("W_E", "W_pos", "W_out")}
    b_out = (W["b_out"][..., None, :] @ M)[..., 0, :]
    return W | into | out_of | {"W_V": back @ W["W_V"] @ M, "b_out": b_out}


@checked
def nearest(E: Array("... token 2")) -> np.ndarray:
    """Which other token is nearest to each: (..., token).

    >>> nearest([[0.0, 0], [1, 0], [5, 0]]).tolist()
    [1, 0, 1]
    """
    far = np.linalg.norm(E[..., :, None, :] - E[..., None, :, :], axis=-1)
    return np.where(np.eye(E.shape[-2], dtype=bool), np.inf, far).argmin(axis=-1)


@checked
def brought_together(E: Array("... 12 2"), first: Whole(0, 11), second: Whole(0, 11),
                     by: Number(above=0, high=1) = 1e-4) -> np.ndarray:
    """A change of basis (..., 2, 2) that shrinks the plane in the direction from one token to another.

    >>> E = followed()["W_E"]
    >>> int(nearest(E @ brought_together(E, 11, 8))[11])
    8
    """
    along = E[..., second, :] - E[..., first, :]
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    return np.eye(2) - (1 - by) * along[..., :, None] * along[..., None, :]
