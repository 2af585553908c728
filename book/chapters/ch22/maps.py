"""Models of the plane: where tokens stand, what a query asks of a place, and one model drawn in many ways.

Weights have their short names here, without the axis of the one head, and may have an axis of models in front.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.plane_models import IN_THE_PLANE
from transformer_lab.names import parameter_shapes
from transformer_lab.widgets import PlaneModel

__all__ = ["EVEN", "KINDS", "MODEL", "ODD", "PLUS", "TOKENS", "asks", "brought_together", "followed", "leads",
           "nearest", "order_of_row", "proved", "read", "redrawn", "row_width", "shortened", "stands", "whole"]

MODEL, PLUS = PlaneModel().config, 11
EVEN, ODD = np.arange(0, 11, 2), np.arange(1, 11, 2)
#: The tokens by kind, and as they are written.
KINDS, TOKENS = {"even": EVEN, "odd": ODD, "sign": [PLUS]}, [*map(str, range(11)), "+"]
HEAD = ("W_Q", "W_K", "W_V")


def shortened(params: dict) -> dict[str, np.ndarray]:
    """The weights by their short names, in double precision."""
    short = {name.rpartition(".")[2]: np.asarray(value, float) for name, value in params.items()}
    return {name: value[..., 0, :] if name in HEAD else value for name, value in short.items()}


def whole(W: dict) -> dict[str, np.ndarray]:
    """The same weights as the package's model takes them."""
    back = {name: value[..., None, :] if name in HEAD else value for name, value in W.items()}
    return {name: back[name.rpartition(".")[2]] for name in parameter_shapes(MODEL)}


def followed() -> dict[str, np.ndarray]:
    """The model that the explorable shows."""
    return shortened(PlaneModel().params)


def proved(*recipes: str, right: bool = True) -> dict[str, np.ndarray]:
    """All models of these recipes that are proved, or with ``right=False`` all that are not, one behind the other."""
    found = IN_THE_PLANE.load()
    parts = [found.sel(recipe=recipe, seed=found["proved"].sel(recipe=recipe) == right) for recipe in recipes]
    return shortened({name: np.concatenate([part[name].values for part in parts]) for name in parameter_shapes(MODEL)})


def stands(W: dict) -> np.ndarray:
    """Where each token stands in each place, before attention: (..., place, token, 2)."""
    return W["W_pos"][..., :, None, :] + W["W_E"][..., None, :, :]


def asks(W: dict, token: int = PLUS) -> np.ndarray:
    """The direction in which a token's query looks, for each place that it asks from (eq-asked-direction): (..., 2)."""
    x = stands(W)[..., token, :]
    return x @ W["W_Q"] @ np.swapaxes(W["W_K"], -1, -2) / np.sqrt(2)


def scores_of_sign(W: dict) -> np.ndarray:
    """Scores that the sign in place t gives each token in place i: (..., t, i, token), NaN where i > t."""
    found = np.einsum("...td,...ind->...tin", asks(W), stands(W))
    return np.where(np.tri(MODEL.n_ctx, dtype=bool)[..., None], found, np.nan)


def leads(W: dict) -> dict[str, np.ndarray]:
    """Two least leads of each model, over all places of the sign: of the even numbers over all else in the same place,
    and of every even number over every even number in the place before (the place of the sign itself left out).
    """
    found = scores_of_sign(W)
    even, other = found[..., EVEN], np.delete(found, EVEN, axis=-1)
    before = np.tri(MODEL.n_ctx, k=-1, dtype=bool)[:, 1:]
    later = np.where(before, even[..., 1:, :].min(axis=-1) - even[..., :-1, :].max(axis=-1), np.inf)
    return {"even": np.nanmin(even.min(axis=-1) - other.max(axis=-1), axis=(-2, -1)),
            "later": later.min(axis=(-2, -1))}


def row_width(W: dict) -> np.ndarray:
    """For the sign in the last place: by how much the scores of even numbers in one place differ at most, as a share of
    what parts them from all else at least.
    """
    last = scores_of_sign(W)[..., -1, :, :]
    even, other = last[..., EVEN], np.delete(last, EVEN, axis=-1)
    return np.ptp(even, axis=-1).max(axis=-1) / (even.min(axis=-1) - other.max(axis=-1)).min(axis=-1)


def order_of_row(W: dict) -> np.ndarray:
    """The even numbers as they follow each other along the row, (..., 6), begun at the end with the smaller number.

    Their places along it are areas of triangles, with the middle of the odd numbers and the sign as the other corners:
    their order is the same in every drawing, or the reverse.
    """
    E = W["W_E"]
    foot = E[..., ODD, :].mean(axis=-2)
    along, there = E[..., PLUS, :] - foot, E[..., EVEN, :] - foot[..., None, :]
    area = along[..., None, 0] * there[..., 1] - along[..., None, 1] * there[..., 0]
    row = 2 * area.argsort(axis=-1)
    return np.where(row[..., :1] > row[..., -1:], row[..., ::-1], row)


def read(W: dict, z: np.ndarray) -> np.ndarray:
    """The logits of all tokens at places z (..., 2) of the plane: the feed-forward layer and the read-out."""
    hidden = np.maximum(z @ W["W_in"] + W["b_in"], 0)
    return (z + hidden @ W["W_out"] + W["b_out"]) @ W["W_U"] + W["b_U"]


def redrawn(W: dict, M: np.ndarray) -> dict[str, np.ndarray]:
    """The same model after a change of basis by M (..., 2, 2): eq-redraw."""
    back = np.linalg.inv(M)
    into = {name: back @ W[name] for name in ("W_Q", "W_K", "W_in", "W_U")}
    out_of = {name: W[name] @ M for name in ("W_E", "W_pos", "W_out")}
    b_out = (W["b_out"][..., None, :] @ M)[..., 0, :]
    return W | into | out_of | {"W_V": back @ W["W_V"] @ M, "b_out": b_out}


def nearest(E: np.ndarray) -> np.ndarray:
    """Which other token is nearest to each: (..., token)."""
    far = np.linalg.norm(E[..., :, None, :] - E[..., None, :, :], axis=-1)
    return np.where(np.eye(E.shape[-2], dtype=bool), np.inf, far).argmin(axis=-1)


def brought_together(E: np.ndarray, first: int, second: int, by: float = 1e-4) -> np.ndarray:
    """A change of basis (..., 2, 2) that shrinks the plane in the direction from one token to another."""
    along = E[..., second, :] - E[..., first, :]
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    return np.eye(2) - (1 - by) * along[..., :, None] * along[..., None, :]
