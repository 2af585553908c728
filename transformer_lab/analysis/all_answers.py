"""What a digit model answers to all the inputs that there are, and how right that is: what studies of it measure.

A run is trained where its record is not there yet, with its weights kept at several steps; then the weights of each
step are asked everything, and scored by operation, on the inputs that training had and on those that it never had.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from ..errors import DivergedError
from ..rules import Array, Flags, Whole, Wholes
from ..signatures import checked
from ..tasks.digits import all_inputs
from ..tasks.expressions import PAD, operation_of
from ..training import History, Record, Run, read_record, train
from .digit_model import DigitModel

__all__ = ["accuracies", "answered", "trained"]

CURVES = ("loss", "held_out_loss", "held_out_accuracy", "train_accuracy")


@checked
def accuracies(right: Flags("... n"), groups: Wholes("n", low=0, below=100),
               weights: Array("n", low=0) | None = None) -> np.ndarray:
    """The share of right answers in each group (counted from 0), and in all together: (..., groups + 1).

    An input counts as often as its weight says; a group that counts nothing has the share NaN.

    >>> accuracies([True, False, True, True], [0, 0, 1, 1]).tolist()
    [0.5, 1.0, 0.75]
    """
    member = np.append(groups == np.arange(groups.max() + 1)[:, None], np.ones((1, len(groups))), axis=0)
    member = member * (1.0 if weights is None else weights)
    with np.errstate(invalid="ignore"):
        return (right @ member.T) / member.sum(1)


@checked
def trained(folder, run: Run, *, at: Wholes("n", low=0, empty=True) = (), every: Whole(1) = 500) -> Record:
    """The record of a run, trained if it is not there, with the weights at the steps ``at``; one that met NaN says so.
    """
    with suppress(DivergedError), np.errstate(over="ignore", invalid="ignore"):
        train(folder, run, every=every, keep=at)
    return read_record(folder)


@checked
def answered(folder, run: Run, *, at: Wholes("n", low=0), every: Whole(1) = 500) -> dict:
    """What a run of the digit task answers to all inputs at the steps ``at`` (``said``), how right that is, and its
    curves, as a study wants it: dimensions and array by name. ``stopped`` is the step at which it met NaN, else -1.
    """
    record = trained(folder, run, at=at, every=every)
    inputs, kept = all_inputs(run.task), record.history.kept
    data = run.task.encoded(inputs)
    said = np.stack([answers(run, kept.get(step), data.tokens) for step in at])
    groups = np.array([run.task.operations.index(operation_of(x)) for x in inputs])
    found = {"said": (("step", "input"), said), "step": ("step", list(at)),
             "operation": ("operation", [*run.task.operations, "all"]),
             "stopped": ((), np.int32(record.manifest["step"] if record.manifest["stopped"] else -1))}
    for part, often in occurrences(run, inputs).items():
        score, of_each = accuracies(said == data.targets, groups, often), np.bincount(groups, weights=often)
        found[part] = ("step", "operation"), score.astype(np.float32)
        found[f"counts.{part}"] = "operation", np.append(of_each, often.sum()).astype(np.int32)
    return found | curves(record.history, run.training.steps, every)


def answers(run: Run, params: dict | None, tokens) -> np.ndarray:
    """The likeliest token for each input (n,) uint8; padding where the run had stopped before."""
    if params is None:
        return np.full(len(tokens), PAD, dtype=np.uint8)
    return DigitModel(run, params).logits(tokens).argmax(-1).astype(np.uint8)


def occurrences(run: Run, inputs: list) -> dict[str, np.ndarray]:
    """How often each input counts in each part; ``test`` are the last half of what was held out, with repetitions."""
    seen = set(run.task.parts.train)
    known = np.array([x in seen for x in inputs], dtype=float)
    parts = {"trained": known, "unseen": 1 - known, "all": np.ones(len(inputs))}
    if not run.task.distinct:
        where = {x: i for i, x in enumerate(inputs)}
        test = run.task.parts.held_out[len(run.task.parts.held_out) // 2:]
        parts["test"] = np.bincount([where[x] for x in test], minlength=len(inputs)).astype(float)
    return parts


def curves(history: History, steps: int, every: int) -> dict:
    """The curves of a run, NaN where it had stopped."""
    when = [*range(0, steps, every), steps]
    found = {f"curve.{name}": np.full(len(when), np.nan, np.float32) for name in CURVES}
    for name in CURVES:
        known = history[name][:len(when)]
        found[f"curve.{name}"][:len(known)] = known
    return {name: ("row", curve) for name, curve in found.items()} | {"row": ("row", when)}
