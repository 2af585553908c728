"""Chapter 06's studies: what does a wrong gradient cost, and what is the residual stream for on the way back?

The first trains one small transformer on the digit operations; one factor: what flows backward, the right gradient or
what :mod:`~chapters.ch06.planted` has. Seed i has its own first weights, batches and split, the same in all arms. The
second trains nothing: it measures gradients at first weights, over all inputs. ``transformer-lab study
wrong-gradients`` and ``transformer-lab study first-gradients`` make them again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import numpy as np

from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Each, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.answers import Examples, examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.splits import Split, split
from transformer_lab.training import History, Study, fit
from transformer_lab.training.stepper import Stepper

from .planted import ARMS, gradients

__all__ = ["CONFIG", "FIRST_GRADIENTS", "TASK", "WRONG_GRADIENTS", "first_weights", "train"]

TASK = DigitTask()
CONFIG = ModelConfig(d_vocab=TASK.d_vocab, n_ctx=TASK.n_ctx, d_model=32, n_heads=4, n_layers=2, d_mlp=64,
                     positions="learned", norm="layer", read_out="last")
TRAINING = {"steps": 1500, "batch": 64, "rate": 3e-3, "warmup": 100, "beta2": 0.98, "held_out": 0.2}


@cache
def parts(seed: int) -> Split:
    """The 4,000 inputs that a seed trains on, and the 1,000 held out, as tokens and targets."""
    return Split(*(examples(TASK, part) for part in split(all_inputs(TASK), held_out=TRAINING["held_out"], seed=seed)))


def side_by_side(found) -> Examples:
    """Tokens and targets of several seeds, stacked on a leading axis."""
    return Examples(*map(np.stack, zip(*found, strict=True)))


@checked
def first_weights(seeds: Each(Seed())) -> dict:
    """The weights before training, an entry a seed; all arms share them."""
    drawn = [init(CONFIG, seed=seed) for seed in seeds]
    return {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}


def batches(seeds, step: int) -> Examples:
    """What each seed is shown at a step: tokens (seeds, 64, 8) and targets (seeds, 64)."""
    rows = [generator(seed, "batch", step).integers(4000, size=TRAINING["batch"]) for seed in seeds]
    return side_by_side([part[at] for part in parts(seed).train] for seed, at in zip(seeds, rows, strict=True))


@checked
def train(arm: Choice(ARMS), seeds: Each(Seed()), *, every: Whole(1) = 50,
          stop: Whole(1) = TRAINING["steps"]) -> tuple[dict, History]:
    """The weights of all seeds of an arm, trained with Adam, without decay or clipping, until so many updates, and
    ``held_out``: the share of each seed's held-out inputs answered right.

    >>> params, history = train("both", [0, 1], stop=2)
    >>> history["held_out"].shape
    (2, 2)
    """
    stepper = Stepper(first_weights(seeds), partial(gradients, arm, config=CONFIG), "adam", beta2=TRAINING["beta2"])
    held_out = side_by_side(parts(seed).held_out for seed in seeds)
    history = fit(stepper, lambda step: batches(seeds, step), steps=stop, every=every,
                  learning_rate=warmup_linear(TRAINING["rate"], TRAINING["steps"], TRAINING["warmup"]),
                  evaluate=lambda stepper: {"held_out": accuracy(stepper.params, held_out)})
    return stepper.params, history


def accuracy(params: dict, batch: Examples) -> np.ndarray:
    """The share of the questions answered right, 0 to 1, an entry a seed."""
    tokens, targets = batch
    return (forward(params, tokens, CONFIG, trim=True)["logits"].argmax(-1) == targets).mean(-1)


def cosines(arm: str, params: dict, batch: Examples) -> dict[str, np.ndarray]:
    """For every tensor the cosine between an arm's gradient and the right one, an entry a seed; NaN where one is 0."""
    taken, right = (gradients(which, params, batch, CONFIG)[1] for which in (arm, "right"))
    pairs = {name: [value.reshape(len(value), -1) for value in (taken[name].astype(np.float64), right[name])]
             for name in right}
    with np.errstate(invalid="ignore"):
        return {name: (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
                for name, (a, b) in pairs.items()}


def measured(arm: str, seeds) -> dict:
    """What the study keeps of an arm: curves, accuracy on all that was trained on, cosines, and the weights."""
    params, history = train(arm, seeds)
    trained_on, held_out = (side_by_side(parts(seed)[part] for seed in seeds) for part in (0, 1))
    stages = {"before": first_weights(seeds), "after": params}
    found = {"step": ("step", history.steps), "held_out": (("step", "seed"), history["held_out"]),
             "when": ("when", list(stages)), "tensor": ("tensor", list(params)),
             "trained_on": (("when", "seed"), [accuracy(weights, trained_on) for weights in stages.values()]),
             "cosine": (("when", "tensor", "seed"), [list(cosines(arm, weights, held_out).values())
                                                     for weights in stages.values()])}
    return found | {name: (("seed", *(f"{name}.{i}" for i in range(value.ndim - 1))), value)
                    for name, value in params.items()}


def shipped(found):
    """Of the weights only those that the right gradient gave: all of seed 0, and the read-outs of all seeds."""
    right = found[list(parameter_shapes(CONFIG))].sel(arm="right", drop=True)
    kept = right.sel(seed=0, drop=True).assign({f"read_out.{name}": right[name] for name in ("W_U", "b_U")})
    return found.drop_vars(list(right.data_vars)).assign(kept.data_vars)


WRONG_GRADIENTS = Study("wrong-gradients", measured, arms={"arm": ARMS}, seeds=range(20), together=True,
                        finish=shipped, settings={**TRAINING, "model": CONFIG.to_dict()})

#: Models of six layers, as in chapter 5, and what is missing in them.
DEEP = replace(CONFIG, n_layers=6, d_mlp=128)
MISSING = {"nothing": {}, "residual": {"residual": False}, "residual and norm": {"residual": False, "norm": "none"}}


def gradient_sizes(missing: str, seed: int, *, pieces: int = 10) -> dict:
    """How long the gradients of W_Q and W_V are in each layer at the first weights, over all 5,000 inputs."""
    config, tensors = replace(DEEP, **MISSING[missing]), ["W_Q", "W_V"]
    params = init(config, seed=seed, dtype=np.float64)
    batches = zip(*(np.split(part, pieces) for part in examples(TASK, all_inputs(TASK))), strict=True)
    grads = [gradients("right", params, batch, config)[1] for batch in batches]
    sizes = [[np.linalg.norm(sum(one[f"blocks.{layer}.{name}"] for one in grads) / pieces)
              for layer in range(DEEP.n_layers)] for name in tensors]
    return {"size": (("tensor", "layer"), np.array(sizes)), "tensor": ("tensor", tensors)}


FIRST_GRADIENTS = Study("first-gradients", gradient_sizes, arms={"missing": tuple(MISSING)}, seeds=range(10),
                        settings={"model": DEEP.to_dict()})
