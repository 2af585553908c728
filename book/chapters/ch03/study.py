"""Chapter 03's study: looking and writing, trained together or in turns, with three kinds of position.

Factor: which matrix is trained when. Arms: {no positions, one-hot, learned} x {joint, writing first, looking first}.
Each arm trains ``n_seeds`` heads at once on a leading axis; seed i has its own initial weights and its own patterns,
fresh at every step, and they are the same in all arms. So the loss and the accuracy at a step are measured on patterns
that the head never saw.

``python -m chapters.ch03.study`` trains what is missing and writes a record for each arm to ``data/phases``.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from transformer_lab.byhand import one_head
from transformer_lab.checks import check_array, check_choice, check_entries, check_number, check_seed, check_type
from transformer_lab.config import Config, OneHeadConfig, choice, field, whole
from transformer_lab.tasks.patterns import Patterns, PatternTask, sample, score
from transformer_lab.training import History, Record, fit, read_record, write_record
from transformer_lab.training.one_head import OneHeadStepper, alternate
from transformer_lab.training.seals import check_folder

from .every_pattern import bag_accuracy, smallest_lead
from .look_write import attention_to_target, copying, likeness, swapped_losses

__all__ = ["ARMS", "PhaseRun", "fresh_accuracy", "load", "on_every_pattern", "record", "slope_of_looking",
           "train"]

TASK = PatternTask()
MEASURE_EVERY = 10
DATA = Path("data/phases")


@dataclass(frozen=True)
class PhaseRun(Config):
    """One arm: heads that differ in nothing but their seed.

    Parameters
    ----------
    positions : {"none", "one_hot", "learned"}
    order : {"joint", "write-first", "look-first"}
        What is trained: both matrices at every step, or in turns, beginning with one.
    look, write : int
        Steps of a phase.
    steps, batch, n_seeds : int
    learning_rate : float
    n_train : int
        0: fresh patterns at every step. Otherwise each seed has so many, and sees all of them at every step.
    d_pos : int
        Width of a learned position; with 20 the head is as wide as with one-hot ones.
    seed : int
        The first seed.
    """

    positions: str = choice("none", "one_hot", "learned")
    order: str = choice("joint", "write-first", "look-first")
    look: int = whole(50)
    write: int = whole(50)
    steps: int = whole(500)
    batch: int = whole(100)
    n_seeds: int = whole(50)
    learning_rate: float = field(partial(check_number, above=0), 5.0)
    n_train: int = whole(0, low=0)
    d_pos: int = whole(20)
    seed: int = field(check_seed, 0)

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
        return sample(TASK, (self.n_seeds, self.batch), seed=self.seed, step=step)


#: The arms by name, and the run that remembers: 100 patterns again and again, without positions.
ARMS = {f"{positions}-{order}": PhaseRun(positions=positions, order=order)
        for positions in ("none", "one_hot", "learned") for order in ("joint", "write-first", "look-first")}
ARMS["none-remembered"] = PhaseRun(n_train=100, steps=1500)


def train(run: PhaseRun, *, keep=()) -> tuple[OneHeadStepper, History]:
    """Train all seeds of one arm.

    Parameters
    ----------
    run : PhaseRun
    keep : iterable of int
        Steps whose weights are kept in ``history.kept``.

    Returns
    -------
    OneHeadStepper, History
        The trained heads, and at each step (rows, seeds): ``loss``, ``accuracy`` and ``grad_W_QK``, ``grad_W_OV`` on
        the step's patterns, before the update. Every 10 steps, on 200 further patterns: the losses ``neither``,
        ``look``, ``write``, ``both`` (:func:`~chapters.ch03.look_write.swapped_losses`), ``attention`` to
        the target, ``copying``, and ``fresh_accuracy``. In between they are NaN.

    Examples
    --------
    >>> heads, history = train(PhaseRun(positions="one_hot", n_seeds=2, steps=20))
    >>> history["loss"].shape, history["attention"][::10].shape
    ((21, 2), (3, 2))
    """
    initial, probe = check_type("run", run, PhaseRun).initial(), sample(TASK, 200, seed=run.seed, purpose="probe")
    head = OneHeadStepper(run.model, initial, train=alternate(run.order, run.look, run.write))
    fixed = sample(TASK, (run.n_seeds, run.n_train), seed=run.seed) if run.n_train else None

    def measure(head: OneHeadStepper) -> dict:
        if head.n_steps % MEASURE_EVERY:
            return {}
        return {**swapped_losses(initial, head.params, run.model, probe),
                "attention": attention_to_target(head.params, run.model, TASK, probe),
                "copying": copying(head.params["W_OV"]), "fresh_accuracy": head.evaluate(probe)["accuracy"]}

    history = fit(head, lambda step: fixed or run.batches(step), steps=run.steps, learning_rate=run.learning_rate,
                  evaluate=measure, keep=keep)
    return head, history


def slope_of_looking(run: PhaseRun, params: dict, final: dict, *, n: int = 2000) -> dict[str, np.ndarray]:
    """Is the gradient of ``W_QK`` at these weights of any use?

    Parameters
    ----------
    run : PhaseRun
    params, final : dict of array
        Weights on the way, and those at the end of the same run, all seeds.
    n : int
        Patterns, shared by all seeds, on which the gradient is taken.

    Returns
    -------
    dict
        ``size`` of the gradient of ``W_QK``, and ``likeness``: the cosine of the angle between the step that it asks
        for and the way that ``W_QK`` went in the whole run, one entry a seed.
    """
    check_type("run", run, PhaseRun), check_entries("final", final, ["W_QK"])
    patterns = sample(TASK, n, seed=run.seed, purpose="probe")
    x = one_head.encode(patterns.tokens, run.model, params, np.float32)
    grad = one_head.backward(params, one_head.forward(params, x), patterns.targets)["W_QK"]
    return {"size": np.sqrt((grad**2).sum(axis=(-2, -1))),
            "likeness": likeness(-grad, final["W_QK"] - run.initial()["W_QK"])}


def fresh_accuracy(run: PhaseRun, params: dict, *, n: int = 10_000) -> np.ndarray:
    """The accuracy of every seed on ``n`` patterns that it never saw, the same ones for all."""
    heads, patterns = one_by_one(run, params), sample(TASK, n, seed=run.seed, purpose="fresh")
    rows = partial(one_head.encode, patterns.tokens, run.model, dtype=np.float32)
    shared = None if run.positions == "learned" else rows()
    return np.array([score(one_head.forward(head, rows(head) if shared is None else shared)["logits"], patterns.targets)
                     for head in heads])


def on_every_pattern(run: PhaseRun, params: dict) -> np.ndarray:
    """What every seed does on all 11,881,376 patterns, exactly.

    Without positions: its accuracy. With positions: the least by which its right logit leads, on any pattern; above 0,
    it is right on all.
    """
    heads = one_by_one(run, params)
    if run.positions == "none":
        return np.array([float(bag_accuracy(head, TASK)) for head in heads])
    return np.array([smallest_lead(head, run.model, TASK)[0] for head in heads])


def one_by_one(run: PhaseRun, params: dict) -> list[dict]:
    """The heads of all seeds, each without the leading axis."""
    shapes = {name: value.shape for name, value in check_type("run", run, PhaseRun).initial().items()}
    whole = {name: check_array(f"params[{name!r}]", value, shape=shapes[name])
             for name, value in check_entries("params", params, shapes).items() if name in shapes}
    return [{name: value[i] for name, value in whole.items()} for i in range(run.n_seeds)]


def record(arm: str, data: Path = DATA) -> Record:
    """Train an arm, unless its record is there, and keep what was measured.

    The record's table has the medians over seeds; its tensors have every seed's curves (in half precision), the
    accuracy on 10,000 fresh patterns, and what :func:`on_every_pattern` found.
    """
    run, folder = ARMS[check_choice("arm", arm, ARMS)], check_folder(data) / arm
    if folder.exists():
        return read_record(folder, config=run.to_dict())
    started = time.process_time()
    head, history = train(run)
    timing = {"training_cpu_s": time.process_time() - started}
    curves = {name: history[name] for name in history.names if name not in ("step", "learning_rate")}
    medians = [{"step": int(step)} | {name: round(float(np.median(curve[row])), 6) for name, curve in curves.items()
                                      if np.isfinite(curve[row]).all()} for row, step in enumerate(history.steps)]
    state = {name: curve[::1 if name in ("loss", "accuracy") else MEASURE_EVERY].astype(np.float16)
             for name, curve in curves.items()}
    state |= {"final_fresh_accuracy": fresh_accuracy(run, head.params),
              "every_pattern": on_every_pattern(run, head.params)}
    write_record(folder, config=run.to_dict(), history=History(medians), state=state, step=run.steps, timing=timing)
    return read_record(folder)


def load(arm: str, data: Path = DATA) -> Record:
    """The shipped record of an arm, its checksums verified."""
    return read_record(check_folder(data) / check_choice("arm", arm, ARMS), config=ARMS[arm].to_dict())


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ARMS)
    with ProcessPoolExecutor() as pool:
        for name, found in zip(chosen, pool.map(record, chosen), strict=True):
            print(f"{name}: {found.timing['training_cpu_s']:.1f} CPU s", flush=True)
