"""Chapter 07's studies: which optimiser, how much data, a split that leaks, and how learning goes.

``python -m chapters.ch07.study NAME`` trains what is missing in ``runs``, one run after the other, and
writes ``data/digits/NAME-study``: for every arm and seed the accuracy at several steps, operation by operation, on the
inputs that training had and on those that it never had.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from transformer_lab.checks import check_choice
from transformer_lab.tasks.answers import examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.training import History, Record, read_record, write_record
from transformer_lab.training.seals import check_folder

from .confusion import confusion, mistakes
from .grid import Grid, measured, trained

__all__ = ["GRIDS", "GROUPS", "load", "ship"]

TASK = DigitTask()
DATA = Path("data/digits")

#: The last axis of what was scored: each operation, and all together.
GROUPS = (*TASK.operations, "all")

RATES = {"sgd": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
         "momentum": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
         "adam": (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1), "adamw": (0.001, 0.003, 0.01)}
CLIPPED = {"sgd": 1.0, "momentum": 0.3}


def optimizer_arms() -> dict[str, dict]:
    """Every optimiser at each of its rates, and two that fail with gradients no longer than 1; AdamW alone decays."""
    arms = {arm_name(name, rate): {"optimizer": name, "learning_rate": rate,
                                   "weight_decay": 0.1 if name == "adamw" else 0.0}
            for name, rates in RATES.items() for rate in rates}
    clipped = {arm: arms[arm] | {"clip": 1.0} for arm in map(arm_name, CLIPPED, CLIPPED.values())}
    return arms | {f"{arm} clipped": fields for arm, fields in clipped.items()}


def arm_name(optimizer: str, rate: float) -> str:
    return f"{optimizer} {np.format_float_positional(rate, trim='-')}"


def shares(*per_cent, **fields) -> dict[str, dict]:
    """Arms that train on so many per cent of the inputs."""
    return {f"{share} %": {"held_out": round(1 - share / 100, 2), **fields} for share in per_cent}


TWENTY = tuple(range(20))

#: A seed of these is also that of the split.
ASKED = {"splits": True, "at": (200, 500, 1000, 2000), "every": 500}

GRIDS = {
    "optimizers": Grid(optimizer_arms()),
    "fractions": Grid(shares(*range(10, 100, 10)), seeds=TWENTY, **ASKED),
    "scarce": Grid(shares(1, 2, 3, 5), seeds=TWENTY, **ASKED),
    "shuffled": Grid(shares(10, 50, 80, shuffled=True), keeps=("W_E",), **ASKED),
    "leak": Grid({f"{name} answers": {"examples": 10_000, "distinct": False, "shuffled": name == "shuffled"}
                  for name in ("true", "shuffled")}, splits=True, at=(100, 200, 300, 500, 1000, 2000)),
    "dynamics": Grid({"digits": {}}, seeds=TWENTY,
                     at=(0, 25, 50, 75, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000)),
}


def ship(name: str, *, runs: Path, data: Path) -> Record:
    """Train what is missing in ``runs``, and write the record of the study to ``data``."""
    grid = GRIDS[check_choice("name", name, GRIDS)]
    runs, folder = check_folder(runs), check_folder(data) / f"{name}-study"
    records = [[trained(runs / slug(name, arm, seed), grid, arm, seed) for seed in grid.seeds] for arm in grid.arms]
    found = [[measured(record, grid) for record in row] for row in records]
    state = {key: np.stack([[one[key] for one in row] for row in found]) for key in found[0][0]}
    said = state.pop("said")
    if name == "dynamics":
        state |= answers_in_detail(said[0])
    medians = {part: np.median(state[part][..., -1], axis=1) for part in ("trained", "unseen")}
    rows = [{"step": step} | {part: value[:, i] for part, value in medians.items()} for i, step in enumerate(grid.at)]
    shutil.rmtree(folder, ignore_errors=True)
    write_record(folder, config=grid.to_dict(), history=History(rows), state=state, step=grid.recipe.steps,
                 timing={"cpu_s": sum(record.timing["cpu_s"] for row in records for record in row)})
    return read_record(folder)


def slug(*words) -> str:
    return "-".join(map(str, words)).replace(" ", "-").replace("-%", "")


def answers_in_detail(said) -> dict[str, np.ndarray]:
    """Confusion and kinds of mistakes of every seed and step, and all answers of the first two seeds."""
    inputs = all_inputs(TASK)
    return {"said": said[:2], "confusion": confusion(said, examples(TASK, inputs).targets).astype(np.uint16),
            "mistakes": mistakes(said, inputs).astype(np.uint16)}


def load(name: str, data: Path = DATA) -> Record:
    """The shipped record of a study, its checksums verified."""
    grid = GRIDS[check_choice("name", name, GRIDS)]
    return read_record(check_folder(data) / f"{name}-study", config=grid.to_dict())


if __name__ == "__main__":
    for chosen in sys.argv[1:] or GRIDS:
        print(chosen, ship(chosen, runs=Path("runs"), data=DATA).name, flush=True)
