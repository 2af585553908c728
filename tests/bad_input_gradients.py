"""Calls that work for the functions behind chapter 06: wrong gradients (see bad_input_calls.py)."""

from __future__ import annotations

from chapters.ch06.every_tensor import SMALL
from chapters.ch06.study import CONFIG, batches, first_weights
from transformer_lab.byhand.transformer import forward

PARAMS, BATCH = first_weights([0]), batches([0], 0)

CALLS = {
    "chapters.ch06.planted.gradients": lambda: {"arm": "copied", "params": PARAMS, "batch": BATCH, "config": CONFIG},
    "chapters.ch06.planted.with_mistake": lambda: {
        "name": "copied", "params": PARAMS, "acts": forward(PARAMS, BATCH.tokens, CONFIG), "targets": BATCH.targets,
        "config": CONFIG},
    "chapters.ch06.every_tensor.every_tensor": lambda: {"config": SMALL, "gradient": "twice", "n_draws": 1, "batch": 1,
                                                        "entries": 1, "seed": 0},
    "chapters.ch06.study.first_weights": lambda: {"seeds": [0]},
    "chapters.ch06.study.train": lambda: {"arm": "copied", "seeds": [0], "every": 1, "stop": 1},
}
