"""Chapter 05's studies: what does each part of a block do? Ablation in its two senses, on the digit operations.

*Trained without*: each arm is a model that never had the part. *Taken out*: one part of the trained full model is
ablated afterwards. Both are scored on held-out inputs, operation by operation. Seed i has its own split, its own
batches and its own first weights; split and batches are the same in all arms, and so are the weights of the parts that
two arms share. Arms have the same number of updates, not of parameters.

``transformer-lab study ablation`` and ``transformer-lab study traced-model`` make the records again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from transformer_lab.analysis.ablation import ablate, means_of
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.checks import check_array, check_entries
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Each, Number, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.answers import Examples, examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import operation_of
from transformer_lab.tasks.splits import Split, split
from transformer_lab.training import History, Study, fit
from transformer_lab.training.stepper import Stepper

__all__ = ["ABLATION", "CHANGES", "PARTS", "SEEDS", "TASK", "TRACED", "by_operation", "model", "parts", "taken_out",
           "train", "trained"]

TASK, SEEDS, SETTINGS = DigitTask(), tuple(range(10)), {"steps": 1500, "batch": 32, "learning_rate": 4e-3}

#: What differs from the full model in each arm.
CHANGES = {
    "full": {}, "no residual": {"residual": False}, "no norm": {"norm": "none"}, "norm after": {"placement": "post"},
    "no feed-forward": {"d_mlp": 0}, "one head": {"n_heads": 1}, "no output projection": {"output_projection": False},
    "read at the first token": {"read_out": "first"}, "read off the mean": {"read_out": "mean"},
    "one layer": {"n_layers": 1}, "one layer, no feed-forward": {"n_layers": 1, "d_mlp": 0},
    "six layers": {"n_layers": 6}, "six layers, no residual": {"n_layers": 6, "residual": False},
}

#: Parts that can be taken out of the trained full model: an activation, and the head where it is one head's.
PARTS = {f"layer {layer}: {name}": (f"blocks.{layer}.{word}", head) for layer in range(2) for name, word, head in
         [("attention", "attn_out", None), *((f"head {h}", "z", h) for h in range(4)),
          ("feed-forward", "mlp_out", None)]}


@checked
def model(arm: Choice(CHANGES) = "full") -> ModelConfig:
    """The shape of an arm's model: 32 wide, two layers, four heads, but for what the arm changes.

    >>> model("one head").d_head, model().d_head
    (32, 8)
    """
    same = {"d_vocab": TASK.d_vocab, "n_ctx": TASK.n_ctx, "n_layers": 2, "n_heads": 4, "d_model": 32, "d_mlp": 128,
            "positions": "learned", "norm": "layer", "read_out": "last"}
    return ModelConfig(**same | CHANGES[arm])


@checked
@cache
def parts(seed: Seed()) -> Split:
    """The 4,000 expressions that a seed trains on, and the 1,000 that it is tested on: none is in both.

    >>> len(parts(0).train), len(parts(0).held_out)
    (4000, 1000)
    """
    return split(all_inputs(TASK), held_out=0.2, seed=seed)


@cache
def encoded(seed: int) -> tuple[Examples, Examples]:
    return tuple(examples(TASK, expressions) for expressions in parts(seed))


@cache
def rows_of_steps(seed: int, steps: int) -> np.ndarray:
    """Which training inputs each step takes, drawn at once: a generator a step would cost more time than the step."""
    return generator(seed, "batch").integers(len(parts(seed).train), size=(steps, SETTINGS["batch"]))


@cache
def held_out(seeds: tuple[int, ...]) -> Examples:
    """The held-out inputs of all seeds: tokens (seeds, 1000, n_ctx) and targets (seeds, 1000)."""
    return Examples(*(np.stack(kind) for kind in zip(*(encoded(seed)[1] for seed in seeds), strict=True)))


def right(config, params, seeds, tap=None) -> np.ndarray:
    """Which held-out inputs are answered right (seeds, 1000); where nothing taps, only what is read out is computed."""
    shapes = parameter_shapes(config)
    for name, value in check_entries("params", params, shapes).items():
        check_array(f"params[{name!r}]", value, shape=(len(seeds), *shapes.get(name, ())), finite=False)
    tokens, targets = held_out(tuple(seeds))
    return forward(params, tokens, config, tap=tap, trim=tap is None)["logits"].argmax(-1) == targets


@checked
def by_operation(config: ModelConfig, params: dict, seeds: Each(Seed()) = SEEDS, *,
                 tap: Callable | None = None) -> np.ndarray:
    """Share of each seed's held-out inputs answered right (seeds, 5), in the order of ``TASK.operations``.

    ``params`` have an axis of seeds; with a tap, it is the model that the tap changes.

    >>> by_operation(model(), init(model(), n_seeds=2), seeds=(0, 1)).shape
    (2, 5)
    """
    hits = right(config, params, seeds, tap)
    names = np.array([[operation_of(x) for x in parts(seed).held_out] for seed in seeds])
    return np.stack([(hits & (names == name)).sum(-1) / (names == name).sum(-1) for name in TASK.operations], axis=-1)


@checked
def train(arm: Choice(CHANGES) = "full", seeds: Each(Seed()) = SEEDS, *, steps: Whole(1) = SETTINGS["steps"],
          learning_rate: Number(above=0) = SETTINGS["learning_rate"], every: Whole(1) = 50) -> tuple[dict, History]:
    """Train all seeds of an arm on their own 4,000 inputs; returns the weights and, ``every`` steps, what they score.

    ``learning_rate`` is the peak, reached after 100 updates, from where it falls to 0 in a straight line.

    >>> params, history = train(seeds=(0, 1), steps=2, every=1)
    >>> params["W_E"].shape, history["held_out_accuracy"].shape
    ((2, 20, 32), (3, 2))
    """
    config, drawn = model(arm), [init(model(arm), seed=seed) for seed in seeds]
    stepper = Stepper({name: np.stack([one[name] for one in drawn]) for name in drawn[0]}, config, "adamw", beta2=0.98,
                      weight_decay=0.1)

    def batches(step):
        shown = [[kind[rows_of_steps(seed, steps)[step]] for kind in encoded(seed)[0]] for seed in seeds]
        return tuple(np.stack(kind) for kind in zip(*shown, strict=True))

    history = fit(stepper, batches, steps=steps, every=every,
                  evaluate=lambda stepper: {"held_out_accuracy": right(config, stepper.params, seeds).mean(-1)},
                  learning_rate=warmup_linear(learning_rate, steps, min(100, steps)))
    return stepper.params, history


@checked
def taken_out(params: dict, part: Choice(PARTS), seeds: Each(Seed()) = SEEDS, *,
              by: Choice(("mean", "zero")) = "mean") -> np.ndarray:
    """What the trained full model scores without a part (seeds, 5): its mean over the training inputs, position by
    position, or zeros stand in its place. ``params`` have an axis of seeds.

    >>> taken_out(init(model(), n_seeds=1), "layer 1: head 2", [0]).shape
    (1, 5)
    """
    (name, head), means = PARTS[part], None
    if by == "mean":
        tokens = np.stack([encoded(seed)[0].tokens for seed in seeds])
        means = means_of(partial(forward, params, tokens, model()), name)
    return by_operation(model(), params, seeds, tap=ablate(name, head=head, value=means))


def measured(arm: str, seeds) -> dict:
    """What the study keeps of an arm; of the full model what is left without each part, too."""
    params, history = train(arm, seeds)
    found = {"step": ("step", history.steps),
             "held_out_accuracy": (("step", "seed"), history["held_out_accuracy"].astype(np.float32)),
             "by_operation": (("seed", "operation"), by_operation(model(arm), params, seeds))}
    if arm == "full":
        left = [[taken_out(params, part, seeds, by=by) for part in PARTS] for by in ("mean", "zero")]
        found["without"] = ("by", "part", "seed", "operation"), np.array(left)
    return found


def with_names(dataset):
    """The dataset with its parts and operations by name."""
    return dataset.assign_coords(operation=list(TASK.operations), part=list(PARTS), by=["mean", "zero"])


def weights_of_the_first(seeds) -> dict:
    """The full model's weights of the first seed, trained in the company of the others."""
    params, _ = train("full", seeds)
    return {"seed": ("seed", list(seeds))} | {name: ([f"{name}.{axis}" for axis in range(value.ndim - 1)], value[0])
                                              for name, value in params.items()}


ABLATION = Study("ablation", measured, arms={"arm": tuple(CHANGES)}, seeds=SEEDS, together=True, finish=with_names,
                 settings=SETTINGS | {"arms": {arm: model(arm).to_dict() for arm in CHANGES}})
TRACED = Study("traced-model", weights_of_the_first, seeds=SEEDS, together=True,
               settings=SETTINGS | {"model": model().to_dict()})


def trained() -> tuple[ModelConfig, dict]:
    """The full model of seed 0 from its record: its configuration, and its weights in double precision."""
    found = TRACED.load()
    return model(), {name: found[name].values.astype(np.float64) for name in parameter_shapes(model())}
