"""What a small model of a rule does, as arrays to draw: every token in every place, the plane, and chosen sequences.

All of it comes from :func:`~transformer_lab.byhand.transformer.forward` with a tap, so that it holds for every
configuration; what needs a plane asks for two dimensions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..byhand.attention import softmax
from ..byhand.transformer import forward
from ..config import ModelConfig
from ..errors import DataError
from ..randomness import generator
from ..rules import Array, Choice, Number, Seed, Whole, Wholes
from ..signatures import checked
from ..tasks.rules import RuleTask, decidable, sample

__all__ = ["Pairs", "chances", "demos", "grid", "in_plane", "pairs", "reading", "score_field", "score_table"]


class Pairs(NamedTuple):
    """Every token in every place (token, pos, ...): its point, and what the last layer's heads make of it."""

    x: np.ndarray  # (token, pos, d_model)
    q: np.ndarray  # (token, head, pos, d_head)
    k: np.ndarray
    v: np.ndarray


@checked
def in_plane(config: ModelConfig, what: str = "This figure") -> None:
    """Refuse a model that does not live in a plane: one layer, one head, two dimensions, no norms.

    >>> in_plane(ModelConfig(d_vocab=12, n_ctx=8, d_model=2, norm="none"))
    """
    wanted = {"d_model": 2, "d_head": 2, "n_heads": 1, "n_layers": 1, "norm": "none"}
    found = {name: getattr(config, name) for name in wanted}
    if other := [f"{name}={value!r}" for name, value in found.items() if value != wanted[name]]:
        raise DataError(f"{what} draws the plane, and this model has {', '.join(other)}. Choose another figure.")


@checked
def pairs(params: dict, config: ModelConfig) -> Pairs:
    """Every token in every place, from sequences of one token alone: what the first layer sees does not depend on the
    others.

    >>> from transformer_lab.analysis.plane_models import recipe
    >>> from transformer_lab.byhand.transformer import init
    >>> config = recipe().model
    >>> pairs(init(config), config).q.shape
    (12, 1, 8, 2)
    """
    rows = np.tile(np.arange(config.d_vocab)[:, None], config.n_ctx)
    acts = forward(params, rows, config)
    return Pairs(*(acts[f"blocks.0.{name}"] for name in ("resid_pre", "q", "k", "v")))


@checked
def reading(params: dict, tokens: Wholes("pos"), config: ModelConfig) -> dict[str, np.ndarray]:
    """Every activation on one sequence, the first layer's under their short names, and the ``probabilities``.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=12, n_ctx=8, d_model=2, norm="none")
    >>> found = reading(init(config), np.array([4, 7, 11]), config)
    >>> found["pattern"].shape, bool(np.allclose(found["probabilities"].sum(axis=-1), 1))
    ((1, 3, 3), True)
    """
    acts = forward(params, tokens[None], config)
    found = {name.removeprefix("blocks.0."): value[0] for name, value in acts.items()}
    return found | {"probabilities": softmax(found["logits"].astype(float))}


@checked
def score_table(found: Pairs, head: Whole(0) = 0) -> np.ndarray:
    """The score of every query with every key (query pos, query token, key pos, key token), whatever stands first.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=12, n_ctx=8, d_model=2, norm="none")
    >>> score_table(pairs(init(config), config)).shape
    (8, 12, 8, 12)
    """
    q, k = (np.moveaxis(part[:, head], 0, 1).astype(float) for part in (found.q, found.k))
    return np.einsum("tqd,skd->tqsk", q, k) / np.sqrt(q.shape[-1])


@checked
def grid(points: Array("rows 2"), n: Whole(2, 500) = 80, room: Number(0, 10) = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Both axes (n,) of a square grid that holds the points with some room around them.

    >>> [axis.round(2).tolist() for axis in grid(np.array([[0.0, 0.0], [1.0, 2.0]]), 3, 0.0)]
    [[-0.5, 0.5, 1.5], [0.0, 1.0, 2.0]]
    """
    low, high = points.min(axis=0), points.max(axis=0)
    half = (0.5 + room) * max(high - low) or 1.0
    return tuple(np.linspace(middle - half, middle + half, n) for middle in (low + high) / 2)


@checked
def chances(params: dict, config: ModelConfig, x: Array("across"), y: Array("down"),
            at: Choice(("resid_mid", "resid_post")) = "resid_mid") -> np.ndarray:
    """The probability of each next token (m, n, token) where the stream stands at (x, y): before the feed-forward
    layer, or behind it.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=12, n_ctx=8, d_model=2, norm="none")
    >>> chances(init(config), config, np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0])).shape
    (3, 2, 12)
    """
    in_plane(config, "The landscape")
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2)

    def put(name, value):
        return points.astype(value.dtype) if name == f"blocks.0.{at}" else value

    said = forward(params, np.zeros((len(points), 1), int), config, tap=put)["logits"][:, 0]
    return softmax(said.astype(float)).reshape(len(y), len(x), -1)


@checked
def score_field(query: Array("2"), x: Array("across"), y: Array("down")) -> np.ndarray:
    """The score (down, across) that a key at (x, y) has with one query.

    >>> score_field(np.array([2.0, 0.0]), np.array([0.0, 1.0]), np.array([5.0])).round(3).tolist()
    [[0.0, 1.414]]
    """
    return (query[0] * x[None, :] + query[1] * y[:, None]) / np.sqrt(2)


@checked
def demos(task: RuleTask, n: Whole(1, 100) = 3, seed: Seed = 0) -> np.ndarray:
    """So many *different* sequences (n, n_ctx) of the rule in which it speaks at least once, chosen by the seed.

    >>> task = RuleTask("plus_last_even")
    >>> found = demos(task)
    >>> len({tuple(row) for row in found.tolist()}), [bool(decidable(task, row[None]).any()) for row in found]
    (3, [True, True, True])
    """
    drawn = np.unique(sample(task, 50 * n, seed=seed, purpose="demonstrations").tokens, axis=0)
    drawn = generator(seed, "demonstrations").permutation(drawn)
    spoken = decidable(task, drawn).any(axis=-1)
    return np.concatenate([drawn[spoken], drawn[~spoken]])[:n]
