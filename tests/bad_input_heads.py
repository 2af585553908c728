"""For each public function of chapter 02's figures and exercises, a call that works; part of the table."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)
SQUARE, WIDE = RNG.normal(size=(46, 46)), RNG.normal(size=(46, 26))
RUNS = RNG.random((3, 4))
STEPS = np.array([0, 10, 20, 30])

CALLS = {
}
