"""The digit studies: which runs there are, what varies, and what is shipped of them.

``python -m transformer_lab.cli.recipes NAME`` trains all arms of a study, one after the other, and writes

- ``data/digits/NAME-study``: the curves of all arms side by side, and what the study keeps of each;
- ``data/digits/NAME-0``: the whole record of an arm that is shipped.

Runs are independent; those that exist are read and not trained again.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..analysis.digit_model import load
from ..checks import check_choice
from ..tasks.digit_data import Digits
from ..tasks.expressions import operation_of, value
from ..training import History, Record, Run, read_record, train, write_record

__all__ = ["RECIPES", "STUDIES", "Study", "run_study"]

MANY = {"written": True, "examples": 104_000, "held_out": 4 / 104}
TWO = {"min_args": 2, "max_args": 2, "depth": 2, **MANY}
WRITTEN = {"batch": 128, "steps": 3000, "clip": 1.0}
FIVE = Digits().operations

#: What can be trained by name. ``examples`` bounds the spaces that are too large to list.
RECIPES = {
    "digits": Run.of(Digits()),
    "picks": Run.of(Digits(operations=("First", "Second", "Last"))),  # no question asks which digit is larger
    "more-operations": Run.of(Digits(operations=(*FIVE, "Median", "Second-largest"))),
    "sort": Run.of(Digits(operations=("Sort",), min_args=4, max_args=4, written=True)),
    "long": Run.of(Digits(min_args=5, max_args=10, **MANY), **WRITTEN),
    "two-digits": Run.of(Digits(high=99, **MANY), **WRITTEN),
    "nested": Run.of(Digits(operations=("First", "Second", "Max", "Min"), **TWO), **WRITTEN),
    "arithmetic": Run.of(Digits(operations=("Add", "Max", "Min", "First", "Second"), **TWO),
                         **WRITTEN | {"steps": 5000}),
}


@dataclass(frozen=True)
class Study:
    """One factor of a recipe, the values that it takes, and those whose whole record is shipped.

    ``keeps`` names what the combined record has of every arm: weights, or ``"right"``, which says of each held-out
    input whether the arm answers it right.
    """

    recipe: str
    values: tuple[int, ...]
    factor: str = "seed"
    shipped: tuple[int, ...] = ()
    keeps: tuple[str, ...] = ("W_E",)

    def run(self, value: int) -> Run:
        """The run of one arm."""
        return RECIPES[self.recipe].replace(**{self.factor: value})


STUDIES = {
    "digits": Study("digits", tuple(range(20)), shipped=(0, 1)),
    "two-digits": Study("two-digits", tuple(range(5)), shipped=(0,)),
    "nested": Study("nested", tuple(range(3)), shipped=(0,)),
    "arithmetic": Study("arithmetic", tuple(range(3)), shipped=(0,)),
    "long": Study("long", tuple(range(3)), shipped=(0,), keeps=("W_E", "right")),
    "sort": Study("sort", tuple(range(3)), keeps=("right",)),
    "more-operations": Study("more-operations", tuple(range(3)), keeps=("W_E", "right")),
}


def run_study(name: str, *, runs: Path, data: Path) -> Record:
    """Train what is missing in ``runs``, and write what is shipped to ``data``."""
    study = STUDIES[check_choice("name", name, STUDIES)]
    folders = {arm: runs / f"{name}-{arm}" for arm in study.values}
    arms = [measured(folder, study.run(arm)) for arm, folder in folders.items()]
    for arm in study.shipped:
        shutil.copytree(folders[arm], data / f"{name}-{arm}", dirs_exist_ok=True)
    return write_combined(data / f"{name}-study", study, arms)


def measured(folder: Path, run: Run) -> Record:
    """Train one run, let it write its held-out answers by itself, and add to the last row what came out wrong.

    ``wrong_new`` counts mistakes on inputs whose answer never occurs in training with their operation: of all 1,000
    inputs of Max only ``Max ( 0 , 0 , 0 )`` is 0.
    """
    record, (train_part, held_out) = train(folder, run), run.task.parts
    seen = {(operation_of(x), value(x)) for x in train_part}
    right = load(folder)[0].right(held_out)
    wrong = [held_out[i] for i in np.flatnonzero(~right)]
    new = sum((operation_of(x), value(x)) not in seen for x in wrong)
    print(f"{folder.name}: {len(wrong)} of {len(held_out)} held-out inputs wrong, {new} of them with an answer that no "
          f"trained input has; {record.timing['cpu_s']:.1f} CPU s", flush=True)
    record.history.rows[-1].update(wrong=len(wrong), wrong_new=new)
    record.state["right"] = right.astype(np.uint8)
    return record


def write_combined(folder: Path, study: Study, arms: list[Record]) -> Record:
    """The curves of all arms side by side in one record, and what the study keeps of them, on a leading axis."""
    rows = [{name: entries[0][name] if name in ("step", "learning_rate") else np.array([row[name] for row in entries])
             for name in entries[0]} for entries in zip(*(arm.history.rows for arm in arms), strict=True)]
    config = {"run": RECIPES[study.recipe].to_dict(), "factor": study.factor, "values": list(study.values)}
    shutil.rmtree(folder, ignore_errors=True)
    write_record(folder, config=config, history=History(rows), step=arms[0].manifest["step"],
                 state={name: np.stack([arm.state[name] for arm in arms]) for name in study.keeps},
                 timing={"cpu_s": [arm.timing["cpu_s"] for arm in arms]})
    return read_record(folder)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or STUDIES:
        run_study(chosen, runs=Path("runs"), data=Path("data/digits"))
