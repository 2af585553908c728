"""Calls that work for the functions behind chapter 07: digit geometry, exercises, figures (see bad_input_calls.py)."""

from __future__ import annotations

import numpy as np

ROWS = np.random.default_rng(0).normal(size=(5, 3))
SIMILARITY = ROWS @ ROWS.T
ALT = "A figure drawn for a test, with enough words."

CALLS = {
    "chapters.ch07.digit_geometry.cosines": lambda: {"rows": ROWS},
    "chapters.ch07.digit_geometry.order_correlation": lambda: {"similarity": SIMILARITY},
    "chapters.ch07.digit_geometry.order_test": lambda: {"similarity": SIMILARITY, "bins": 4},
    "chapters.ch07.figures.confusions": lambda: {"counts": {"a": np.eye(10, 11, dtype=int)}, "alt": ALT},
    "chapters.ch07.figures.curves": lambda: {"panels": {"a": {"b": np.ones((2, 3))}}, "x": np.array([1.0, 2.0]), "alt": ALT,
                                      "x_label": "x", "y_label": "y", "bounds": {"top": 1.0}, "log": True,
                                      "y_range": (0.0, 1.0)},
    "chapters.ch07.figures.orders": lambda: {"counts": np.array([1, 2]), "groups": {"a": np.zeros(3)}, "alt": ALT,
                                      "x_label": "x"},
    "chapters.ch07.figures.scatter": lambda: {"panels": {"a": (np.ones(2), np.ones(2))}, "alt": ALT, "x_label": "x",
                                       "y_label": "y"},
    "chapters.ch07.figures.valley": lambda: {"walks": {"a": np.ones((3, 2))}, "curvature": (1.0, 2.0), "alt": ALT},
}
