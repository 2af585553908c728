"""Looking and writing, trained together or in turns: one head, three kinds of position, three orders.

All seeds of an arm are trained at once on a leading axis. Seed i has its own first weights and its own patterns, fresh
at every step; arms share both, so that a seed can be compared with itself. ``transformer-lab study phases`` (and
``by-heart``, ``turns``) makes the records again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from transformer_lab.byhand import one_head
from transformer_lab.checks import check_array, check_entries
from transformer_lab.config import Config, OneHeadConfig
from transformer_lab.rules import Choice, Each, Entries, Number, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.patterns import Patterns, PatternTask, sample, score
from transformer_lab.training.fit import fit
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.study import Study

from .every_pattern import bag_accuracy, smallest_lead
from .look_write import LOOK, WRITE, alternate, attention_to_target, copying, likeness, swapped_losses

__all__ = ["BY_HEART", "MEASURES", "ORDERS", "PHASES", "POSITIONS", "TURNS", "PhaseRun", "arrival", "fresh_accuracy",
           "on_every_pattern", "slope_of_looking", "train"]

TASK = PatternTask()
Heads = Entries(W_QK="run.n_seeds d d")
POSITIONS, ORDERS = ("none", "one_hot", "learned"), ("joint", "write-first", "look-first")
MEASURE_EVERY = 10
MEASURES = ("grad_W_QK", "grad_W_OV", "neither", "look", "write", "both", "attention", "copying", "fresh_accuracy")


@dataclass(frozen=True)
class PhaseRun(Config):
    """Heads that differ in nothing but their seed, of which ``seed`` is the first.

    ``order`` says what is trained: both matrices at every step, or in turns, beginning with one; a phase has ``look``
    or ``write`` steps. With ``n_train`` 0 patterns are fresh at every step; otherwise each seed has so many, and sees
    all of them at every step. Learned positions are ``d_pos`` wide; with 20 the head is as wide as with one-hot ones.
    """

    positions: Choice(POSITIONS) = "none"
    order: Choice(ORDERS) = "joint"
    look: Whole(1) = 50
    write: Whole(1) = 50
    steps: Whole(1) = 500
    batch: Whole(1) = 100
    n_seeds: Whole(1) = 50
    learning_rate: Number(above=0) = 5.0
    n_train: Whole() = 0
    d_pos: Whole(1) = 20
    seed: Seed = 0

    @property
    def model(self) -> OneHeadConfig:
        """The head's configuration."""
        return OneHeadConfig(d_vocab=TASK.alphabet, n_ctx=TASK.n_ctx, positions=self.positions,
                             d_pos=self.d_pos if self.positions == "learned" else 0)

    def initial(self) -> dict[str, np.ndarray]:
        """The weights before training, in float32; entry i of the leading axis is seed ``seed + i``."""
        return one_head.init(self.model, n_seeds=self.n_seeds, seed=self.seed, dtype=np.float32)

    def batches(self, step: int) -> Patterns:
        """The patterns of one step, (n_seeds, batch)."""
        if self.n_train:
            return sample(TASK, (self.n_seeds, self.n_train), seed=self.seed)
        return sample(TASK, (self.n_seeds, self.batch), seed=self.seed, step=step)


@checked
def train(run: PhaseRun, *, keep: Iterable = (), frozen: Each(Choice(LOOK + WRITE), low=0) = ()):
    """Train all seeds of a run; ``keep`` lists the steps whose weights are kept in ``history.kept``, ``frozen`` the
    weights that are never trained, whoever's turn it is.

    Returns the trained heads, and their history (rows, seeds): at each step ``loss``, ``accuracy``, ``grad_W_QK`` and
    ``grad_W_OV`` on the step's patterns, before the update. Every 10 steps, on 200 further patterns: the losses
    ``neither``, ``look``, ``write``, ``both`` (:func:`~chapters.ch03.look_write.swapped_losses`), ``attention`` to the
    target, ``copying``, and ``fresh_accuracy``. In between they are NaN.

    >>> heads, history = train(PhaseRun(positions="one_hot", n_seeds=2, steps=20))
    >>> history["loss"].shape, history["attention"][::10].shape
    ((21, 2), (3, 2))
    """
    initial, probe = run.initial(), sample(TASK, 200, seed=run.seed, purpose="probe")
    turns = alternate(run.order, run.look, run.write)
    head = Stepper(initial, run.model, "sgd", train=lambda step: initial.keys() & ({*turns(step)} - {*frozen}))

    def measure(head: Stepper) -> dict:
        if head.optimizer.t % MEASURE_EVERY:
            return {}
        return {**swapped_losses(initial, head.params, run.model, probe),
                "attention": attention_to_target(head.params, run.model, TASK, probe),
                "copying": copying(head.params["W_OV"]), "fresh_accuracy": head.evaluate(probe)["accuracy"]}

    fixed = run.batches(0)  # the same object at every step, so that its rows are encoded once
    return head, fit(head, lambda step: fixed if run.n_train else run.batches(step), steps=run.steps,
                     learning_rate=run.learning_rate, evaluate=measure, keep=keep)


@checked
def slope_of_looking(run: PhaseRun, params: Heads, final: Heads, *,
                     n: Whole(1, 100_000) = 2000) -> dict[str, np.ndarray]:
    """Is the gradient of ``W_QK`` at the weights ``params`` of any use on the way to ``final``, those of the end?

    On ``n`` patterns, one entry a seed: ``size`` of the gradient of ``W_QK``, and ``likeness``, the cosine of the
    angle between the step that it asks for and the way that ``W_QK`` went in the whole run.

    >>> run = PhaseRun(n_seeds=2)
    >>> slope_of_looking(run, run.initial(), train(PhaseRun(n_seeds=2, steps=3))[0].params, n=9)["size"].shape
    (2,)
    """
    patterns = sample(TASK, n, seed=run.seed, purpose="probe")
    x = one_head.encode(patterns.tokens, run.model, params, np.float32)
    grad = one_head.backward(params, one_head.forward(params, x), patterns.targets)["W_QK"]
    return {"size": np.sqrt((grad**2).sum(axis=(-2, -1))),
            "likeness": likeness(-grad, final["W_QK"] - run.initial()["W_QK"])}


@checked
def fresh_accuracy(run: PhaseRun, params: dict, *, n: Whole(1, 100_000) = 10_000) -> np.ndarray:
    """The accuracy of every seed on ``n`` patterns that it never saw, the same ones for all.

    >>> fresh_accuracy(PhaseRun(n_seeds=2), PhaseRun(n_seeds=2).initial(), n=9).shape
    (2,)
    """
    heads, patterns = one_by_one(run, params), sample(TASK, n, seed=run.seed, purpose="fresh")
    rows = partial(one_head.encode, patterns.tokens, run.model, dtype=np.float32)
    shared = None if run.positions == "learned" else rows()
    return np.array([score(one_head.forward(head, rows(head) if shared is None else shared)["logits"], patterns.targets)
                     for head in heads])


@checked
def on_every_pattern(run: PhaseRun, params: dict) -> np.ndarray:
    """What every seed does on all 11,881,376 patterns, exactly.

    Without positions: its accuracy. With positions: the least by which its right logit leads, on any pattern; above 0,
    it is right on all.

    >>> bool(on_every_pattern(few := PhaseRun("one_hot", n_seeds=2), few.initial()).max() < 0)
    True
    """
    if run.positions == "none":
        return np.array([float(bag_accuracy(head, TASK)) for head in one_by_one(run, params)])
    return np.array([smallest_lead(head, run.model, TASK)[0] for head in one_by_one(run, params)])


def one_by_one(run: PhaseRun, params: dict) -> list[dict]:
    """The heads of all seeds, each without the leading axis."""
    shapes = {name: value.shape for name, value in run.initial().items()}
    check_entries("params", params, shapes)
    whole = {name: check_array(f"params[{name!r}]", params[name], shape=shape) for name, shape in shapes.items()}
    return [{name: value[i] for name, value in whole.items()} for i in range(run.n_seeds)]


@checked
def arrival(loss, level: float = 0.1) -> np.ndarray:
    """The first step at which each seed's loss, measured every 10 steps (step, seed), is down to ``level``; else inf.

    >>> arrival([[3.0, 3.0], [0.09, 2.0]]).tolist()
    [10.0, inf]
    """
    low = check_array("loss", loss, shape=("step", "seed")) <= level
    return np.where(low.any(axis=0), MEASURE_EVERY * low.argmax(axis=0), np.inf)


def measured(seeds, **arm) -> dict:
    """What is kept of an arm: every seed's curves in half precision, and what its heads do at the end."""
    run = PhaseRun(n_seeds=len(seeds), seed=seeds[0], **arm)
    head, history = train(run)
    curves = {name: (("step", "seed"), history[name].astype(np.float16)) for name in ("loss", "accuracy")}
    curves |= {name: (("at", "seed"), history[name][::MEASURE_EVERY].astype(np.float16)) for name in MEASURES}
    return {"step": ("step", history.steps), "at": ("at", history.steps[::MEASURE_EVERY]), **curves,
            "final_fresh_accuracy": ("seed", fresh_accuracy(run, head.params)),
            "every_pattern": ("seed", on_every_pattern(run, head.params))}


def paced(seeds, look, write) -> dict:
    """The loss every 10 steps with phases of these lengths, writing first."""
    run = PhaseRun("one_hot", "write-first", look, write, steps=800, n_seeds=len(seeds), seed=seeds[0])
    both = train(run)[1]["both"][::MEASURE_EVERY]
    return {"at": ("at", np.arange(0, run.steps + 1, MEASURE_EVERY)), "loss": (("at", "seed"), both.astype(np.float16))}


PHASES = Study("phases", measured, arms={"positions": POSITIONS, "order": ORDERS}, seeds=range(50), together=True,
               recipe=PhaseRun())
#: 100 patterns a seed, again and again, without positions.
BY_HEART = Study("by-heart", partial(measured, n_train=100, steps=1500), seeds=range(50), together=True,
                 recipe=PhaseRun(n_train=100, steps=1500))
TURNS = Study("turns", paced, arms={"look": (10, 20, 40, 80), "write": (10, 20, 40, 80)}, seeds=range(20),
              together=True, recipe=PhaseRun("one_hot", "write-first", steps=800, n_seeds=20))
