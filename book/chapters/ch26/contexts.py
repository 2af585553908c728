"""Contexts of the task, what a model does on them, and a family of them as two tables: how much, and where to."""

from __future__ import annotations

from itertools import product

import numpy as np

from transformer_lab.analysis.certificates.families import Boxes, families
from transformer_lab.analysis.certificates.plane import WANTED, Plane, plane_of
from transformer_lab.analysis.certificates.prove import bounds
from transformer_lab.analysis.certificates.regions import leads
from transformer_lab.analysis.certificates.support import compass, polygons, support
from transformer_lab.byhand.ends import Real
from transformer_lab.byhand.transformer import forward
from transformer_lab.checks import check_whole
from transformer_lab.config import ModelConfig
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Entries, Flags, Seed, Whole, Wholes
from transformer_lab.signatures import checked
from transformer_lab.tasks.rules import RuleTask, oracle

__all__ = ["DIRECTIONS", "PLUS", "TASK", "all_families", "asked", "config_of", "cut", "family", "outside",
           "polygons_of", "random_contexts", "reaches", "spelt", "tables", "task_of", "to_plane", "values_only"]

TASK, PLUS, N_TOKENS = RuleTask("plus_last_even"), 11, 12
DIRECTIONS = compass(16)


@checked
def config_of(n_ctx: Whole(1, 1024) = 8) -> ModelConfig:
    """The model of this part: one head, one layer, a stream two wide."""
    return ModelConfig(**WANTED, d_mlp=32, d_vocab=N_TOKENS, n_ctx=n_ctx)


@checked
def task_of(n_ctx: Whole(1, 1024)) -> RuleTask:
    """The task with so many tokens in view."""
    return RuleTask("plus_last_even", n_ctx)


@checked
def spelt(tokens: Wholes("t", low=0, below=12)) -> str:
    """A context as a reader writes it.

    >>> spelt([10, 6, 11])
    '10 6 +'
    """
    return TASK.of.spelt(tokens)


@checked
def to_plane(params: Entries(W_pos="n_ctx _")) -> Plane:
    """The model as a map of the plane, at the query ``+``.

    >>> from transformer_lab.byhand.transformer import init
    >>> to_plane(init(config_of(4))).scores.shape
    (4, 4, 12)
    """
    return plane_of(params, config_of(params["W_pos"].shape[0]), PLUS)


@checked
def random_contexts(n: Whole(1), *, seed: Seed = 0) -> dict[int, np.ndarray]:
    """``n`` of all contexts with an even number in view, each equally likely: by the position t of the ``+``, (n, t).

    >>> sum(len(rows) for rows in random_contexts(50).values())
    50
    """
    rng = generator(seed, "contexts")
    many = np.array([12.0**t - 6.0**t for t in range(1, TASK.n_ctx)])
    counts, found = rng.multinomial(n, many / many.sum()), {}
    for t, count in enumerate(counts, 1):
        rows = np.empty((0, t), int)
        while len(rows) < count:  # those without an even number are drawn again
            more = rng.integers(N_TOKENS, size=(2 * count, t))
            rows = np.concatenate([rows, more[(more % 2 == 0).any(axis=1)]])[:count]
        found[t] = rows
    return {t: rows for t, rows in found.items() if len(rows)}


@checked
def asked(params: Entries(W_pos="n_ctx _"), contexts: Wholes("n t", low=0, below=N_TOKENS),
          dtype: Real() = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Plain forward passes at a ``+`` after each context: where the stream stands (n, 2), and the margins (n,).

    The margin is the logit of the right token less the largest other one: above 0 the model is right.

    >>> from transformer_lab.byhand.transformer import init
    >>> [part.shape for part in asked(init(config_of()), [[4, 7], [3, 2]])]
    [(2, 2), (2,)]
    """
    rows = np.hstack([contexts, np.full((len(contexts), 1), PLUS)])
    exact = {name: Array()(f"params[{name!r}]", value).astype(dtype) for name, value in params.items()}
    acts = forward(exact, rows, config_of(params["W_pos"].shape[0]))
    answers = oracle(TASK, rows)[:, -1].argmax(axis=1)[:, None]
    logits = acts["logits"][:, -1].copy()
    right = np.take_along_axis(logits, answers, axis=1)[:, 0]
    np.put_along_axis(logits, answers, -np.inf, axis=1)
    return acts["blocks.0.resid_mid"][:, -1], right - logits.max(axis=1)


@checked
def all_families(n_ctx: Whole(2, 100) = 8) -> list[tuple[int, int, int]]:
    """All families: the position t of the ``+``, the place j of the latest even number, and this number.

    >>> len(all_families(8)), all_families(8)[:2]
    (168, [(1, 0, 0), (1, 0, 2)])
    """
    return [(t, j, even) for t in range(1, n_ctx) for j in range(t) for even in range(0, 11, 2)]


@checked
def family(t: Whole(1), j: Whole(), even: Whole(0, 10)) -> np.ndarray:
    """Which tokens may stand where, the ``+`` itself included: bool (t + 1, 12).

    >>> family(3, 1, 4).sum(axis=1).tolist()
    [12, 1, 6, 1]
    """
    tokens = np.arange(N_TOKENS)
    allowed = np.ones((t + 1, N_TOKENS), bool)
    allowed[j], allowed[j + 1:t], allowed[t] = tokens == even, tokens % 2 == 1, tokens == PLUS
    return allowed


def members(t: int, j: int, even: int) -> np.ndarray:
    """All contexts of a family (n, t), without the ``+``."""
    return np.array([*product(*map(np.flatnonzero, family(t, j, even)[:-1]))])


@checked
def tables(plane: Plane, allowed: Flags("t 12")) -> tuple[np.ndarray, np.ndarray]:
    """For each position and token the weight a (pos, 12), 0 where the token may not stand, and a value (pos, 12, 2).

    The stream at the ``+`` is added to the values: the weighted mean of these is then the point z itself.

    >>> from transformer_lab.byhand.transformer import init
    >>> weights, places = tables(to_plane(init(config_of(4))), family(3, 1, 4))
    >>> (weights > 0).sum(axis=1).tolist(), places.shape
    ([12, 1, 6, 1], (4, 12, 2))
    """
    t = check_whole("len(allowed)", len(allowed), high=plane.n_ctx) - 1
    scores = plane.scores[t, :t + 1]
    return np.where(allowed > 0, np.exp(scores - scores.max()), 0), plane.values[:t + 1] + plane.start[t]


def package_boxes(plane: Plane) -> list[Boxes]:
    return families(task_of(plane.n_ctx))


@checked
def polygons_of(plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    """The package's polygon around each family (family, 16, 2), and the least lead of its answer there (family,).

    >>> from transformer_lab.byhand.transformer import init
    >>> [part.shape for part in polygons_of(to_plane(init(config_of(4))))]
    [(36, 16, 2), (36,)]
    """
    found = [bounds(plane, boxes) for boxes in package_boxes(plane)]
    return np.concatenate([each.corners for each in found]), np.concatenate([each.least for each in found])


@checked
def reaches(plane: Plane) -> np.ndarray:
    """How far each family reaches in the sixteen directions, by the package: (family, 16).

    >>> from transformer_lab.byhand.transformer import init
    >>> reaches(to_plane(init(config_of(4)))).shape
    (36, 16)
    """
    return np.concatenate([support(plane, boxes, DIRECTIONS).heights for boxes in package_boxes(plane)])


@checked
def cut(piece: Array("corner 2"), side: Array("corner")) -> list[np.ndarray]:
    """A convex piece (corner, 2) cut where ``side`` (corner,), an affine function, is 0: one piece or two.

    >>> [half.tolist() for half in cut(np.array([[0.0, 0], [2, 0], [0, 2]]), np.array([-1.0, 1, -1]))]
    [[[1.0, 0.0], [2.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]]
    """
    after, further = np.roll(piece, -1, axis=0), np.roll(side, -1)
    corners = []
    for here, there, s, r in zip(piece, after, side, further, strict=True):
        corners += [(here, s)] + ([(here + (there - here) * (s / (s - r)), 0.0)] if s * r < 0 else [])
    halves = [np.array([place for place, s in corners if sign * s >= 0]) for sign in (1, -1)]
    return [half for half in halves if len(half) > 2] or [piece]


@checked
def values_only(plane: Plane) -> np.ndarray:
    """The least lead of each family in a polygon around its values, whatever their weights: (family,).

    The package's polygons, which know the weights, are smaller: the answer leads by more there.

    >>> from transformer_lab.byhand.transformer import init
    >>> plane = to_plane(init(config_of(4)))
    >>> bool((values_only(plane) <= polygons_of(plane)[1] + 1e-9).all())
    True
    """
    found = []
    for t, j, even in all_families(plane.n_ctx):
        weights, values = tables(plane, family(t, j, even))
        heights = (values[weights > 0] @ DIRECTIONS.T).max(axis=0)
        found.append(leads(plane, polygons(DIRECTIONS, heights[None]), np.array([even]))[0])
    return np.concatenate(found)


@checked
def outside(params: Entries(W_pos="n_ctx _"), heights: Array("168 16")) -> tuple[int, int]:
    """How many contexts with the ``+`` among the first five tokens lead to a point outside what the ``heights``
    (168, 16) of the families allow, by plain forward passes; and of how many.

    >>> from transformer_lab.byhand.transformer import init
    >>> params = init(config_of())
    >>> outside(params, reaches(to_plane(params)))
    (0, 21066)
    """
    beyond = np.concatenate([(asked(params, members(*which))[0] @ DIRECTIONS.T > reach + 1e-9).any(axis=1)
                             for which, reach in zip(all_families(), heights, strict=True) if which[0] < 5])
    return int(beyond.sum()), len(beyond)
