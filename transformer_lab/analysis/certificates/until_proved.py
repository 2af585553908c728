"""Training with the proof inside: whatever the proof finds wrong, or nearly so, is trained on until nothing is left.

From a quarter of the training on, every so many steps, each model's families are bounded. The contexts that touch a
polygon where the answer leads by little go into a pool, a part of every batch is drawn from it, and there the loss is
that of the query alone. A model is done when all families are proved; its weights are kept as they were then. One that
is not done when the steps are over may be begun again, from other first weights; how often is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from .prove import bounds, prove, touching
from .support import compass

__all__ = ["Proved", "train_until_proved"]

APART = 10_000  # from the seed of one attempt to that of the next: no two attempts share first weights or batches


class Proved(NamedTuple):
    """Weights with an axis of seeds, those of a proved model as they were then; and of each model whether it is proved,
    after how many steps of its last attempt, with which least lead, and at which attempt.
    """

    params: dict
    proved: np.ndarray   # (seed,) bool
    steps: np.ndarray    # (seed,) int
    margins: np.ndarray  # (seed,) float
    attempts: np.ndarray  # (seed,) int


class Pool:
    """For each model the contexts that it still has to learn."""

    def __init__(self, task: RuleTask, n_seeds: int, rows: int, seed: int, most: int):
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
                       embedding_scale: Number(above=0) = 0.3, share: Number(above=0, high=1) = 1.0,
                       attempts: Whole(1, 100) = 1, report: Callable | None = None) -> Proved:
    """Train ``n_seeds`` models at once, each from its own first weights and on its own batches, until all are proved
    or the steps are over; those that are not proved then are begun again, up to so many ``attempts``.

    Every ``every`` steps contexts with a lead ``below`` this go into the pools, from which ``rows`` more rows are drawn
    for each batch (0: train without the proof, and prove at the same times). ``report(step, proved)`` hears of it.
    Of many families a ``share``, drawn anew each time, is looked at in half the directions, and all where none of these
    is wrong.

    >>> from transformer_lab.analysis.certificates.plane import WANTED
    >>> config = ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=2)
    >>> found = train_until_proved(RuleTask(n_ctx=2, balanced=True), config, TrainConfig(steps=8, warmup=0), 3, every=4)
    >>> found.params["W_E"].shape, found.attempts.tolist()
    ((3, 12, 2), [1, 1, 1])
    """
    settings = {"every": every, "rows": rows, "below": below, "embedding_scale": embedding_scale, "share": share,
                "report": report}
    found = attempted(task, model, training, n_seeds, **settings)
    again = np.flatnonzero(~found.proved)
    if attempts == 1 or not len(again):
        return found
    other = replace(training, seed=training.seed + APART)
    later = train_until_proved(task, model, other, len(again), attempts=attempts - 1, **settings)
    for old, new in zip([*found.params.values(), *found[1:]], [*later.params.values(), *later[1:4], later.attempts + 1],
                        strict=True):
        old[again] = new
    return found


def attempted(task, model, training, n_seeds, *, every, rows, below, embedding_scale, share, report) -> Proved:
    """Train once; a model that is proved takes no further part."""
    def stepper_of(params):
        return Stepper(params, model, training.optimizer, max_norm=training.clip, seed=training.seed,
                       **training.settings)

    stepper = stepper_of(init(model, n_seeds=n_seeds, seed=training.seed, embedding_scale=embedding_scale))
    rate = warmup_linear(training.learning_rate, training.steps, training.warmup)
    boxes, open_ = families(task), np.arange(n_seeds)
    pool = Pool(task, n_seeds, rows, training.seed, most=max(5000, sum(len(each.answers) for each in boxes)))
    kept = {name: value.copy() for name, value in stepper.params.items()}
    steps, margins = np.full(n_seeds, training.steps), np.full(n_seeds, -np.inf)

    def batches(step):
        free = sample.unchecked(task, (n_seeds, training.batch), seed=training.seed, step=step)
        both = [np.concatenate(pair, axis=1) for pair in zip(free, pool.batch(step), strict=True)] if rows else free
        return [part[open_] for part in both]

    for start in range(0, training.steps, every):
        step = min(start + every, training.steps)
        fit(stepper, batches, start=start, steps=step, learning_rate=rate, every=step)
        for place, seed in enumerate(open_) if 4 * step >= training.steps else ():
            params = {name: value[place] for name, value in stepper.params.items()}
            plane = plane_of(params, model, task.of.operator)
            margins[seed] = glanced(plane, boxes, pool, seed, below, generator(training.seed, f"glance {seed}", step),
                                    share) if share < 1 else 0
            if margins[seed] >= 0:
                margins[seed] = examined(plane, boxes, pool, seed, below)
            for name, value in params.items():
                kept[name][seed] = value
        steps[open_[margins[open_] > 0]] = step
        if report:
            report(step, margins > 0)
        if (margins > 0).all():
            break
        if len(still := np.flatnonzero(margins[open_] <= 0)) < len(open_):
            state = {name: value[still] if np.ndim(value) else value for name, value in stepper.state().items()}
            stepper, open_ = stepper_of({name: state[name] for name in kept}), open_[still]
            stepper.load_state(state)
    return Proved(kept, margins > 0, steps, margins, np.ones(n_seeds, int))


def glanced(plane: Plane, boxes: list, pool: Pool, model: int, below: float, rng, share: float) -> float:
    """The smallest margin found below 0 in a share of the families, or 0; what is led by little goes into the pool."""
    found = [0.0]
    for each in boxes:
        some = each.pick(rng.random(len(each.answers)) < share)
        reached, margins = touching(plane, some, compass(8))
        worst, which = margins.argmin(axis=1), np.flatnonzero(margins.min(axis=1) < below)
        pool.add(model, reached.contexts[which, worst[which]], some.answers[which], plane.query)
        found.append(margins.min(initial=0))
    return min(found)


def examined(plane: Plane, boxes: list, pool: Pool, model: int, below: float) -> float:
    """The least lead that is proved, or a smallest margin found below 0; what is led by little goes into the pool."""
    found = [bounds(plane, each) for each in boxes]
    for each, known in zip(boxes, found, strict=True):
        worst, which = known.margins.argmin(axis=1), np.flatnonzero(known.margins.min(axis=1) < below)
        pool.add(model, known.contexts[which, worst[which]], each.answers[which], plane.query)
    margin = min(known.margins.min() for known in found)
    return margin if margin <= 0 else prove(plane, boxes).margin if any(
        (known.least <= 0).any() for known in found) else min(known.least.min() for known in found)
