"""Chapter 05's studies: what does each part of a block do? Ablation in its two senses, on the digit operations.

*Trained without*: each arm is a model that never had the part. *Taken out*: one part of the trained full model is
ablated afterwards. Both are scored on held-out inputs, operation by operation. Seed i has its own split, its own
batches and its own first weights; split and batches are the same in all arms, and so are the weights of the parts that
two arms share. Arms have the same number of updates, not of parameters.

``transformer-lab study ablation`` and ``transformer-lab study traced-model`` make the records again.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from transformer_lab.analysis.ablation import ablate, means_of
from transformer_lab.byhand.schedules import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.checks import check_array, check_choice, check_entries, check_seed
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.tasks.answers import Examples, examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import operation_of
from transformer_lab.tasks.splits import Split, split
from transformer_lab.training import History, Study, fit
from transformer_lab.training.stepper import Stepper

__all__ = ["ABLATION", "CHANGES", "PARTS", "SEEDS", "TASK", "TRACED", "by_operation", "model", "parts", "taken_out",
           "train", "trained"]

TASK, SEEDS, STEPS = DigitTask(), tuple(range(10)), 1500

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


def model(arm: str = "full") -> ModelConfig:
    """The shape of an arm's model: 32 wide, two layers, four heads, but for what the arm changes.

    >>> model("one head").d_head, model().d_head
    (32, 8)
    """
    same = {"d_vocab": TASK.d_vocab, "n_ctx": TASK.n_ctx, "n_layers": 2, "n_heads": 4, "d_model": 32, "d_mlp": 128,
            "positions": "learned", "norm": "layer", "read_out": "last"}
    return ModelConfig(**same | CHANGES[check_choice("arm", arm, CHANGES)])


def parts(seed: int) -> Split:
    """The 4,000 expressions that a seed trains on, and the 1,000 that it is tested on: none is in both.

    >>> len(parts(0).train), len(parts(0).held_out)
    (4000, 1000)
    """
    return parts_of(check_seed("seed", seed))


@cache
def parts_of(seed):
    return split(all_inputs(TASK), held_out=0.2, seed=seed)


@cache
def encoded(seed: int) -> tuple[Examples, Examples]:
    return tuple(examples(TASK, expressions) for expressions in parts(seed))


@cache
def rows_of_steps(seed: int, steps: int, batch: int) -> np.ndarray:
    """Which training inputs each step takes, drawn at once: a generator a step would cost more time than the step."""
    return generator(seed, "batch").integers(len(parts(seed).train), size=(steps, batch))


@cache
def held_out(seeds: tuple[int, ...]) -> Examples:
    """The held-out inputs of all seeds: tokens (seeds, 1000, n_ctx) and targets (seeds, 1000)."""
    return Examples(*(np.stack(kind) for kind in zip(*(encoded(seed)[1] for seed in seeds), strict=True)))


def answers(config, params, seeds, tap=None) -> np.ndarray:
    """The likeliest tokens (seeds, 1000); where nothing taps, the last block is computed for its read-out alone."""
    shapes = parameter_shapes(config)
    for name, value in check_entries("params", params, shapes).items():
        check_array(f"params[{name!r}]", value, shape=(len(seeds), *shapes.get(name, ())), finite=False)
    return forward(params, held_out(tuple(seeds)).tokens, config, tap=tap, trim=tap is None)["logits"].argmax(-1)


def by_operation(config: ModelConfig, params: dict, seeds=SEEDS, *, tap=None) -> np.ndarray:
    """Share of each seed's held-out inputs answered right (seeds, 5), in the order of ``TASK.operations``.

    ``params`` have an axis of seeds; with a tap, it is the model that the tap changes.

    >>> by_operation(model(), init(model(), n_seeds=2), seeds=(0, 1)).shape
    (2, 5)
    """
    right = answers(config, params, seeds, tap) == held_out(tuple(seeds)).targets
    names = np.array([[operation_of(x) for x in parts(seed).held_out] for seed in seeds])
    return np.stack([(right & (names == name)).sum(-1) / (names == name).sum(-1) for name in TASK.operations], axis=-1)


def train(arm: str = "full", seeds=SEEDS, *, steps: int = STEPS, learning_rate: float = 4e-3,
          every: int = 50) -> tuple[dict, History]:
    """Train all seeds of an arm on their own 4,000 inputs; returns the weights and, ``every`` steps, what they score.

    ``learning_rate`` is the peak, reached after 100 updates, from where it falls to 0 in a straight line.

    >>> params, history = train(seeds=(0, 1), steps=2, every=1)
    >>> params["W_E"].shape, history["held_out_accuracy"].shape
    ((2, 20, 32), (3, 2))
    """
    config, drawn = model(arm), [init(model(arm), seed=check_seed("seeds", seed)) for seed in seeds]
    stepper = Stepper({name: np.stack([one[name] for one in drawn]) for name in drawn[0]}, config, "adamw", beta2=0.98,
                      weight_decay=0.1)

    def batches(step):
        rows = [(encoded(seed)[0], rows_of_steps(seed, steps, 32)[step]) for seed in seeds]
        return tuple(np.stack([data[kind][chosen] for data, chosen in rows]) for kind in range(2))

    def score(stepper):
        right = answers(config, stepper.params, seeds) == held_out(tuple(seeds)).targets
        return {"held_out_accuracy": right.mean(-1)}

    history = fit(stepper, batches, steps=steps, every=every, evaluate=score,
                  learning_rate=warmup_linear(learning_rate, steps, min(100, steps)))
    return stepper.params, history


def taken_out(params: dict, part: str, seeds=SEEDS, *, by: str = "mean") -> np.ndarray:
    """What the trained full model scores without a part: (seeds, 5).

    Parameters
    ----------
    params : dict of array
        With an axis of seeds.
    part : str
        A name in :data:`PARTS`.
    by : {"mean", "zero"}
        What stands in its place: its own mean over the training inputs, position by position, or nothing.
    """
    (name, head), means = PARTS[check_choice("part", part, PARTS)], None
    if check_choice("by", by, ["mean", "zero"]) == "mean":
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
    """The weights of the first seed of the full model, trained in the company of the others."""
    params, _ = train("full", seeds)
    return {"seed": ("seed", list(seeds))} | {name: ([f"{name}.{axis}" for axis in range(value.ndim - 1)], value[0])
                                              for name, value in params.items()}


SETTINGS = {"steps": STEPS, "batch": 32, "learning_rate": 4e-3}
ABLATION = Study("ablation", measured, arms={"arm": tuple(CHANGES)}, seeds=SEEDS, together=True, finish=with_names,
                 settings=SETTINGS | {"arms": {arm: model(arm).to_dict() for arm in CHANGES}})
TRACED = Study("traced-model", weights_of_the_first, seeds=SEEDS, together=True,
               settings=SETTINGS | {"model": model().to_dict()})


def trained() -> tuple[ModelConfig, dict]:
    """The full model of seed 0 from its record: its configuration, and its weights in double precision."""
    found = TRACED.load()
    return model(), {name: found[name].values.astype(np.float64) for name in parameter_shapes(model())}
