"""The study of several starts: of four models that begin in different places, the one with the least loss is kept.

``transformer-lab study several-starts`` makes the record again.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.plane_models import GROUP, RECIPES, group, right_everywhere
from transformer_lab.analysis.plane_models import recipe as run_of
from transformer_lab.analysis.rule_scores import scores
from transformer_lab.training import Study, one_by_one

__all__ = ["SEVERAL", "kept"]

FIRST, N_SEEDS = 512, 256
CHOICE = 1  # the seed of the windows on which one is chosen: others than those that score it


def started(start: int, seeds) -> dict:
    """How the models of one start do, and what they lose on the windows that choose between starts."""
    run = run_of(how="plain")
    first = FIRST + start * N_SEEDS
    models = [params for begin in range(first, first + len(seeds), GROUP)
              for params in one_by_one(group("plain", begin), GROUP)]
    scored = [scores(params, run.model, run.task) for params in models]
    chosen_by = [scores(params, run.model, run.task, windows=1000, seed=CHOICE).loss for params in models]
    return {"chosen_by": ("seed", chosen_by), "loss": ("seed", [each.loss for each in scored]),
            "decided": ("seed", [each.right.sum() / each.asked.sum() for each in scored]),
            "proved": ("seed", [right_everywhere(run, params) for params in models])}


def kept(found, starts: int) -> dict[str, np.ndarray]:
    """Of each seed's first so many starts, the one with the least loss on the windows that choose: (seed,).

    >>> one, four = (kept(SEVERAL.load(), starts)["proved"].sum() for starts in (1, 4))
    >>> bool(one < four)
    True
    """
    some = found.isel(start=slice(starts))
    best = some["chosen_by"].argmin("start")
    return {name: some[name].isel(start=best).values for name in ("decided", "proved", "loss")}


SEVERAL = Study("several-starts", started, arms={"start": range(4)}, seeds=range(N_SEEDS), together=True,
                settings={"recipe": RECIPES["plain"], "first": FIRST, "choice": CHOICE})
