"""Chapter 21's study: many models of two dimensions, and what decides whether they learn the rule.

Three recipes for one model: that of the source; larger batches, a falling rate and smaller first embeddings; and these
with data in which long distances are as common as short ones. Seed i has first weights and batches of its own.
``transformer-lab study two-dimensions`` makes the record again.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import init
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.rules import RuleTask, needs, sample
from transformer_lab.training import Study, fit
from transformer_lab.training.stepper import Stepper

__all__ = ["MODEL", "RECIPES", "STUDY", "TASK", "weights"]

TASK = RuleTask("plus_last_even", n_ctx=8)
MODEL = ModelConfig(**needs(TASK), n_layers=1, n_heads=1, d_model=2, d_mlp=32, norm="none", activation="relu",
                    positions="learned", output_projection=False)

OURS = {"steps": 5000, "batch": 32, "learning_rate": 3e-2, "warmup": 100, "embedding_scale": 0.3, "beta2": 0.98}
RECIPES = {
    "as the source": {"steps": 20_000, "batch": 8, "learning_rate": 1e-3, "warmup": 0, "embedding_scale": 1.0,
                      "beta2": 0.999},
    "plain data": OURS,
    "balanced data": OURS | {"data": {"balanced": True, "free": 0.25}},
}


def measured(recipe: str, seeds) -> dict:
    """The weights at the end, all seeds trained on a leading axis."""
    how = RECIPES[recipe]
    task = RuleTask(TASK.rule, TASK.n_ctx, **how.get("data", {}))
    drawn = [init(MODEL, seed=seed, embedding_scale=how["embedding_scale"]) for seed in seeds]
    stepper = Stepper({name: np.stack([one[name] for one in drawn]) for name in drawn[0]}, MODEL, "adamw",
                      beta2=how["beta2"], weight_decay=0.01)
    rate = how["learning_rate"]
    if how["warmup"]:
        rate = warmup_linear(rate, how["steps"], how["warmup"])
    fit(stepper, lambda step: sample.unchecked(task, (len(seeds), how["batch"]), seed=seeds[0], step=step),
        steps=how["steps"], learning_rate=rate)
    return {name: (("seed", *(f"{name}.{axis}" for axis in range(value.ndim - 1))), value)
            for name, value in stepper.params.items()}


STUDY = Study("two-dimensions", measured, arms={"recipe": tuple(RECIPES)}, seeds=range(32), together=True,
              settings={"recipes": RECIPES, "model": MODEL.to_dict()})


def weights(found) -> dict[str, np.ndarray]:
    """The weights in what :meth:`load` gives, in double precision, by the names of the model."""
    return {name: found[name].values.astype(np.float64) for name in parameter_shapes(MODEL)}
