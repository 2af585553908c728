"""What heads look at, as numbers between 0 and 1 with a null beside them, and how many of them a model needs.

A score is the share of attention that goes where a story says, averaged over the queries for which the story names a
place. A share alone says little: where most places fit the story, most attention does.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from ..byhand.ends import is_real
from ..byhand.positions import visible
from ..config import ModelConfig
from ..parts import BYHAND, check_known
from ..randomness import generator
from ..rules import Array, Choice, Each, Flags, Function, Seed, Whole, Wholes
from ..signatures import checked
from ..taps import chained
from .ablation import ablate, stand_in
from .cache import Runner, patterns

__all__ = ["STORIES", "Pruning", "Scores", "head_effects", "head_scores", "pruning_curve", "scores_with_nulls",
           "visible_keys"]


def earlier(token):
    """Pairs (query, key) with the key before the query, for tokens (..., pos)."""
    n = token.shape[-1]
    return np.arange(n)[:, None] > np.arange(n)


def equal(token):
    return token[..., :, None] == token[..., None, :]


def induction(token):
    """Keys behind an earlier token that is the query's own (eq-induction)."""
    behind = np.zeros((*token.shape, token.shape[-1]), bool)
    behind[..., 1:] = equal(token)[..., :-1]
    return behind & earlier(token)


#: Name of a story -> where it says that a query looks, from tokens (..., pos) and the delimiters: (..., query, key).
STORIES = {
    "previous": lambda token, marks: np.eye(token.shape[-1], k=-1, dtype=bool),
    "first": lambda token, marks: (np.arange(token.shape[-1]) == 0) & earlier(token),
    "same_token": lambda token, marks: equal(token),
    "duplicate": lambda token, marks: equal(token) & earlier(token),
    "induction": lambda token, marks: induction(token),
    "delimiter": lambda token, marks: np.isin(token, marks)[..., None, :] & np.ones((token.shape[-1], 1), bool),
    "long_range": lambda token, marks: abs(np.subtract.outer(*2 * [np.arange(token.shape[-1])])) * 2 >= token.shape[-1],
}


@checked
def head_scores(pattern: Array("... batch n_heads query query", low=0), tokens: Wholes("batch query", low=0), *,
                seen: Flags("batch query query") | None = None,
                delimiters: Each(Whole(), low=0) = ()) -> dict[str, np.ndarray]:
    """How well each head fits each of the :data:`STORIES`: (..., n_heads), NaN where a story never names a place
    (eq-head-score).

    ``seen`` says what a query can look at (:func:`visible_keys`), everything where it is not given.

    >>> pattern = np.array([[[[1.0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]]])
    >>> found = head_scores(pattern, [[7, 3, 7, 3]])
    >>> {name: found[name].round(2).tolist() for name in ("previous", "first", "induction")}
    {'previous': [1.0], 'first': [0.33], 'induction': [1.0]}
    """
    found, shape = {}, (*tokens.shape, tokens.shape[-1])
    for name, story in STORIES.items():
        where = np.broadcast_to(story(tokens, list(delimiters)), shape) & (seen is None or seen)
        asked = where.any(axis=-1)                                           # (batch, query)
        shares = np.einsum("...bhqk,bqk->...hbq", pattern, where.astype(pattern.dtype))
        found[name] = shares[..., asked].mean(axis=-1) if asked.any() else np.full(shares.shape[:-2], np.nan)
    return found


@checked
def visible_keys(tokens: Wholes("batch query", low=0), config: ModelConfig) -> np.ndarray:
    """What each query can look at (batch, query, key); padding asks nothing.

    >>> visible_keys([[3, 0]], ModelConfig(d_vocab=5, n_ctx=2, pad=0, mask="causal")).astype(int).tolist()
    [[[1, 0], [0, 0]]]
    """
    check_known(config, BYHAND)
    real, mask = is_real(tokens, config), visible(tokens, config)
    keys = np.ones((1, 1, 1), bool) if mask is None else mask.reshape(-1, *mask.shape[-2:])
    return keys & real[:, None, :] & real[:, :, None]


class Scores(NamedTuple):
    """The scores of all heads by story, and what they would be if the story were none."""

    found: dict     # (n_layers, ..., n_heads)
    shuffled: dict  # (draws, n_layers, ..., n_heads): patterns of shuffled inputs, scored as if nothing had been moved
    uniform: dict   # one number: every query looks at all keys alike


@checked
def scores_with_nulls(run: Runner, tokens: Wholes("batch pos", low=0), *, delimiters: Each(Whole(), low=0) = (),
                      draws: Whole(1, 10_000) = 20, seed: Seed = 0) -> Scores:
    """The scores of every head of a model on a data set, with two nulls.

    A story of content (same token, duplicate, induction, delimiter) must beat ``shuffled``: there a head that goes by
    places alone keeps its score. A story of places (previous, first, long range) must beat ``uniform``.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, mask="causal")
    >>> found = scores_with_nulls(Runner(init(config), config), [[1, 2, 1, 2], [3, 1, 1, 0]], draws=5)
    >>> found.found["induction"].shape, found.shuffled["induction"].shape, float(found.uniform["previous"].round(3))
    ((1, 2), (5, 1, 2), 0.361)
    """
    keys, rng = visible_keys(tokens, run.config), generator(seed, "shuffled inputs")

    def scored(pattern):
        return head_scores(pattern, tokens, seen=keys, delimiters=delimiters)

    drawn = [scored(patterns(run, shuffled(tokens, run.config, rng))) for _ in range(draws)]
    even = keys / np.maximum(keys.sum(axis=-1, keepdims=True), 1)
    return Scores(scored(patterns(run, tokens)), {name: np.stack([each[name] for each in drawn]) for name in STORIES},
                  {name: score[0] for name, score in scored(even[:, None]).items()})


def shuffled(tokens, config, rng):
    """Every sequence in an order of its own; padding stays at the end."""
    order = np.argsort(rng.random(tokens.shape) + ~is_real(tokens, config), axis=-1)
    return np.take_along_axis(tokens, order, axis=-1)


class Pruning(NamedTuple):
    """Heads (layer, head) in the order in which they were taken out, and the measure with none, one, … of them out."""

    order: list
    values: np.ndarray


@checked
def head_effects(run: Runner, tokens: Wholes("... batch pos", low=0), measure: Function("logits"), *,
                 how: Choice(("mean", "zero", "resample")) = "mean", seed: Seed = 0) -> np.ndarray:
    """How much the measure changes when one head is ablated (n_layers, n_heads); a measure makes a number of logits.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, n_layers=2)
    >>> run = Runner(init(config), config)
    >>> head_effects(run, [[1, 2, 1, 2]], lambda logits: logits[..., 1].mean(), how="zero").shape
    (2, 2)
    """
    without, before = ablating(run, tokens, how, seed), run.measured(measure, tokens)
    return np.array([[run.measured(measure, tokens, without([(layer, head)])) - before
                      for head in range(run.config.n_heads)] for layer in range(run.config.n_layers)])


def ablating(run, tokens, how, seed):
    """The tap that ablates a list of heads, as a function of it."""
    layers = range(run.config.n_layers)
    values = [stand_in(partial(run, tokens), f"blocks.{layer}.z", how, seed=seed) for layer in layers]
    return lambda heads: chained(*[ablate(f"blocks.{layer}.z", head=head, value=values[layer])
                                   for layer, head in heads])


@checked
def pruning_curve(run: Runner, tokens: Wholes("... batch pos", low=0), measure: Function("logits"), *,
                  how: Choice(("mean", "zero", "resample")) = "mean", seed: Seed = 0) -> Pruning:
    """How many heads a model can do without: of those that are left, the one is taken out next without which the
    measure is highest (Michel et al. 2019, with the order found anew at each step).

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2)
    >>> run = Runner(init(config), config)
    >>> found = pruning_curve(run, [[1, 2, 1, 2]], lambda logits: logits[..., 1].mean(), how="zero")
    >>> sorted(found.order), found.values.shape
    ([(0, 0), (0, 1)], (3,))
    """
    without, order, values = ablating(run, tokens, how, seed), [], [run.measured(measure, tokens)]
    left = [(layer, head) for layer in range(run.config.n_layers) for head in range(run.config.n_heads)]
    while left:
        tried = [run.measured(measure, tokens, without([*order, head])) for head in left]
        best = int(np.argmax(tried))
        order, values = [*order, left.pop(best)], [*values, tried[best]]
    return Pruning(order, np.array(values))
