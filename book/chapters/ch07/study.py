"""Chapter 07's study: which optimiser, at which rate. ``transformer-lab study optimizers`` makes it again."""

from __future__ import annotations

from transformer_lab import places
from transformer_lab.analysis.all_answers import answered
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.training import Run, Study

__all__ = ["RECIPE"]

RECIPE = Run.of(Digits())

#: What is asked of every optimiser; a word more, and its gradients are no longer than 1.
RATES = {"sgd": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
         "momentum": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
         "adam": (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1), "adamw": (0.001, 0.003, 0.01),
         "sgd clipped": (1.0,), "momentum clipped": (0.3,)}


def changes(optimizer: str, rate: float) -> dict:
    """The fields of the recipe that an arm changes."""
    name, _, clipped = optimizer.partition(" ")
    return {"optimizer": name, "learning_rate": rate, "weight_decay": 0.1 if name == "adamw" else 0.0,
            "clip": 1.0 if clipped else 0.0}


def optimised(optimizer: str, rate: float, seed: int) -> dict:
    """One run, and what it answers to all inputs; seeds have their own first weights and batches, and one split."""
    run = RECIPE.replace(seed=seed, **changes(optimizer, rate))
    return answered(places.runs(f"optimizers-{optimizer}-{rate}-{seed}"), run, at=(2000,), every=100)


def without_answers(found):
    """What is shipped: what was answered word by word would weigh too much."""
    return found.drop_vars("said")


Study("optimizers", optimised, [{"optimizer": name, "rate": rate} for name, rates in RATES.items() for rate in rates],
      seeds=range(5), recipe=RECIPE, settings={"at": [2000], "every": 100, "splits": False}, finish=without_answers)
