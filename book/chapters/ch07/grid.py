"""Studies with two factors: arms, each of which changes a recipe, and seeds. Every model answers all inputs there are.

To know what a model has learned and what it has only remembered, the inputs that it trained on and those that it never
met are scored apart, operation by operation, at several steps of training.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from transformer_lab.errors import DivergedError
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import PAD, operation_of
from transformer_lab.training import History, Record, read_record
from transformer_lab.training.digit_model import DigitModel
from transformer_lab.training.digits import DigitRun, train

from .confusion import accuracies

__all__ = ["CURVES", "Grid", "measured", "trained"]

CURVES = ("loss", "held_out_loss", "held_out_accuracy", "train_accuracy")


@dataclass(frozen=True)
class Grid:
    """Arms and seeds, and when the models are asked.

    Parameters
    ----------
    arms : dict
        By its name, the fields of the recipe that an arm changes.
    seeds : tuple of int
        Of the first weights and the batches.
    splits : bool
        Whether a seed is also that of what is drawn and held out.
    at : tuple of int
        The steps whose weights answer all inputs.
    every : int
        Steps between two rows of the curves.
    keeps : tuple of str
        Weights of the last step that are shipped.
    recipe : DigitRun

    Examples
    --------
    >>> grid = Grid({"clipped": {"clip": 1.0}}, splits=True)
    >>> grid.run("clipped", 3).clip, grid.run("clipped", 3).data_seed
    (1.0, 3)
    """

    arms: dict[str, dict]
    seeds: tuple[int, ...] = tuple(range(5))
    splits: bool = False
    at: tuple[int, ...] = (2000,)
    every: int = 100
    keeps: tuple[str, ...] = ()
    recipe: DigitRun = DigitRun(task=DigitTask())  # noqa: RUF009 (a frozen default)

    def run(self, arm: str, seed: int) -> DigitRun:
        """One run of the grid."""
        return replace(self.recipe, seed=seed, data_seed=seed if self.splits else 0, **self.arms[arm])

    def to_dict(self) -> dict:
        """All of it as plain values; the arms in their order."""
        arms = [{"arm": name, **fields} for name, fields in self.arms.items()]
        return {"run": self.recipe.to_dict(), "arms": arms, "seeds": list(self.seeds), "splits": self.splits,
                "at": list(self.at), "every": self.every}


def trained(folder: Path, grid: Grid, arm: str, seed: int) -> Record:
    """The record of one run, trained if it is not there. One that met NaN has a record that says so."""
    with suppress(DivergedError), np.errstate(over="ignore", invalid="ignore"):
        train(folder, grid.run(arm, seed), every=grid.every, keep=grid.at)
    return read_record(folder)


def measured(record: Record, grid: Grid) -> dict[str, np.ndarray]:
    """What one run says to all inputs, how right that is, and its curves."""
    run = DigitRun.from_dict(record.config)
    inputs = all_inputs(run.task)
    data, times = run.encoded(inputs), occurrences(run, inputs)
    said = np.stack([answers(run, record.history.kept.get(step), data.tokens) for step in grid.at])
    groups = np.array([run.task.operations.index(operation_of(x)) for x in inputs])
    state = {"said": said, "stopped": np.int32(record.manifest["step"] if record.manifest["stopped"] else -1)}
    for part, often in times.items():
        state[part] = accuracies(said == data.targets, groups, weights=often).astype(np.float32)
        state[f"counts.{part}"] = np.append(np.bincount(groups, weights=often), often.sum()).astype(np.int32)
    return state | curves(record.history, run.steps, grid.every) | {name: record.weights[name] for name in grid.keeps}


def answers(run: DigitRun, params: dict | None, tokens) -> np.ndarray:
    """The likeliest token for each input (n,) uint8; padding where the run had stopped before."""
    if params is None:
        return np.full(len(tokens), PAD, dtype=np.uint8)
    return DigitModel(run, params).logits(tokens).argmax(-1).astype(np.uint8)


def occurrences(run: DigitRun, inputs: list) -> dict[str, np.ndarray]:
    """How often each input counts in each part; ``test`` are the last half of what was held out, with repetitions."""
    seen = set(run.parts.train)
    known = np.array([x in seen for x in inputs], dtype=float)
    parts = {"trained": known, "unseen": 1 - known, "all": np.ones(len(inputs))}
    if not run.distinct:
        where = {x: i for i, x in enumerate(inputs)}
        test = run.parts.held_out[len(run.parts.held_out) // 2:]
        parts["test"] = np.bincount([where[x] for x in test], minlength=len(inputs)).astype(float)
    return parts


def curves(history: History, steps: int, every: int) -> dict[str, np.ndarray]:
    """The curves of a run, NaN where it had stopped."""
    rows = steps // every + 1
    return {f"curve.{name}": np.pad(history[name][:rows], (0, max(0, rows - len(history.rows))),
                                    constant_values=np.nan).astype(np.float32) for name in CURVES}
