"""Calls that work for the functions behind chapter 07's studies: confusion, leaks, heads (see bad_input_calls.py)."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.transformer import init
from transformer_lab.tasks.digits import DigitTask
from transformer_lab.training.digits import DigitRun

EXPRESSIONS = [("Max", (5, 8, 3)), ("Min", (1, 2, 3))]
RUN = DigitRun(task=DigitTask(), n_layers=1, n_heads=1, d_model=4, d_mlp=4)
PARAMS = init(RUN.model)

CALLS = {
    "chapters.ch07.confusion.accuracies": lambda: {"right": [True, False], "groups": [0, 1], "weights": np.ones(2)},
    "chapters.ch07.confusion.confusion": lambda: {"said": [10, 3], "right": [10, 3]},
    "chapters.ch07.confusion.mistakes": lambda: {"said": [10, 3], "expressions": EXPRESSIONS},
    "tasks.splits.cut": lambda: {"expressions": EXPRESSIONS, "held_out": 0.5},
    "tasks.splits.dealt": lambda: {"answers": [1, 2, 3], "groups": [0, 0, 1], "seed": 0},
    "tasks.splits.expected_leakage": lambda: {"inputs": 10, "drawn": 20, "held_out": 0.5, "groups": 2},
    "tasks.splits.remembered": lambda: {"train": EXPRESSIONS, "held_out": EXPRESSIONS},
    "chapters.ch07.study.leaky": lambda: {"answers": "true", "seed": 0},
    "chapters.ch07.heads.looks": lambda: {"run": RUN, "params": PARAMS},
    "chapters.ch07.heads.rows": lambda: {"run": RUN, "params": PARAMS},
    "chapters.ch07.heads.silenced": lambda: {"run": RUN, "params": PARAMS},
}

EXEMPT: dict[str, str] = {}
