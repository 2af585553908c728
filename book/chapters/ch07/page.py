"""What the explorable of chapter 07 shows: a model while it learns, and what it answers to all 5,000 inputs.

``python -m chapters.ch07.page`` trains the model of ``data/digits/digits-0`` again (seconds), makes sure that it ends
in the same weights, bit for bit, and writes the same bytes again. The page runs the weights in half precision, and what
the map shows is what these rounded weights answer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from transformer_lab import places
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.errors import DataError
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.training import Run, train
from transformer_lab.widgets.page_data import page_bytes, write_page_data

__all__ = ["RUN", "STEPS"]

RUN: Run = RECIPES["digits"]
#: The steps of training that are kept: more where more happens.
STEPS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 700, 800, 1000, 2000)
SHIPPED = places.shipped("digits", "digits-0")


def kept() -> dict[int, dict]:
    """The weights after each of :data:`STEPS`, of a run that ends where the shipped one did."""
    with tempfile.TemporaryDirectory() as folder:
        record = train(Path(folder) / "run", RUN, keep=STEPS)
    shipped = load(SHIPPED)[1]
    if any(not np.array_equal(value, shipped.weights[name]) for name, value in record.weights.items()):
        raise DataError(f"Training did not end in the weights of {SHIPPED.name}. Those were trained with "
                        f"{shipped.manifest['versions']}; train with these versions.")
    return record.history.kept


def answers(params: dict) -> np.ndarray:
    """What the model says to each input with weights rounded to half precision, as the page calculates with."""
    halved = {name: np.asarray(value).astype(np.float16).astype(np.float64) for name, value in params.items()}
    return DigitModel(RUN, halved).logits(RUN.task.encoded(all_inputs(RUN.task)).tokens).argmax(-1)


def ask_bytes(weights: dict[int, dict]) -> bytes:
    """The file that the explorable reads: the weights under their steps, rounded to float16; ``answers`` to each input
    at each step (tokens); and 1 in ``held_out`` for each input that was.
    """
    held_out = set(RUN.task.parts.held_out)
    arrays = {"steps": np.array([*weights], np.uint16),
              "answers": np.array([answers(params) for params in weights.values()], np.uint8),
              "held_out": np.array([x in held_out for x in all_inputs(RUN.task)], np.uint8)}
    return page_bytes({str(step): (params, RUN.model) for step, params in weights.items()}, arrays, dtype=np.float16)


if __name__ == "__main__":
    write_page_data("ask", ask_bytes(kept()))
