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
}
