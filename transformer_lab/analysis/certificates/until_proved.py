"""Training with the proof inside: whatever the proof finds wrong, or nearly so, is trained on until nothing is left.

From a quarter of the training on, every so many steps, each model's families are bounded. The contexts that touch a
polygon where the answer leads by little go into a pool, a part of every batch is drawn from it, and there the loss is
that of the query alone. A model is done when all families are proved; its weights are kept as they were then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...byhand.optimizers import warmup_linear
from ...byhand.transformer import init
from ...config import ModelConfig, TrainConfig
from ...randomness import generator
from ...rules import Number, Whole
from ...signatures import checked
from ...tasks.answers import IGNORED
from ...tasks.rules import RuleTask, sample
from ...training import fit
from ...training.stepper import Stepper
from .families import families
from .plane import Plane, plane_of
from .prove import bounds, prove

__all__ = ["Proved"]


class Proved(NamedTuple):
    """Weights with an axis of seeds, those of a proved model as they were then; and of each model whether it is proved,
    after how many steps, and with which least lead.
    """

    params: dict
    proved: np.ndarray   # (seed,) bool
    steps: np.ndarray    # (seed,) int
    margins: np.ndarray  # (seed,) float


class Pool:
    """For each model the contexts that it still has to learn."""

    def __init__(self, task: RuleTask, n_seeds: int, rows: int, seed: int, most: int = 5000):
        self.task, self.seed, self.most = task, seed, most
        self.kept = [np.empty((0, 2, task.n_ctx), int) for _ in range(n_seeds)]
        self.shape = (n_seeds, rows)

    def add(self, model: int, contexts: np.ndarray, answers: np.ndarray, query: int) -> None:
        """Contexts (n, t) with their answers: tokens up to the query, and the answer as the only target there."""
        rows = np.zeros((len(contexts), 2, self.task.n_ctx), int)
        t = contexts.shape[1]
        rows[:, 0, :t], rows[:, 0, t] = contexts, query
        rows[:, 1], rows[:, 1, t] = IGNORED, answers
        self.kept[model] = np.concatenate([self.kept[model], rows])[-self.most:]

    def batch(self, step: int):
        """Tokens and targets, (seed, row, n_ctx); where a pool is empty no target counts."""
        drawn = generator(self.seed, "pool", step).random(self.shape)
        rows = np.full((*self.shape, 2, self.task.n_ctx), IGNORED)
        rows[:, :, 0] = 0
        for model, kept in enumerate(self.kept):
            if len(kept):
                rows[model] = kept[(drawn[model] * len(kept)).astype(int)]
        return rows[:, :, 0], rows[:, :, 1]


@checked
def train_until_proved(task: RuleTask, model: ModelConfig, training: TrainConfig, n_seeds: Whole(1, 10_000), *,
                       every: Whole(1) = 250, rows: Whole() = 32, below: Number(low=0) = 0.3,
                       embedding_scale: Number(above=0) = 0.3, report: Callable | None = None) -> Proved:
    """Train ``n_seeds`` models at once, each from its own first weights and on its own batches, until all are proved
    or the steps are over.

    Every ``every`` steps contexts with a lead ``below`` this go into the pools, from which ``rows`` more rows are drawn
    for each batch (0: train without the proof, and prove at the same times). ``report(step, proved)`` hears of it.
    """
    stepper = Stepper(init(model, n_seeds=n_seeds, seed=training.seed, embedding_scale=embedding_scale), model,
                      training.optimizer, max_norm=training.clip, seed=training.seed, **training.settings)
    rate = warmup_linear(training.learning_rate, training.steps, training.warmup)
    pool, boxes = Pool(task, n_seeds, rows, training.seed), families(task)
    kept = {name: value.copy() for name, value in stepper.params.items()}
    done = np.full(n_seeds, -1), np.full(n_seeds, -np.inf)

    def batches(step):
        free = sample.unchecked(task, (n_seeds, training.batch), seed=training.seed, step=step)
        return [np.concatenate(pair, axis=1) for pair in zip(free, pool.batch(step), strict=True)] if rows else free

    for start in range(0, training.steps, every):
        step = min(start + every, training.steps)
        fit(stepper, batches, start=start, steps=step, learning_rate=rate, every=step)
        for seed in np.flatnonzero(done[0] < 0) if 4 * step >= training.steps else ():
            params = {name: value[seed] for name, value in stepper.params.items()}
            margin = examined(plane_of(params, model, task.of.operator), boxes, pool, seed, below)
            done[1][seed] = margin
            if margin > 0:
                done[0][seed] = step
            for name, value in params.items():
                kept[name][seed] = value
        if report:
            report(step, done[0] >= 0)
        if (done[0] >= 0).all():
            break
    return Proved(kept, done[0] >= 0, np.where(done[0] < 0, training.steps, done[0]), done[1])


def examined(plane: Plane, boxes: list, pool: Pool, model: int, below: float) -> float:
    """The least lead that is proved, or a smallest margin found below 0; what is led by little goes into the pool."""
    found = [bounds(plane, each) for each in boxes]
    for each, known in zip(boxes, found, strict=True):
        worst, which = known.margins.argmin(axis=1), np.flatnonzero(known.margins.min(axis=1) < below)
        pool.add(model, known.contexts[which, worst[which]], each.answers[which], plane.query)
    margin = min(known.margins.min() for known in found)
    return margin if margin <= 0 else prove(plane, boxes).margin if any(
        (known.least <= 0).any() for known in found) else min(known.least.min() for known in found)
