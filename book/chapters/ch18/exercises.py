"""Exercises of chapter 18, what heads learn: scores and nulls, places to look, shares of an effect, a head by hand."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import causal_mask, softmax
from transformer_lab.exercises import Exercise, Objection

__all__ = ["check_effect", "check_fit", "check_one_back", "check_places", "check_rolled", "check_uniform"]


def _patterns(rng, *leading, n=6):
    pattern = np.tril(rng.random((*leading, n, n)))
    return pattern / pattern.sum(axis=-1, keepdims=True)


def fit(pattern):
    return np.mean(np.diagonal(pattern, -1))


check_fit = Exercise(
    fit, "the score", lambda rng: [(_patterns(rng),), (_patterns(rng, n=9),), (np.eye(5, k=-1) + np.eye(5)[:1].T
                                                                            * np.eye(5)[0],)],
    right="The share of attention that goes one place back, averaged over the queries that have one.",
    also_right=(lambda p: sum(p[i, i - 1] for i in range(1, len(p))) / (len(p) - 1),),
    mistakes={
        "The first query has no place before it: leave it out of the mean.":
            lambda p: np.diagonal(p, -1).sum() / len(p),
        "That is how much each query looks at itself.": lambda p: np.mean(np.diagonal(p)),
        "Rows are queries and columns are keys: you read the pattern the other way round.":
            lambda p: np.mean(np.diagonal(p, 1))})


def uniform(n):
    return sum(1 / (query + 1) for query in range(1, n)) / (n - 1)


check_uniform = Exercise(
    uniform, "the score", [(2,), (5,), (32,)],
    right="So a score of a fifth can be had for nothing in a short window.",
    also_right=(lambda n: (np.cumsum(1 / np.arange(1, n + 1))[-1] - 1) / (n - 1),),
    mistakes={
        "A causal query sees itself and what came before, not all of the window.": lambda n: 1 / n,
        "Query t, counted from 0, sees t + 1 keys: itself too.":
            lambda n: sum(1 / query for query in range(1, n)) / (n - 1),
        "The first query has no place before it: leave it out.":
            lambda n: sum(1 / (query + 1) for query in range(n)) / n})


def places(tokens):
    n = len(tokens)
    return np.array([[0 < key <= query and tokens[key - 1] == tokens[query] for key in range(n)]
                     for query in range(n)])


check_places = Exercise(
    places, "the places", lambda rng: [(rng.integers(3, size=n),) for n in (5, 8, 12)],
    right="Behind every earlier copy of the query's own token.",
    also_right=(lambda tokens: np.tril(np.pad(tokens[:, None] == tokens[:-1], ((0, 0), (1, 0)))),),
    mistakes={
        "These are the copies themselves; induction looks one place behind them.":
            lambda tokens: np.tril(tokens[:, None] == tokens, -1),
        "Some of your places come after the query, which it cannot see.":
            lambda tokens: np.pad(tokens[:, None] == tokens[:-1], ((0, 0), (1, 0))),
        "The place right before a copy is not the place behind it.":
            lambda tokens: np.tril(np.pad(tokens[:, None] == tokens[1:], ((0, 0), (0, 1))), -2)})


def effect(changed, before, after):
    return (changed - before) / (after - before)


check_effect = Exercise(
    effect, "the share", lambda rng: [tuple(rng.normal(size=3)) for _ in range(3)],
    right="Nothing is 0, all of it is 1, and more than all can happen.",
    also_right=(lambda changed, before, after: 1 - (after - changed) / (after - before),),
    mistakes={
        "That is in the measure's own units; divide by the whole difference.": lambda c, b, a: c - b,
        "This is 1 where nothing changed: measure from what was before.": lambda c, b, a: (a - c) / (a - b),
        "A share of what there was is not a share of the difference.": lambda c, b, a: (c - b) / b})


def rolled(patterns):
    flow = np.eye(patterns.shape[-1])
    for layer in patterns:
        flow = (layer.mean(axis=0) + np.eye(len(flow))) / 2 @ flow
    return flow


def _rolled_paths(patterns):
    return np.linalg.multi_dot([(layer.mean(axis=0) + np.eye(layer.shape[-1])) / 2 for layer in patterns[::-1]])


check_rolled = Exercise(
    rolled, "the shares", lambda rng: [(_patterns(rng, layers, 3),) for layers in (2, 3, 2)],
    right="Every path through the layers counts, half of it along the stream.", also_right=(_rolled_paths,),
    mistakes={
        "The stream is missing: half of each step stays where it is.":
            lambda p: np.linalg.multi_dot([layer.mean(axis=0) for layer in p[::-1]]),
        "The first layer comes first on the way in: later layers multiply from the other side.":
            lambda p: _rolled_paths(p[::-1]),
        "Rows no longer sum to one: the two halves are halves.": lambda p: _rolled_paths(p) * 2.0 ** len(p)})


def one_back(n, sharp):
    return sharp * np.eye(n), np.eye(n, k=1)


def _pattern_of(answer, n, sharp):
    made = answer(n, sharp)
    if not (isinstance(made, tuple | list) and len(made) == 2):
        raise Objection("Return two tables, W_Q and W_K.")
    W_Q, W_K = (np.asarray(each, dtype=float) for each in made)
    if not W_Q.shape == W_K.shape == (n, n):
        raise Objection(f"Each table has {n} rows and {n} columns here.")
    return np.diagonal(softmax(W_Q @ W_K.T, causal_mask(n)), -1)


check_one_back = Exercise(
    one_back, "the attention one place back", [(4, 30.0), (9, 40.0)], measure=_pattern_of, tolerance=1e-6,
    right="A head that looks one place back, whatever the tokens are.",
    also_right=(lambda n, sharp: (np.eye(n, k=-1) * sharp, np.eye(n)),),
    mistakes={
        "This head looks at its own place.": lambda n, sharp: (sharp * np.eye(n), np.eye(n)),
        "It looks one place forward, where the mask lets nothing through.":
            lambda n, sharp: (sharp * np.eye(n), np.eye(n, k=-1)),
        "The right place leads by too little: make the scores larger by `sharp`.":
            lambda n, sharp: (np.eye(n), np.eye(n, k=1))})
