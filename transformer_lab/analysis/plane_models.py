"""Models of a rule, most of them two numbers wide: the recipes that train them, and the studies that keep many of them.

Four recipes: that of the source; larger batches, a rate that falls and smaller first embeddings, on the same plain
data; these on data in which long distances are less rare, and most of what cannot be foretold does not count; and on
plain data with gradients of limited length. First matrices are normal everywhere. Models are trained in groups of 32 on
a leading axis, each from first weights of its own and on batches of its own.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..config import TrainConfig
from ..errors import DataError
from ..rules import Choice
from ..signatures import checked
from ..tasks.rule_table import RULES
from ..tasks.rules import RuleTask
from ..training import Run, Study, fit, one_by_one
from .certificates.families import families
from .certificates.plane import plane_of
from .certificates.prove import bounds, prove
from .certificates.until_proved import train_until_proved
from .rule_scores import scores

__all__ = ["CLIPPED", "IN_THE_PLANE", "RECIPES", "UNTIL_PROVED", "params_of", "recipe"]

OURS = {"steps": 5000, "batch": 32, "learning_rate": 3e-2, "warmup": 100, "embedding_scale": 0.3, "weight_decay": 0.01}

#: What the recipes change in a run.
RECIPES = {
    "source": {"steps": 20_000, "batch": 8, "learning_rate": 1e-3, "warmup": 0, "schedule": "constant", "beta2": 0.999,
               "embedding_scale": 1.0, "weight_decay": 0.01},
    "plain": OURS,
    "balanced": OURS | {"balanced": True, "free": 0.25},
    "clipped": OURS | {"clip": 1.0},
}
FIRST = ("source", "plain", "balanced")
GROUP = 32


@checked
def recipe(rule: Choice(RULES) = "plus_last_even", how: Choice(RECIPES) = "balanced") -> Run:
    """A run of a rule, in the shape in which the rule was first studied: one layer without norms.

    >>> run = recipe("lucky7")
    >>> run.model.d_model, run.model.n_ctx, run.training.seeds
    (2, 8, 1)
    """
    shape = {"n_layers": 1, "norm": "none", "output_projection": False, **RULES[rule].model}
    return Run.of(RuleTask(rule), **shape, **RECIPES[how])


@checked
def params_of(found) -> dict:
    """The weights of one model in what a study of models gives, as the model takes them.

    >>> {name: value.shape for name, value in params_of(UNTIL_PROVED[16].load().sel(seed=3)).items()}["W_pos"]
    (16, 2)
    """
    weights = {name: found[name].values for name in getattr(found, "data_vars", ())
               if name.rpartition(".")[2].startswith(("W_", "b_"))}
    if not weights or "seed" in found.dims:
        raise DataError(f"{type(found).__name__} is not one model: pass study.load().sel(seed=0), of one arm.")
    return weights


def labelled(weights: dict, *dims: str) -> dict:
    """Weights as arrays of a study, with the dimensions before their own."""
    return {name: ([*dims, *(f"{name}.{axis}" for axis in range(value.ndim - len(dims)))], value)
            for name, value in weights.items()}


def group(how: str, first: int) -> dict:
    """The weights of a group of models that is trained at once."""
    run = recipe(how=how).replace(seed=first, seeds=GROUP)
    stepper = run.stepper()
    fit(stepper, run.batches, steps=run.training.steps, learning_rate=run.learning_rate, every=run.training.steps)
    return stepper.params


def in_the_plane(recipe: str, seeds) -> dict:
    """Models of one recipe, how they score, and whether they are right on every context."""
    parts = [group(recipe, first) for first in seeds[::GROUP]]
    weights = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return labelled(weights, "seed") | measured(weights, len(seeds), 8)


def measured(weights: dict, n_seeds: int, n_ctx: int) -> dict:
    """Scores on plain windows; those by distance on balanced ones, in which long distances are less rare."""
    run, models = recipe().replace(n_ctx=n_ctx), one_by_one(weights, n_seeds)
    plain = [scores(params, run.model, RuleTask(n_ctx=n_ctx)) for params in models]
    far = [scores(params, run.model, run.task) for params in models]
    asked, right = (np.stack([table[place].sum(axis=0) for table in far]) for place in (0, 1))
    with np.errstate(invalid="ignore"):
        return {"loss": ("seed", [each.loss for each in plain]),
                "decided": ("seed", [each.right.sum() / each.asked.sum() for each in plain]),
                "sampled_wrong": ("seed", [each.sampled_wrong.sum() / each.asked.sum() for each in plain]),
                "distance": ("distance", np.arange(n_ctx)), "asked": ("distance", asked[0]),
                "by_distance": (("seed", "distance"), right / asked),
                "proved": ("seed", [right_everywhere(run, params) for params in models])}


def right_everywhere(run: Run, params: dict) -> bool:
    """The verdict alone: most models that are wrong are so on a context that touches a family's polygon."""
    plane, boxes = plane_of(params, run.model, run.task.of.operator), families(run.task)
    return all((bounds(plane, each).margins > 0).all() for each in boxes) and prove(plane, boxes).proved


def until_proved(n_ctx: int, steps: int, attempts: int, seeds) -> dict:
    """Models that are trained until they are proved, in groups of 32."""
    run = recipe().replace(n_ctx=n_ctx)
    parts = []
    for first in seeds[::GROUP]:
        training = TrainConfig(**{**run.training.to_dict(), "steps": steps, "seed": first})
        parts.append(train_until_proved(run.task, run.model, training, min(GROUP, len(seeds)), attempts=attempts))
    weights = {name: np.concatenate([part.params[name] for part in parts]) for name in parts[0].params}
    kept = {name: ("seed", np.concatenate([getattr(part, name) for part in parts]))
            for name in ("steps", "attempts", "margins")}
    return labelled(weights, "seed") | measured(weights, len(seeds), n_ctx) | kept


#: 256 models of ``plus_last_even`` by each recipe.
IN_THE_PLANE = Study("in-the-plane", in_the_plane, arms={"recipe": FIRST}, seeds=range(256), together=True,
                     settings={"recipes": {name: RECIPES[name] for name in FIRST}})
#: 256 others, on plain data, whose gradients are no longer than 1.
CLIPPED = Study("clipped-in-the-plane", partial(in_the_plane, "clipped"), seeds=range(256, 512), together=True,
                settings={"recipe": RECIPES["clipped"]})

#: Models that were trained until they were proved, by the number of positions.
UNTIL_PROVED = {n_ctx: Study(f"until-proved-{n_ctx}", partial(until_proved, n_ctx, steps, attempts),
                             seeds=range(n_seeds), together=True,
                             settings={"recipe": OURS, "steps": steps, "attempts": attempts})
                for n_ctx, n_seeds, steps, attempts in ((8, 256, 2500, 8), (16, 32, 6000, 3), (32, 16, 10_000, 2))}
