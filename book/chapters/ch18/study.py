"""Chapter 18's studies: ten models of two layers, and ten of one, learn to repeat; and what is found in their heads.

``transformer-lab study repeating-strings`` trains them, ``transformer-lab study head-stories`` measures them, and
``transformer-lab study compared-notes`` asks which copy they take where there are several.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.cache import Runner
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import init, pack, unpack
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked
from transformer_lab.training import Study, fit
from transformer_lab.training.stepper import Stepper

from .notes import compared
from .repeats import LETTERS, N, strings
from .stories import measured, watched

__all__ = ["COMPARED", "REPEATING", "STORIES_OF", "model_of"]

TRAINING = {"steps": 2500, "batch": 32, "rate": 5e-3, "warmup": 100, "weight_decay": 0.01, "beta2": 0.98,
            "max_norm": 1.0, "embedding_scale": 0.3}
#: Closer together where more happens.
STEPS = np.unique(np.rint(TRAINING["steps"] * np.linspace(0, 1, 51)**2).astype(int))
SEEDS = range(10)


def shape(n_layers: int = 2) -> ModelConfig:
    """Attention alone: every layer has four heads, and no feed-forward layer follows."""
    return ModelConfig(d_vocab=LETTERS + 1, n_ctx=N, n_layers=n_layers, n_heads=4, d_model=32, mask="causal",
                       positions="learned", norm="layer")


def repeating(n_layers: int, seeds) -> dict:
    """The weights of all seeds at the end, and what they can do on the way."""
    t, config, n_seeds = TRAINING, shape(n_layers), len(seeds)
    params = init(config, n_seeds=n_seeds, embedding_scale=t["embedding_scale"])
    stepper = Stepper(params, config, "adamw", weight_decay=t["weight_decay"], beta2=t["beta2"], max_norm=t["max_norm"])

    def batches(step):
        drawn = strings(n_seeds * t["batch"], seed=0, purpose="batch", step=step)
        return [part.reshape(n_seeds, t["batch"], N) for part in drawn[:2]]

    history = fit(stepper, batches, steps=t["steps"], learning_rate=warmup_linear(t["rate"], t["steps"], t["warmup"]),
                  every=t["steps"], keep=STEPS)
    probe = strings(200, seed=1)
    on_the_way = [watched(history.kept[step], config, probe) for step in STEPS]
    dims = {"right": (), "loss": (), "previous": ("head",), "induction": ("head",)}
    theta = pack(stepper.params, parameter_shapes(config))
    theta = np.pad(theta, ((0, 0), (0, ROOM - theta.shape[1])), constant_values=np.nan)
    return {"theta": (("seed", "weight"), theta), "step": ("step", STEPS)} | {
        name: (("step", "seed", *more), np.array([each[name] for each in on_the_way], np.float32))
        for name, more in dims.items()}


#: How many numbers the larger model has.
ROOM = sum(int(np.prod(size)) for size in parameter_shapes(shape()).values())
REPEATING = Study("repeating-strings", repeating, arms={"n_layers": (2, 1)}, seeds=SEEDS, together=True,
                  settings=TRAINING)


@checked
def model_of(seed: Whole(0, 9), n_layers: Whole(1, 2) = 2) -> Runner:
    """A trained model, as the instruments see it.

    >>> model_of(0).config.n_layers
    2
    """
    theta, config = REPEATING.load()["theta"].sel(n_layers=n_layers, seed=seed).values, shape(n_layers)
    return Runner(unpack(theta[np.isfinite(theta)], parameter_shapes(config)), config)


def stories_of(seed: int) -> dict:
    """What the instruments say of a model of two layers."""
    return measured(model_of(seed))


STORIES_OF = Study("head-stories", stories_of, seeds=SEEDS, version=2)


def compared_of(seed: int):
    """Which copy a model of two layers takes where there are several, and by which notes."""
    return compared(model_of(seed))


COMPARED = Study("compared-notes", compared_of, seeds=SEEDS)
