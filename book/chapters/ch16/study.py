"""Chapter 16's studies: one character model in eight sizes, with the same data, with the same compute, and with little
text; each at learning rates of its own.

``transformer-lab study sizes-at-fixed-data`` and its like make the records again. All losses are in nats a character,
over all windows of what is held out. The largest size is a study of its own, which was run when the prediction from
the smaller ones (``prediction.json``) had been committed.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from transformer_lab.checks import check_whole
from transformer_lab.errors import DataError, RangeError
from transformer_lab.randomness import generator
from transformer_lab.rules import By, Number, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks import text
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, Study
from transformer_lab.training.held_out import losses_at
from transformer_lab.training.outcome import tried

from .flops import step_flops

__all__ = ["COMPUTE", "DATA", "LARGEST", "LARGEST_AGAIN", "MIDDLE", "SCARCE", "SHAPES", "STEPS", "TOKENS", "largest",
           "of_width", "steps_for"]

TOKENS, STEPS = 16 * 64, 300  # characters in a batch, batches at fixed data

#: Layers and heads of each size, by the width of its stream. The widest was trained last.
SHAPES = {4: (1, 2), 8: (1, 2), 16: (1, 2), 24: (2, 2), 40: (2, 4), 64: (2, 4), 96: (3, 4), 128: (5, 4)}
#: Chapter 12's baseline, but for the sizes; warm-up is an eighth of the steps.
RECIPE = {"positions": "rotary", "norm": "rms", "eps": 1e-6, "activation": "squared_relu", "bias_mlp": False,
          "bias_unembed": False, "library": "torch", "silent": True, "batch": 16, "lowest": 0.02, "beta2": 0.99,
          "weight_decay": 0.1}
#: Rates a factor of two apart around where a size does best.
RATES = {4: (0.02, 0.04, 0.08, 0.16, 0.32), 8: (0.01, 0.02, 0.04, 0.08, 0.16, 0.32),
         16: (0.01, 0.02, 0.04, 0.08, 0.16, 0.32),
         24: (0.005, 0.01, 0.02, 0.04, 0.08), 40: (0.005, 0.01, 0.02, 0.04, 0.08),
         64: (0.0025, 0.005, 0.01, 0.02, 0.04), 96: (0.00125, 0.0025, 0.005, 0.01, 0.02),
         128: (0.000625, 0.00125, 0.0025, 0.005, 0.01)}
#: The size whose cost with 300 batches is what every size may spend at fixed compute.
MIDDLE = 16


def check_width(argument: str, value) -> int:
    """The width of one of the sizes."""
    if check_whole(argument, value) not in SHAPES:
        raise RangeError(argument, str(value), f"one of {', '.join(map(str, SHAPES))}", "Take the width of a size.")
    return int(value)


WIDTH = By(check_width)


@cache
def windows() -> TextTask:
    """The text in windows of 64 characters; the same object each time, for it holds the text."""
    return TextTask(n_ctx=64)


@checked
def of_width(width: WIDTH, rate: Number(above=0) = 0.01, steps: Whole(1) = STEPS, seed: Whole() = 0) -> Run:
    """The run of one size.

    >>> run = of_width(64)
    >>> run.model.n_layers, run.weights, run.training.warmup
    (2, 106944, 37)
    """
    layers, heads = SHAPES[width]
    return Run.of(windows(), d_model=width, d_mlp=4 * width, n_layers=layers, n_heads=heads, steps=steps, seed=seed,
                  warmup=steps // 8, learning_rate=rate, **RECIPE)


@checked
def steps_for(width: WIDTH) -> int:
    """How many batches a size reads for as many operations as the middle one spends on 300.

    >>> steps_for(16), steps_for(40), steps_for(8)
    (300, 36, 799)
    """
    middle, own = (step_flops(of_width(size).model, TOKENS) for size in (MIDDLE, width))
    return round(STEPS * middle / own)


class Timed:
    """A stepper that knows how long its steps took, in processor seconds, and what the batches cost."""

    def __init__(self, stepper):
        self.stepper, self.seconds, self.losses = stepper, [], []
        self.state, self.load_state = stepper.state, stepper.load_state

    def step(self, batch, learning_rate):
        began = time.process_time()
        found = self.stepper.step(batch, learning_rate)
        self.seconds.append(time.process_time() - began)
        self.losses.append(found["loss"])
        return found


def trained(run: Run, batches) -> dict:
    """Held-out loss over all windows; mean loss of the last fifty batches (fewer in a short run); time of a step."""
    stepper, steps = Timed(run.stepper()), run.training.steps
    outcome = tried(stepper, batches, steps=steps, learning_rate=run.learning_rate, every=max(1, steps // 3))
    ended = outcome.diverged < 0
    return {"held_out": losses_at(stepper.stepper.module, text.tests(run.task)[0]).mean() if ended else np.nan,
            "train": float(np.mean(stepper.losses[-min(50, steps // 4):])) if ended else np.nan,
            "diverged": outcome.diverged, "steps": steps,
            "milliseconds": 1000 * float(np.median(stepper.seconds)), "seconds": float(np.sum(stepper.seconds))}


def at_fixed_data(width: int, rate: float, seed: int) -> dict:
    """300 batches, the same for every size."""
    run = of_width(width, rate, STEPS, seed)
    return trained(run, run.batches)


def at_fixed_compute(width: int, rate: float, seed: int) -> dict:
    """As many batches as the operations of the middle size allow."""
    run = of_width(width, rate, steps_for(width), seed)
    return trained(run, run.batches)


def of_little_text(width: int, rate: float, characters: int, seed: int) -> dict:
    """300 batches, windows of the first so many characters alone."""
    run = of_width(width, rate, STEPS, seed)
    few = windows().parts[0][:characters]
    if len(few) < characters:
        raise DataError(f"The text has {len(few)} characters to train on, not {characters}. Ask for fewer.")

    def batches(step):
        starts = generator(seed, "batch", step).integers(characters - 64, size=run.training.batch)
        return text.windows(few, starts, 64)

    return trained(run, batches)


def arms(widths) -> list[dict]:
    return [{"width": width, "rate": rate} for width in widths for rate in RATES[width]]


SETTINGS = {"recipe": RECIPE, "shapes": {str(width): list(shape) for width, shape in SHAPES.items()}, "tokens": TOKENS,
            "steps": STEPS}
*SMALLER, WIDEST = SHAPES

DATA = Study("sizes-at-fixed-data", at_fixed_data, arms(SMALLER), seeds=range(5), settings=SETTINGS)
LARGEST = Study("largest-at-fixed-data", at_fixed_data, arms([WIDEST]), seeds=range(3), settings=SETTINGS)
#: Two more seeds of the largest, at the best of its rates and both neighbours, when the first three had been told.
LARGEST_AGAIN = Study("largest-again", at_fixed_data, arms([WIDEST])[1:4], seeds=(3, 4), settings=SETTINGS)
#: The middle size is not here: its runs are those at fixed data.
COMPUTE = Study("sizes-at-fixed-compute", at_fixed_compute, arms([24, 40, 8, 64]), seeds=range(5),
                settings=SETTINGS | {"middle": MIDDLE})
#: With little text each size at its best rate at fixed data, at one twice as large, and down past where it is best.
LITTLE = {8: (0.04, 0.08, 0.16, 0.32), 24: (0.005, 0.01, 0.02, 0.04), 64: (0.0025, 0.005, 0.01, 0.02),
          96: (0.000625, 0.00125, 0.0025, 0.005, 0.01)}
SCARCE = Study("sizes-with-little-text", of_little_text, seeds=range(5), settings=SETTINGS,
               arms=[{"width": width, "rate": rate, "characters": 32_000} for width, rates in LITTLE.items()
                     for rate in rates])


def largest():
    """What the largest size loses (width, rate, seed): three seeds at every rate, five at the best and beside it.

    >>> dict(largest().sizes)
    {'width': 1, 'rate': 5, 'seed': 5}
    """
    return LARGEST.load()["held_out"].combine_first(LARGEST_AGAIN.load()["held_out"]).sortby("rate")
