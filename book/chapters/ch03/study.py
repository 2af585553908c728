"""Looking and writing, trained together or in turns: one head, three kinds of position, three orders.

Looking is what ``W_QK`` does (with learned positions, ``W_pos`` too), writing is what ``W_OV`` does. All seeds of an
arm are trained at once on a leading axis. Seed i has its own first weights and its own patterns, fresh at every step;
arms share both, so that a seed can be compared with itself. ``transformer-lab study phases`` (and ``by-heart``,
``turns``) makes the records again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import numpy as np

from transformer_lab.byhand import one_head, small_head
from transformer_lab.config import Config, OneHeadConfig
from transformer_lab.rules import Array, Choice, Number, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.patterns import Patterns, PatternTask, sample
from transformer_lab.training.fit import fit
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.study import Study

from .every_pattern import bag_accuracy, smallest_lead

__all__ = ["BY_HEART", "LOOK", "MEASURES", "ORDERS", "PHASES", "POSITIONS", "TURNS", "WRITE", "PhaseRun", "alternate",
           "attention_to_target", "copying", "on_every_pattern", "share_of_writing", "swapped_losses", "train", "walk"]

TASK = PatternTask()
POSITIONS, ORDERS = ("none", "one_hot", "learned"), ("joint", "write-first", "look-first")
MEASURE_EVERY = 10
MEASURES = ("grad_W_QK", "grad_W_OV", "neither", "look", "write", "both", "attention", "copying", "fresh_accuracy")
#: The parameters that decide where to look, and the one that decides what to write.
LOOK, WRITE = ("W_QK", "W_pos"), ("W_OV",)


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
def alternate(order: Choice(ORDERS), look: Whole(1), write: Whole(1)) -> Callable:
    """Which parameters are trained at each step: all, or looking and writing in turn, so many steps each.

    >>> train = alternate("write-first", look=50, write=20)
    >>> [train(step) for step in (0, 19, 20, 69, 70)]
    [('W_OV',), ('W_OV',), ('W_QK', 'W_pos'), ('W_QK', 'W_pos'), ('W_OV',)]
    """
    if order == "joint":
        return lambda step: LOOK + WRITE
    (first, length), (second, _) = ((LOOK, look), (WRITE, write))[::1 if order == "look-first" else -1]
    return lambda step: first if step % (look + write) < length else second


@checked
def walk(look: Array("..."), write: Array("..."), task: PatternTask, *, order: str = "joint", phase: Whole(1) = 50,
         steps: Whole(1, 100_000) = 500, learning_rate: Number(above=0) = 1.0) -> dict[str, np.ndarray]:
    """Gradient descent on the exact loss, from one start or from many (arrays): ``look`` and ``write`` at every point
    of the way, (steps + 1, ...), and the ``loss`` there. Phases are those of :func:`alternate`.

    >>> for order in ("write-first", "look-first"):
    ...     path = walk(0.0, -1.0, PatternTask(distinct=True), order=order, phase=1000, steps=3000)
    ...     print(order, path["loss"][-1].round(1))
    write-first 0.0
    look-first 3.1
    """
    train, points = alternate(order, phase, phase), [np.stack(np.broadcast_arrays(look, 0.0, write))]
    for step in range(steps):
        slopes = small_head.backward(dict(zip(small_head.NUMBERS, points[-1], strict=True)), task)
        look, write = ((matrix in train(step)) * slopes[name] for matrix, name in (("W_QK", "look"), ("W_OV", "write")))
        points.append(points[-1] - learning_rate * np.stack([look, 0 * look, write]))
    path = dict(zip(small_head.NUMBERS, np.stack(points, axis=1), strict=True))
    return path | {"loss": small_head.loss(path, task)}


@checked
def copying(W_OV: Array("... d_model d_vocab")) -> np.ndarray:
    """By how much more a letter that is read raises its own logit than the average one (eq-copying): diagonal's mean
    less mean of the rows that belong to letters.

    >>> copying(np.eye(4)).item()
    0.75
    """
    letters = W_OV[..., :W_OV.shape[-1], :]
    return np.trace(letters, axis1=-2, axis2=-1) / letters.shape[-1] - letters.mean(axis=(-2, -1))


@checked
def share_of_writing(neither: Array("..."), look: Array("..."), write: Array("..."), both: Array("...")) -> np.ndarray:
    """Writing's share of the gain (eq-share), from the losses with neither, one, or both as trained: the mean of its
    gain when it comes first and second, its Shapley value (1953); looking has the rest.

    >>> round(float(share_of_writing(3.0, 3.0, 2.0, 0.0)), 3)
    0.667
    """
    return ((neither - write) + (look - both)) / 2 / (neither - both)


def swapped_losses(initial: dict, trained: dict, config: OneHeadConfig, patterns: Patterns) -> dict[str, np.ndarray]:
    """The loss in nats with ``neither``, one, or ``both`` of ``look`` and ``write`` as trained, the rest as it was at
    first, an entry a model.

    >>> dice = PhaseRun(n_seeds=3).initial()
    >>> swapped_losses(dice, dice, PhaseRun().model, sample(TASK, 9, seed=0))["look"].shape
    (3,)
    """
    losses = {}
    for part, names in {"neither": (), "look": LOOK, "write": WRITE, "both": LOOK + WRITE}.items():
        params = initial | {name: trained[name] for name in names if name in trained}
        x = one_head.encode(patterns.tokens, config, params, params["W_QK"].dtype)
        losses[part] = one_head.loss(one_head.forward(params, x)["logits"], patterns.targets)
    return losses


def attention_to_target(params: dict, config: OneHeadConfig, patterns: Patterns) -> np.ndarray:
    """How much attention the positions that hold the target's slot get, on average; spread evenly it is 1/5."""
    x = one_head.encode(patterns.tokens, config, params, params["W_QK"].dtype)
    pattern = one_head.forward(params, x)["pattern"]
    return pattern[..., np.array(TASK.slots) == TASK.target_slot].sum(axis=-1).mean(axis=-1)


@checked
def train(run: PhaseRun, *, keep: Iterable = ()):
    """Train all seeds of a run; ``keep`` lists the steps whose weights are kept in ``history.kept``.

    Returns the trained heads, and their history (rows, seeds): at each step ``loss``, ``accuracy``, ``grad_W_QK`` and
    ``grad_W_OV`` on the step's patterns, before the update. Every 10 steps, on 200 further patterns: the losses
    ``neither``, ``look``, ``write``, ``both`` (:func:`swapped_losses`), ``attention`` to the target, ``copying``, and
    ``fresh_accuracy``. In between they are NaN.

    >>> heads, history = train(PhaseRun(positions="one_hot", n_seeds=2, steps=20))
    >>> history["loss"].shape, history["attention"][::10].shape
    ((21, 2), (3, 2))
    """
    initial, probe = run.initial(), sample(TASK, 200, seed=run.seed, purpose="probe")
    turns = alternate(run.order, run.look, run.write)
    head = Stepper(initial, run.model, "sgd", train=lambda step: initial.keys() & turns(step))

    def measure(head: Stepper) -> dict:
        if head.optimizer.t % MEASURE_EVERY:
            return {}
        return {**swapped_losses(initial, head.params, run.model, probe),
                "attention": attention_to_target(head.params, run.model, probe),
                "copying": copying(head.params["W_OV"]), "fresh_accuracy": head.evaluate(probe)["accuracy"]}

    fixed = run.batches(0)  # the same object at every step, so that its rows are encoded once
    return head, fit(head, lambda step: fixed if run.n_train else run.batches(step), steps=run.steps,
                     learning_rate=run.learning_rate, evaluate=measure, keep=keep)


def on_every_pattern(run: PhaseRun, params: dict) -> np.ndarray:
    """What every seed does on all 11,881,376 patterns, exactly.

    Without positions: its accuracy. With positions: the least by which its right logit leads, on any pattern; above 0,
    it is right on all.

    >>> bool(on_every_pattern(few := PhaseRun("one_hot", n_seeds=2), few.initial()).max() < 0)
    True
    """
    heads = zip(params["W_QK"], params["W_OV"], params.get("W_pos", repeat(np.eye(TASK.n_ctx))), strict=False)
    return np.array([float(bag_accuracy(W_QK, W_OV, TASK)) if run.positions == "none" else
                     smallest_lead(W_QK, W_OV, places, TASK) for W_QK, W_OV, places in heads])


def measured(seeds, **arm) -> dict:
    """What is kept of an arm: every seed's curves in half precision, and what its heads do at the end."""
    run = PhaseRun(n_seeds=len(seeds), seed=seeds[0], **arm)
    head, history = train(run)
    fresh = (np.split(part, 50) for part in sample(TASK, 10_000, seed=run.seed, purpose="fresh"))
    right = np.mean([head.evaluate(some)["accuracy"] for some in zip(*fresh, strict=True)], axis=0)
    curves = {name: (("step", "seed"), history[name].astype(np.float16)) for name in ("loss", "accuracy")}
    curves |= {name: (("at", "seed"), history[name][::MEASURE_EVERY].astype(np.float16)) for name in MEASURES}
    return {"step": ("step", history.steps), "at": ("at", history.steps[::MEASURE_EVERY]), **curves,
            "final_fresh_accuracy": ("seed", right), "every_pattern": ("seed", on_every_pattern(run, head.params))}


def paced(seeds, look, write) -> dict:
    """The loss every 10 steps with phases of these lengths, writing first."""
    run = PhaseRun("one_hot", "write-first", look, write, steps=800, n_seeds=len(seeds), seed=seeds[0])
    both = train(run)[1]["both"][::MEASURE_EVERY]
    at = np.arange(0, run.steps + 1, MEASURE_EVERY)
    return {"at": ("at", at), "loss": (("at", "seed"), both.astype(np.float16))}


PHASES = Study("phases", measured, arms={"positions": POSITIONS, "order": ORDERS}, seeds=range(50), together=True,
               recipe=PhaseRun())
#: 100 patterns a seed, again and again, without positions.
BY_HEART = Study("by-heart", partial(measured, n_train=100, steps=1500), seeds=range(50), together=True,
                 recipe=PhaseRun(n_train=100, steps=1500))
TURNS = Study("turns", paced, arms={"look": (10, 20, 40, 80), "write": (10, 20, 40, 80)}, seeds=range(20),
              together=True, recipe=PhaseRun("one_hot", "write-first", steps=800, n_seeds=20))
