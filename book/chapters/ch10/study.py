"""Chapter 10's studies: numbers of two digits, and what a loss may count.

- ``two-digits``: the recipe and its seeds.
- ``next-token``: the same recipe with half its steps; whether the loss counts the answer's tokens, or all.
"""

from __future__ import annotations

from functools import partial

from transformer_lab.analysis.digit_model import DigitModel, learned, trained
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.next_token import bounds
from transformer_lab.training import Study

from .next_token import measure

__all__ = ["COUNTED"]

#: What is trained to see what a loss may count, but for ``counted`` and ``seed``, and when it is measured.
MEASURED = [0, 50, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1250, 1500]
COUNTED = RECIPES["two-digits"].replace(steps=MEASURED[-1])


def counting(counted: str, seed: int) -> dict:
    """What a model of the study ``next-token`` scores while it learns, in all ways."""
    model, history = trained("next-token", COUNTED, counted=counted, seed=seed, keep=MEASURED)
    rows = [measure(DigitModel(model.run, history.kept[step]), model.run.task.parts.held_out) for step in MEASURED]
    return {name: ("step", [float(row[name]) for row in rows]) for name in rows[0]} | {"step": ("step", MEASURED)}


def with_bounds(found):
    """Beside the scores of all next tokens the best there are."""
    best = bounds(COUNTED.task, COUNTED.task.parts.held_out)
    return found.assign(best_accuracy=best.accuracy, best_loss=best.loss)


Study("two-digits", partial(learned, "two-digits", RECIPES["two-digits"]), seeds=range(5), recipe=RECIPES["two-digits"])
Study("next-token", counting, {"counted": ("answer", "all")}, range(3), recipe=COUNTED,
      settings={"measured": MEASURED}, finish=with_bounds)
