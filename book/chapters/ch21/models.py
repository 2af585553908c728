"""The models of chapter 21: those of the study of the plane, by recipe, and as maps of the plane."""

from __future__ import annotations

from math import comb

import numpy as np

from transformer_lab.analysis.certificates.plane import Plane, plane_of
from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
from transformer_lab.checks import check_whole
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.rules import RuleTask

__all__ = ["MODEL", "RECIPES", "TASK", "by_recipe", "chance_alike", "planes", "weights"]

TASK, MODEL = RuleTask("plus_last_even"), recipe().model
RECIPES = {"as the source": "source", "plain data": "plain", "balanced data": "balanced"}


def by_recipe() -> dict:
    """What the study kept of the 256 models of each recipe."""
    found = IN_THE_PLANE.load()
    return {name: found.sel(recipe=short) for name, short in RECIPES.items()}


def weights(found, seed: int) -> dict[str, np.ndarray]:
    """The weights of one model in double precision, by the names of the model."""
    return {name: value.astype(np.float64) for name, value in params_of(found.sel(seed=seed)).items()}


def planes(found) -> list[Plane]:
    """Every model of a recipe as a map of the plane at the sign."""
    return [plane_of(weights(found, seed), MODEL, TASK.of.operator) for seed in found["seed"].values.tolist()]


@checked
def chance_alike(one: Whole(), other: Whole(), of: Whole(1, 1000)) -> float:
    """How often lot alone deals counts at least as far apart as these, each of so many (Fisher's exact test, 1935).

    >>> round(chance_alike(1, 9, 10), 4)
    0.0011
    """
    check_whole("one", one, high=of), check_whole("other", other, high=of)

    def ways(count):
        return comb(of, count) * comb(of, one + other - count)

    splits = [ways(count) for count in range(max(0, one + other - of), min(of, one + other) + 1)]
    return sum(number for number in splits if number <= ways(one)) / sum(splits)
