"""Calls that work for the functions behind chapter 07: digit geometry, exercises, figures (see bad_input_calls.py)."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import ch07

ROWS = np.random.default_rng(0).normal(size=(5, 3))
SIMILARITY = ROWS @ ROWS.T
ALT = "A figure drawn for a test, with enough words."

CALLS = {
    "analysis.digit_geometry.cosines": lambda: {"rows": ROWS},
    "analysis.digit_geometry.order_correlation": lambda: {"similarity": SIMILARITY},
    "analysis.digit_geometry.order_test": lambda: {"similarity": SIMILARITY, "bins": 4},
    "plots.learning.confusions": lambda: {"counts": {"a": np.eye(10, 11, dtype=int)}, "alt": ALT},
    "plots.learning.curves": lambda: {"panels": {"a": {"b": np.ones((2, 3))}}, "x": np.array([1.0, 2.0]), "alt": ALT,
                                      "x_label": "x", "y_label": "y", "bounds": {"top": 1.0}, "log": True,
                                      "y_range": (0.0, 1.0)},
    "plots.learning.orders": lambda: {"counts": np.array([1, 2]), "groups": {"a": np.zeros(3)}, "alt": ALT,
                                      "x_label": "x"},
    "plots.learning.scatter": lambda: {"panels": {"a": (np.ones(2), np.ones(2))}, "alt": ALT, "x_label": "x",
                                       "y_label": "y"},
    "plots.learning.valley": lambda: {"walks": {"a": np.ones((3, 2))}, "curvature": (1.0, 2.0), "alt": ALT},
    **{f"exercises.ch07.{name}": lambda: {"answer": lambda *given: None} for name in ch07.__all__},
}
