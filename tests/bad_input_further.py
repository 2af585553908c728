"""Calls that work for the functions behind chapter 08 (see bad_input_calls.py)."""

from __future__ import annotations

import numpy as np

from transformer_lab import ModelConfig

CONFIG = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, d_mlp=6)
ROWS = np.random.default_rng(8).normal(size=(2, 4, 3))
ALT = "A figure drawn for a test, with enough words."
WORDS = ["Max", "(", "5", ")"]


def logits_with(tap):
    return np.asarray(tap("embed", ROWS))[:, -1]


CALLS = {
    "chapters.ch08.cost.multiply_adds": lambda: {"config": CONFIG, "position": 3},
    "chapters.ch08.cost.parameters": lambda: {"config": CONFIG},
    "analysis.ablation.followed": lambda: {"logits_with": logits_with, "name": "embed", "places": [1], "other": ROWS,
                                       "answers": [0, 1]},
    "analysis.ablation.patch": lambda: {"name": "embed", "other": ROWS, "places": [1]},
    "analysis.ablation.as_numpy": lambda: {"value": ROWS},
}
