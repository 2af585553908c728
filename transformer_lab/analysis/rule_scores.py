"""How well a model follows a rule: its first choice, its sampled tokens, and what it writes on its own.

Counts by position and by distance, from which every share follows, each with its interval. A place counts where what is
in view decides what the rule says (:func:`~transformer_lab.tasks.rules.decidable`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..byhand.attention import softmax
from ..byhand.transformer import loss
from ..checks import check_array
from ..config import ModelConfig
from ..errors import RangeError
from ..randomness import generator
from ..rules import Array, Number, Seed, Whole, Wholes
from ..signatures import checked
from ..tasks.rules import RuleTask, automaton, decidable, distances, oracle, sample
from ..training.run import logits

__all__ = ["Scores", "free_running", "interval", "judged", "sampled", "scores"]


class Scores(NamedTuple):
    """Tables (pos, distance), distance 0 where no token in focus is in view: how many decidable places there are, on
    how many the first choice is right, and how many wrong tokens sampling gives on average; and the loss over all.
    """

    asked: np.ndarray
    right: np.ndarray
    sampled_wrong: np.ndarray
    loss: float


@checked
def scores(params: dict, config: ModelConfig, task: RuleTask, *, windows: Whole(1, 100_000) = 4000,
           seed: Seed = 0) -> Scores:
    """Score one model on random windows, drawn as the task draws them, every target counted.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.analysis.plane_models import recipe
    >>> run = recipe()
    >>> found = scores(init(run.model), run.model, run.task, windows=100)
    >>> found.asked.shape, bool(found.right.sum() <= found.asked.sum())
    ((8, 8), True)
    """
    task = replace(task, free=1.0)
    drawn = sample(task, windows, seed=seed, purpose="scores")
    said, allowed = logits(params, drawn.tokens, config), oracle(task, drawn.tokens)
    right = np.take_along_axis(allowed, said.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    wrong = np.where(allowed, 0, softmax(said)).sum(axis=-1)
    counts, place = decidable(task, drawn.tokens), (np.arange(task.n_ctx), distances(task, drawn.tokens))

    def table(values):
        found = np.zeros((task.n_ctx, task.n_ctx))
        np.add.at(found, tuple(np.broadcast_arrays(*place)), np.where(counts, values, 0))
        return found

    return Scores(table(1).astype(int), table(right).astype(int), table(wrong),
                  float(loss(said, drawn.targets, config)))


@checked
def free_running(params: dict, config: ModelConfig, task: RuleTask, *, sequences: Whole(1, 100_000) = 200,
                 length: Whole(2, 1000) = 30, seed: Seed = 0) -> tuple[int, int]:
    """Let the model write sequences by sampling, each from a first token of the rule's own: how often the rule says
    what must come next, and how often something else came, a second ``+`` after a ``+`` included.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.analysis.plane_models import recipe
    >>> run = recipe()
    >>> asked, wrong = free_running(init(run.model), run.model, run.task, sequences=20)
    >>> 0 < wrong <= asked
    True
    """
    draws = generator(seed, "free running").random((length, sequences))
    marks = judged(task, sampled(params, config, task, draws))
    return int((marks != 0).sum()), int((marks < 0).sum())


@checked
def sampled(params: dict, config: ModelConfig, task: RuleTask, draws: Array("length n", low=0, high=1)) -> np.ndarray:
    """Sequences (n, length) that a model writes, each from a first token of the rule's own; a draw, even between 0 and
    1, decides each token.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.analysis.plane_models import recipe
    >>> run = recipe()
    >>> sampled(init(run.model), run.model, run.task, generator(0, "draws").random((5, 2))).shape
    (2, 5)
    """
    chances = automaton(task.rule).chances[0]
    tokens = (draws[0][:, None] > np.cumsum(chances)[:-1]).sum(axis=-1)[:, None]
    for draw in draws[1:]:
        odds = softmax(logits(params, tokens[:, -config.n_ctx:], config)[:, -1].astype(float))
        tokens = np.hstack([tokens, (draw[:, None] > np.cumsum(odds, axis=-1)[:, :-1]).sum(axis=-1)[:, None]])
    return tokens


@checked
def judged(task: RuleTask, tokens: Wholes("n pos", low=0)) -> np.ndarray:
    """Of each token of sequences (n, pos) whether the rule allows it (1), forbids it (-1), or says nothing (0).

    >>> judged(RuleTask("plus_last_even"), np.array([[4, 7, 11, 4], [4, 7, 11, 7]])).tolist()
    [[0, 0, 0, 1], [0, 0, 0, -1]]
    """
    check_array("tokens", tokens, shape=tokens.shape, kind="whole", low=0, high=task.d_vocab - 1)
    machine, found = automaton(task.rule), np.zeros(tokens.shape, int)
    state = machine.follow[0, tokens[:, 0]]
    for place, token in enumerate(tokens[:, 1:].T, 1):
        right = np.where(machine.allowed[state, token], 1, -1)
        found[:, place] = np.where(machine.constrained[state], right, 0)
        state = machine.follow[state, token]
    return found


@checked
def interval(right: Whole(), asked: Whole(1), *, z: Number(above=0, high=10) = 1.96) -> tuple[float, float]:
    """The interval of Wilson (1927) for a share, from its counts: at the usual ``z`` it holds it 95 times in 100.

    >>> [round(end, 3) for end in interval(10, 10)]
    [0.722, 1.0]
    """
    if right > asked:
        raise RangeError("right", str(right), f"at most asked={asked}", "Pass the smaller count first.")
    share, spread = right / asked, z**2 / asked
    middle = share + spread / 2
    half = z * np.sqrt(share * (1 - share) / asked + spread / (4 * asked))
    return float((middle - half) / (1 + spread)), min(1.0, float((middle + half) / (1 + spread)))
