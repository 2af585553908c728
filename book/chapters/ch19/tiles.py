r"""Attention tile by tile: the softmax of a row whose scores are seen a few at a time, and never again.

Of all scores seen so far a query keeps three things: the largest, :math:`m`; the sum of their powers, :math:`l`; and
the values weighted with these powers, :math:`o`. What it would answer now is :math:`o / l` (Milakov and Gimelshein
2018; Rabe and Staats 2021; Dao et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from transformer_lab.byhand.attention import Mask, spread
from transformer_lab.errors import ArgumentError
from transformer_lab.rules import Array, Each, Entries, Rule, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["attend_in_tiles", "joined", "nothing_seen", "pullback_in_tiles", "take_in", "tiles_of",
           "unrescaled"]


class Kept(Rule):
    """What queries keep: their largest score, and the two sums."""

    def check(self, argument, value, sizes, given):
        three = Each(Array(finite=False), 3, 3).check(argument, value, sizes, given)
        axes = ("query", "query", "query d_value")
        return tuple(Array(words, finite=False).check(f"{argument}[{i}]", part, sizes, given)
                     for i, (part, words) in enumerate(zip(three, axes, strict=True)))


@checked
def nothing_seen(n: Whole(1), width: Whole(1)):
    """What ``n`` queries keep before the first score: no largest one, and sums of nothing.

    >>> [part.tolist() for part in nothing_seen(1, 2)]
    [[-inf], [0.0], [[0.0, 0.0]]]
    """
    return np.full(n, -np.inf), np.zeros(n), np.zeros((n, width))


@checked
def take_in(kept: Kept(), scores: Array("query key", finite=False), values: Array("key d_value")):
    r"""What is kept after some more scores (query, key) and the values of these keys (eq-online-softmax).

    .. math:: m' = \max(m, \max_j s_j), \quad l' = e^{m - m'} l + \sum_j e^{s_j - m'}, \quad
              o' = e^{m - m'} o + \sum_j e^{s_j - m'} v_j

    >>> m, l, o = take_in(nothing_seen(1, 1), np.zeros((1, 3)), np.array([[1.0], [2.0], [6.0]]))
    >>> (o / l).tolist()
    [[3.0]]
    """
    m, l, o = kept
    top = np.maximum(m, scores.max(axis=-1))
    level = np.where(top == -np.inf, 0, top)  # a row that may look nowhere so far
    old, new = np.exp(m - level), np.exp(scores - level[:, None])
    return top, old * l + new.sum(axis=-1), old[:, None] * o + new @ values


@checked
def unrescaled(kept: Kept(), scores: Array("query key", finite=False), values: Array("key d_value")):
    """The plausible mistake: the level moves to the new maximum, and what was summed below the old one stays.

    >>> unrescaled((np.zeros(1), np.ones(1), np.ones((1, 1))), np.full((1, 1), 9.0), np.zeros((1, 1)))[1].tolist()
    [2.0]
    """
    top, l, o = take_in((kept[0], 0 * kept[1], 0 * kept[2]), scores, values)
    return top, kept[1] + l, kept[2] + o


@checked
def joined(one: Kept(), other: Kept()):
    r"""What is kept of two lots of keys, from what is kept of each: :math:`l = e^{m_1 - m} l_1 + e^{m_2 - m} l_2`, and
    the same for :math:`o`, with :math:`m` the larger maximum (eq-joined). The order does not matter.

    >>> lots = [take_in(nothing_seen(1, 1), np.array([[s]]), np.array([[v]])) for s, v in ((0.0, 1.0), (0.0, 5.0))]
    >>> joined(*lots)[2].item() / joined(*lots)[1].item()
    3.0
    """
    top = np.maximum(one[0], other[0])
    a, b = np.exp(one[0] - top), np.exp(other[0] - top)
    return top, a * one[1] + b * other[1], a[:, None] * one[2] + b[:, None] * other[2]


@checked
def tiles_of(n_queries: Whole(1), n_keys: Whole(1), rows: Whole(1), columns: Whole(1)):
    """The tiles of a table of scores, as pairs of slices, row of tiles by row of tiles.

    >>> len(tiles_of(5, 4, 2, 2))
    6
    """
    return [(slice(i, min(i + rows, n_queries)), slice(j, min(j + columns, n_keys)))
            for i in range(0, n_queries, rows) for j in range(0, n_keys, columns)]


def walked(q, k, mask, rows, columns, order):
    """The tiles that have an open cell, in this order, each with its scores; what is hidden is -inf."""
    tiles, mask = tiles_of(len(q), len(k), rows, columns), spread("mask", mask is None or mask, (len(q), len(k)))
    places = np.arange(len(tiles)) if order is None else order
    if not np.array_equal(np.sort(places), np.arange(len(tiles))):
        raise ArgumentError("order", f"{len(places)} places", f"each of 0 to {len(tiles) - 1} once", "Pass none.")
    for i, j in [tiles[place] for place in places]:
        if mask[i, j].any():
            yield i, j, np.where(mask[i, j], q[i] @ k[j].T * q.shape[-1] ** -0.5, -np.inf)


@checked
def attend_in_tiles(q: Array("query d_head"), k: Array("key d_head"), v: Array("key d_value"),
                    mask: Mask() | None = None, *, rows: Whole(1), columns: Whole(1),
                    order: Wholes("tiles") | None = None, step: Callable = take_in) -> dict:
    r"""Attention as :func:`transformer_lab.byhand.attention.attend` has it, with no more scores at once than one tile.

    Returns ``z``; for the way back :math:`L = m + \ln l`, one number a query (eq-log-sum); and ``alive``, the scores of
    the largest tile, and ``computed``, those of all tiles. A tile without an open cell is never computed.

    >>> q, k, v = np.random.default_rng(0).normal(size=(3, 6, 4))
    >>> found = attend_in_tiles(q, k, v, rows=2, columns=3)
    >>> from transformer_lab.byhand.attention import attend
    >>> bool(np.allclose(found["z"], attend(q, k, v)["z"])), found["alive"], found["computed"]
    (True, 6, 36)
    """
    m, l, o = nothing_seen(len(q), v.shape[-1])
    alive = computed = 0
    for i, j, scores in walked(q, k, mask, rows, columns, order):
        m[i], l[i], o[i] = step((m[i], l[i], o[i]), scores, v[j])
        alive, computed = max(alive, scores.size), computed + scores.size
    seen = l > 0
    z = np.where(seen[:, None], o / np.where(seen, l, 1)[:, None], 0)
    return {"q": q, "k": k, "v": v, "z": z, "log_sum": np.where(seen, m + np.log(np.where(seen, l, 1)), 0),
            "alive": alive, "computed": computed}


@checked
def pullback_in_tiles(acts: Entries(q="query d_head", k="key d_head", v="key d_value", z="query d_value",
                                    log_sum="query"),
                      d_z: Array("query d_value"), mask: Mask() | None = None, *, rows: Whole(1), columns: Whole(1),
                      order: Wholes("tiles") | None = None) -> dict:
    r"""Gradients of ``q k v`` from that of ``z``, each tile computed a second time instead of kept (eq-tile-backward).

    .. math:: a_{ij} = e^{s_{ij} - L_i}, \quad D_i = \partial z_i \cdot z_i, \quad
              \partial s_{ij} = a_{ij} (\partial z_i \cdot v_j - D_i)

    >>> q, k, v = np.random.default_rng(0).normal(size=(3, 6, 4))
    >>> d = pullback_in_tiles(attend_in_tiles(q, k, v, rows=2, columns=2), np.ones((6, 4)), rows=3, columns=4)
    >>> {name: value.shape for name, value in d.items()}
    {'q': (6, 4), 'k': (6, 4), 'v': (6, 4)}
    """
    q, k, v = (Array()(f"acts[{name!r}]", acts[name]) for name in "qkv")
    d = {name: np.zeros_like(value) for name, value in zip("qkv", (q, k, v), strict=True)}
    D = (d_z * acts["z"]).sum(axis=-1, keepdims=True)
    for i, j, scores in walked(q, k, mask, rows, columns, order):
        a = np.exp(scores - acts["log_sum"][i, None])
        d_scores = a * (d_z[i] @ v[j].T - D[i]) * q.shape[-1] ** -0.5
        d["q"][i] += d_scores @ k[j]
        d["k"][j] += d_scores.T @ q[i]
        d["v"][j] += a.T @ d_z[i]
    return d
