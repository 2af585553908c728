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
    **{f"exercises.ch07.{name}": lambda: {"answer": lambda *given: None} for name in ch07.__all__},
}
