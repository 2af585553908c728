"""Calls that work for the functions behind chapter 04: positions, order, and their figures (see bad_input_calls.py)."""

from __future__ import annotations

import numpy as np

from chapters.ch04 import study as order

RNG = np.random.default_rng(4)
X, W = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
ALT = "A figure drawn for a test, with enough words."
TRAINED, CONFIG = order.train("learned", seeds=[0], steps=1)[0], order.config_of("learned")


def same(name, value):
    return value


def figure(**arguments):
    return lambda: {**arguments, "alt": ALT}


CALLS = {
    "analysis.operations.count_operations": lambda: {"function": lambda *arrays: arrays},
    "chapters.ch04.order.blind_ceiling": lambda: {"tokens": [[1, 2], [2, 1]], "targets": [1, 2]},
    "chapters.ch04.order.equivariance_gap": lambda: {"function": lambda x: x, "x": X, "table": [[0, 1, 2], [2, 1, 0]]},
    "chapters.ch04.order.invariance_gap": lambda: {"function": lambda x: x[:, 0], "x": X, "table": [[0, 1, 2]]},
    "chapters.ch04.order.orders": lambda: {"n_ctx": 3, "fixed": [0]},
    "chapters.ch04.places.closest_pair": lambda: {"codes": X},
    "chapters.ch04.places.score_terms": lambda: {"x_E": X, "x_pos": X, "W_Q": W, "W_K": W},
    "chapters.ch04.places.shift_residual": lambda: {"codes": X, "offset": 1},
    "byhand.positions.frequencies": lambda: {"d_model": 4, "base": 100.0},
    "byhand.positions.offset_distance": lambda: {"offsets": [1, 2], "d_model": 4, "base": 100.0},
    "byhand.positions.offset_dot": lambda: {"offsets": [1, 2], "d_model": 4, "base": 100.0},
    "byhand.positions.shift_rotation": lambda: {"offset": 1, "d_model": 4, "base": 100.0},
    "chapters.ch04.study.accuracy": lambda: {"params": TRAINED, "config": CONFIG, "tap": same},
    "chapters.ch04.study.config_of": lambda: {"arm": "learned"},
    "chapters.ch04.study.on_digits": lambda: {"params": TRAINED, "config": CONFIG, "tap": same},
    "chapters.ch04.study.shares": lambda: {"params": TRAINED, "config": CONFIG},
    "chapters.ch04.study.train": lambda: {"arm": "learned", "seeds": [0], "steps": 1, "every": 1},
    "chapters.ch04.study.without": lambda: {"term": "token-place", "params": TRAINED},
}

EXEMPT = {"chapters.ch04.study.ceilings": "takes no argument", "chapters.ch04.study.inputs": "takes no argument"}
