"""The digit studies: which runs there are, over which seeds, and what is shipped of them.

``python -m transformer_lab.studies.digits NAME`` trains all seeds of a study, one after the other, and writes

- ``data/digits/NAME-seeds``: the curves of all seeds side by side, and every seed's token embedding;
- ``data/digits/NAME-SEED``: the whole record of the seeds that are shipped.

Runs are independent; those that exist are read and not trained again.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..checks import check_choice
from ..errors import DataError
from ..tasks.digits import DigitTask
from ..training import History, Record, read_record, write_record
from ..training.digits import DigitRun, load, train

__all__ = ["RECIPES", "STUDIES", "Study", "run_study"]

TWO = {"min_args": 2, "max_args": 2, "depth": 2}
WRITTEN = {"written": True, "batch": 128, "steps": 3000, "clip": 1.0}

#: What can be trained by name. ``examples`` bounds the spaces that are too large to list.
RECIPES = {
    "digits": DigitRun(task=DigitTask()),
    "more-operations": DigitRun(task=DigitTask(operations=(*DigitTask().operations, "Median", "Second-largest"))),
    "sort": DigitRun(task=DigitTask(operations=("Sort",), min_args=4, max_args=4), written=True),
    "long": DigitRun(task=DigitTask(min_args=5, max_args=10), examples=104_000, held_out=4 / 104, **WRITTEN),
    "two-digits": DigitRun(task=DigitTask(high=99), examples=104_000, held_out=4 / 104, **WRITTEN),
    "nested": DigitRun(task=DigitTask(operations=("First", "Second", "Max", "Min"), **TWO),
                       examples=104_000, held_out=4 / 104, **WRITTEN),
    "arithmetic": DigitRun(task=DigitTask(operations=("Add", "Max", "Min", "First", "Second"), **TWO),
                           examples=104_000, held_out=4 / 104, **WRITTEN),
}


@dataclass(frozen=True)
class Study:
    """One factor, the seed: a recipe, its seeds, and the seeds whose whole record is shipped."""

    recipe: str
    seeds: tuple[int, ...]
    shipped: tuple[int, ...] = (0,)


STUDIES = {study.recipe: study for study in (
    Study("digits", tuple(range(20)), (0, 1)), Study("two-digits", tuple(range(5))), Study("nested", tuple(range(3))),
    Study("arithmetic", tuple(range(3))))}


def run_study(name: str, *, runs: Path, data: Path) -> Record:
    """Train what is missing in ``runs``, and write what is shipped to ``data``."""
    study = STUDIES[check_choice("name", name, STUDIES)]
    records = [measured(runs / f"{name}-{seed}", replace(RECIPES[name], seed=seed)) for seed in study.seeds]
    for seed in study.shipped:
        shutil.copytree(runs / f"{name}-{seed}", data / f"{name}-{seed}", dirs_exist_ok=True)
    return write_combined(data / f"{name}-seeds", study, records)


def measured(folder: Path, run: DigitRun) -> Record:
    """Train one run, let it write its held-out answers itself, and say what came of it."""
    record = train(folder, run)
    right = load(folder)[0].right(run.parts.held_out)
    print(f"{folder.name}: {right.sum()} of {right.size} held-out inputs right, "
          f"{record.timing['cpu_s']:.1f} CPU s", flush=True)
    if right.mean() != record.history.rows[-1]["held_out_accuracy"]:
        raise DataError(f"{folder} answers differently when it writes alone than with the right answer before it.")
    return record


def write_combined(folder: Path, study: Study, records: list[Record]) -> Record:
    """The curves of all seeds in one record, with every seed's token embedding on a leading axis."""
    rows = [{name: entries[0][name] if name in ("step", "learning_rate") else np.array([row[name] for row in entries])
             for name in entries[0]} for entries in zip(*(record.history.rows for record in records), strict=True)]
    config = {"study": study.recipe, "seeds": list(study.seeds), "run": RECIPES[study.recipe].to_dict()}
    shutil.rmtree(folder, ignore_errors=True)
    write_record(folder, config=config, history=History(rows), step=records[0].manifest["step"],
                 state={"W_E": np.stack([record.weights["W_E"] for record in records])},
                 timing={"cpu_s": [record.timing["cpu_s"] for record in records]})
    return read_record(folder)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or STUDIES:
        run_study(chosen, runs=Path("runs"), data=Path("data/digits"))
