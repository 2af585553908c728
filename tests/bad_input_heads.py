"""For each public function of chapter 02's figures and exercises, a call that works; part of the table."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)
SQUARE, WIDE = RNG.normal(size=(46, 46)), RNG.normal(size=(46, 26))
RUNS = RNG.random((3, 4))
STEPS = np.array([0, 10, 20, 30])

CALLS = {
    "chapters.ch02.figures.attention_by_position": lambda: {"patterns": RUNS, "right": [0, 2]},
    "chapters.ch02.figures.error_by_step": lambda: {"steps": np.array([1e-1, 1e-3, 1e-5]),
                                               "errors": {"central": np.array([1e-2, 1e-6, 1e-9])}},
    "chapters.ch02.figures.learning_curves": lambda: {"steps": STEPS, "arms": {"one": RUNS}, "bounds": {"ceiling": 1.0}},
    "chapters.ch02.figures.unseen_letters": lambda: {"unseen": RUNS[0], "wrong": RUNS[1]},
    "plots.one_head.both_matrices": lambda: {"W_QK": SQUARE, "W_OV": WIDE, "unit": "weight"},
    "plots.one_head.input_rows": lambda: {"x": RNG.random((20, 46)), "tokens": "ABCDE" * 4},
    "plots.one_head.jacobian": lambda: {"matrix": SQUARE[:5, :5], "tokens": "ABCDE"},
    "plots.one_head.running_sum": lambda: {"products": RNG.normal(size=(5, 46, 46)), "tokens": "ABCDE",
                                           "after": (1, 5)},
    "plots.one_head.strips": lambda: {"vectors": {"a": SQUARE[0, :5]}, "names": "ABCDE", "kind": "signed", "wrap": 5,
                                      "digits": 2},
    "plots.one_head.three_gradients": lambda: {"by_hand": WIDE, "autograd": WIDE, "enlarged": 1e9, "name": "W_OV"},
}
