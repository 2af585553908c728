"""Chapter 05's study: what does each part of a block do? Ablation in its two senses, on the digit operations.

*Trained without*: each arm is a model that never had the part. *Taken out*: one part of the trained full model is
silenced afterwards. Both are scored on held-out inputs, operation by operation. Seed i has its own split, its own
batches and its own initial weights; split and batches are the same in all arms, and so are the weights of the parts
that two arms share. Arms have the same number of updates, not of parameters.

``python -m chapters.ch05.study`` trains what is missing, one arm after the other, and writes a record for
each to ``data/ablation``, and the weights that the explorable reads.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from transformer_lab.analysis.ablation import ablate, means_of
from transformer_lab.byhand.schedules import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.checks import check_array, check_choice, check_entries, check_number, check_seed, check_type
from transformer_lab.config import Config, ModelConfig, choice, field, whole
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.tasks.answers import Examples, examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import operation_of
from transformer_lab.tasks.splits import Split, split
from transformer_lab.training import History, Record, fit, read_record, write_record
from transformer_lab.training.seals import check_folder
from transformer_lab.training.stepper import Stepper
from transformer_lab.widgets.page_data import page_bytes, write_page_data

__all__ = ["ARMS", "PARTS", "TASK", "AblationRun", "accuracy", "by_operation", "load", "parts", "record", "ship",
           "taken_out", "train", "trained"]

TASK = DigitTask()
DATA = Path("data/ablation")

#: What differs from the full model in each arm.
CHANGES = {
    "full": {}, "no residual": {"residual": False}, "no norm": {"norm": "none"}, "norm after": {"placement": "post"},
    "no feed-forward": {"d_mlp": 0}, "one head": {"n_heads": 1}, "no output projection": {"output_projection": False},
    "read at the first token": {"read_out": "first"}, "read off the mean": {"read_out": "mean"},
    "one layer": {"n_layers": 1}, "one layer, no feed-forward": {"n_layers": 1, "d_mlp": 0},
    "six layers": {"n_layers": 6}, "six layers, no residual": {"n_layers": 6, "residual": False},
}

#: Parts that can be silenced in the trained full model: an activation, and the head where it is one head's.
PARTS = {f"layer {layer}: {name}": (f"blocks.{layer}.{word}", head) for layer in range(2) for name, word, head in
         [("attention", "attn_out", None), *((f"head {h}", "z", h) for h in range(4)),
          ("feed-forward", "mlp_out", None)]}


@dataclass(frozen=True)
class AblationRun(Config):
    """One arm: models that differ in nothing but their seed.

    Parameters
    ----------
    arm : str
        A name in :data:`ARMS`.
    steps, batch, n_seeds : int
    learning_rate : float
        The peak, reached after 100 updates, from where it falls to 0 in a straight line.
    seed : int
        The first seed.

    Examples
    --------
    >>> AblationRun("one head").model.d_head, AblationRun("full").model.d_head
    (32, 8)
    """

    arm: str = choice(*CHANGES)
    steps: int = whole(1500)
    batch: int = whole(32)
    n_seeds: int = whole(10)
    learning_rate: float = field(partial(check_number, above=0), 4e-3)
    seed: int = field(check_seed, 0)

    @property
    def model(self) -> ModelConfig:
        """The shape of the arm's model: 32 wide, two layers, four heads, but for what the arm changes."""
        return ModelConfig(**({"d_vocab": TASK.d_vocab, "n_ctx": TASK.n_ctx, "n_layers": 2, "n_heads": 4,
                               "d_model": 32, "d_mlp": 128, "positions": "learned", "norm": "layer",
                               "read_out": "last"} | CHANGES[self.arm]))

    @property
    def seeds(self) -> range:
        """The seeds of this run."""
        return range(self.seed, self.seed + self.n_seeds)

    def batches(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens (n_seeds, batch, n_ctx) and targets (n_seeds, batch) of one step."""
        drawn = [(encoded(seed)[0], rows_of_steps(seed, self.steps, self.batch)[step]) for seed in self.seeds]
        return tuple(np.stack([data[kind][rows] for data, rows in drawn]) for kind in range(2))


#: The arms by name.
ARMS = {arm: AblationRun(arm) for arm in CHANGES}


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
    """Which training inputs each step takes: (steps, batch). Drawn at once: a generator a step would cost more time
    than the step.
    """
    return generator(seed, "batch").integers(len(parts(seed).train), size=(steps, batch))


@cache
def held_out(seeds: range) -> Examples:
    """The held-out inputs of all seeds: tokens (n_seeds, 1000, n_ctx) and targets (n_seeds, 1000)."""
    return Examples(*(np.stack(kind) for kind in zip(*(encoded(seed)[1] for seed in seeds), strict=True)))


def accuracy(run: AblationRun, params: dict, *, tap=None) -> np.ndarray:
    """Share of the held-out inputs answered right, by each seed (n_seeds,); with a tap, of the model that it changes.

    >>> run = AblationRun(n_seeds=2, steps=1)
    >>> accuracy(run, init(run.model, n_seeds=2)).shape
    (2,)
    """
    data = held_out(check_type("run", run, AblationRun).seeds)
    return (answers(run, params, tap) == data.targets).mean(axis=-1)


def by_operation(run: AblationRun, params: dict, *, tap=None) -> np.ndarray:
    """The same, operation by operation: (n_seeds, 5), in the order of ``TASK.operations``."""
    check_type("run", run, AblationRun)
    right = answers(run, params, tap) == held_out(run.seeds).targets
    names = np.array([[operation_of(x) for x in parts(seed).held_out] for seed in run.seeds])
    return np.stack([(right & (names == name)).sum(-1) / (names == name).sum(-1) for name in TASK.operations], axis=-1)


def answers(run, params, tap) -> np.ndarray:
    """The likeliest tokens (n_seeds, 1000); where nothing taps, the last block is computed for its read-out alone."""
    shapes = parameter_shapes(run.model)
    for name, value in check_entries("params", params, shapes).items():
        check_array(f"params[{name!r}]", value, shape=(run.n_seeds, *shapes.get(name, ())), finite=False)
    logits = forward(params, held_out(run.seeds).tokens, run.model, tap=tap, trim=tap is None)["logits"]
    return logits.argmax(axis=-1)


def train(run: AblationRun, *, every: int = 50) -> tuple[dict, History]:
    """Train all seeds of an arm on their own 4,000 inputs; returns the weights and, ``every`` steps, what they score.

    Examples
    --------
    >>> params, history = train(AblationRun(n_seeds=2, steps=2), every=1)
    >>> params["W_E"].shape, history["held_out_accuracy"].shape
    ((2, 20, 32), (3, 2))
    """
    check_type("run", run, AblationRun)
    stepper = Stepper(init(run.model, n_seeds=run.n_seeds, seed=run.seed), run.model, "adamw", beta2=0.98,
                      weight_decay=0.1)
    history = fit(stepper, run.batches, steps=run.steps, every=every,
                  learning_rate=warmup_linear(run.learning_rate, run.steps, min(100, run.steps)),
                  evaluate=lambda stepper: {"held_out_accuracy": accuracy(run, stepper.params)})
    return stepper.params, history


def taken_out(run: AblationRun, params: dict, part: str, *, by: str = "mean") -> np.ndarray:
    """What the trained full model scores without a part: (n_seeds, 5).

    Parameters
    ----------
    run : AblationRun
    params : dict of array
        With an axis of seeds.
    part : str
        A name in :data:`PARTS`.
    by : {"mean", "zero"}
        What stands in its place: its own mean over the training inputs, position by position, or nothing.
    """
    seeds, (name, head) = check_type("run", run, AblationRun).seeds, PARTS[check_choice("part", part, PARTS)]
    means = None
    if check_choice("by", by, ["mean", "zero"]) == "mean":
        tokens = np.stack([encoded(seed)[0].tokens for seed in seeds])
        means = means_of(partial(forward, params, tokens, run.model), name)
    return by_operation(run, params, tap=ablate(name, head=head, value=means))


def record(arm: str, data: Path = DATA) -> Record:
    """Train an arm, unless its record is there, and keep what was measured.

    Its table has the medians over seeds. Its tensors have every seed's curves, the final accuracy by operation, for
    the full model what is left without each part, and the weights of the first seed.
    """
    run, folder = ARMS[check_choice("arm", arm, ARMS)], check_folder(data) / slug(arm)
    if folder.exists():
        return read_record(folder, config=run.to_dict())
    started = time.process_time()
    params, history = train(run)
    timing = {"training_cpu_s": time.process_time() - started}
    curves = {name: history[name] for name in ("loss", "held_out_accuracy")}
    medians = [{"step": int(step)} | {name: round(float(np.median(curve[row])), 6) for name, curve in curves.items()
                                      if np.isfinite(curve[row]).all()} for row, step in enumerate(history.steps)]
    state = {name: curve.astype(np.float32) for name, curve in curves.items()}
    state |= {"by_operation": by_operation(run, params)}
    if arm == "full":
        state |= {f"without {part} ({by})": taken_out(run, params, part, by=by)
                  for part in PARTS for by in ("mean", "zero")}
        state |= {f"params.{name}": value[0] for name, value in params.items()}
    write_record(folder, config=run.to_dict(), history=History(medians), state=state, step=run.steps, timing=timing)
    return read_record(folder)


def slug(arm: str) -> str:
    return arm.replace(",", "").replace(" ", "-")


def load(arm: str, data: Path = DATA) -> Record:
    """The shipped record of an arm, its checksums verified."""
    return read_record(check_folder(data) / slug(check_choice("arm", arm, ARMS)), config=ARMS[arm].to_dict())


def trained(data: Path = DATA) -> tuple[ModelConfig, dict]:
    """The full model of seed 0 from its record: its configuration, and its weights in double precision."""
    state = load("full", data).state
    return ARMS["full"].model, {name: state[f"params.{name}"].astype(np.float64)
                                for name in parameter_shapes(ARMS["full"].model)}


def ship(data: Path = DATA) -> None:
    """Write the weights that the explorable reads, in float32."""
    config, params = trained(data)
    write_page_data("block-trace", page_bytes({"model": (params, config)}))


if __name__ == "__main__":
    for name in sys.argv[1:] or ARMS:
        print(f"{name}: {record(name).timing['training_cpu_s']:.1f} CPU s", flush=True)
    ship()
