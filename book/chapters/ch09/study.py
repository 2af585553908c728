"""Chapter 9's studies: how twenty models learn, what their heads do, and what their rows know of the digits' order.

``transformer-lab study dynamics`` trains what is missing and ships the study. All models share one split; seeds have
their own first weights and batches.
"""

from __future__ import annotations

import numpy as np

from transformer_lab import places
from transformer_lab.analysis.all_answers import answered, trained
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.training import Run, Study

from .confusion import KINDS, confusion, mistakes
from .heads import looks, rows, silenced

__all__ = ["RECIPE", "TASK"]

TASK = DigitTask()
RECIPE = Run.of(Digits())
TWENTY = range(20)

DYNAMICS = {"at": [0, 25, 50, 75, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000], "every": 100}


def in_detail(seed: int) -> dict:
    """The answers of a digit model while it learns, their confusion, and the kinds of its mistakes."""
    found, inputs = answered(places.runs(f"dynamics-{seed}"), RECIPE.replace(seed=seed), **DYNAMICS), all_inputs(TASK)
    said, right = found["said"][1], RECIPE.task.encoded(inputs).targets
    return found | {"confusion": (("step", "right", "answer"), confusion(said, right).astype(np.uint16)),
                    "mistakes": (("step", "asked", "kind"), mistakes(said, inputs).astype(np.uint16)),
                    "asked": ("asked", list(TASK.operations)), "kind": ("kind", [*KINDS, "wrong"])}


def answers_of_two(found):
    """All answers of the first two seeds only: those of all would weigh too much."""
    return found.assign(said=found["said"].isel(seed=slice(2)).rename(seed="shown"))


def of_dynamics(seed: int) -> tuple[Run, dict]:
    """A run of the study ``dynamics``, and its last weights."""
    run = RECIPE.replace(seed=seed)
    return run, trained(places.runs(f"dynamics-{seed}"), run, **DYNAMICS).weights


def heads_of(seed: int) -> dict:
    """Where the heads of a trained model look, and what it still knows without each part."""
    run, params = of_dynamics(seed)
    found = {"pattern": looks(run, params).astype(np.float16), "without.row": rows(run, params),
             **silenced(run, params)}
    found = {name: array if array.dtype == np.float16 else array.astype(np.float32) for name, array in found.items()}
    return {name: (HEADS[name], array) for name, array in found.items()} | {
        "operation": ("operation", [*TASK.operations, "all"]), "asked": ("asked", list(TASK.operations))}


#: The axes of what is measured of the heads.
HEADS = {"pattern": ("layer", "head", "asked", "query", "key"), "without.row": ("asked", "key"),
         "full": ("operation",), "without.head": ("layer", "head", "operation"),
         "without.attention": ("layer", "operation")}

#: What the models of the study ``order`` are asked: all, or nothing that compares two digits.
WORDS = {"all": TASK.operations, "places": ("First", "Second", "Last")}


def rows_of(asked: str, seed: int) -> dict:
    """The tokens' rows of a model that is asked all operations, or ``places`` alone."""
    run = RECIPE.replace(operations=WORDS[asked], seed=seed)
    return {"W_E": (("token", "dimension"), trained(places.runs(f"order-{asked}-{seed}"), run).weights["W_E"])}


Study("dynamics", in_detail, seeds=TWENTY, recipe=RECIPE, settings=DYNAMICS, finish=answers_of_two)
Study("heads", heads_of, seeds=TWENTY, recipe=RECIPE)
Study("order", rows_of, {"asked": tuple(WORDS)}, seeds=TWENTY, recipe=RECIPE)
