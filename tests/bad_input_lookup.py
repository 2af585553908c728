"""For each public function of chapter 01's modules, a call that works; part of the table behind test_bad_input.py."""

from __future__ import annotations

import numpy as np

from chapters.ch01 import list_reader
from chapters.ch01.price_list import PriceListTask, every_list

RNG = np.random.default_rng(0)
TASK = PriceListTask(n_names=2, n_prices=3)
WORLD = every_list(TASK)
READER = list_reader.init(TASK, 1)
READ = list_reader.forward(READER, WORLD)
PATTERN = np.array([[0.25, 0.75], [1.0, 0.0]])
CURVE, ALT = np.array([0.1, 0.2, 0.4]), "Eight words that say what this figure shows."
ARM = (CURVE, CURVE, CURVE)

CALLS = {
    "chapters.ch01.power_law.fit_power_law": lambda: {"x": CURVE, "draws": 1 + RNG.random((3, 5)), "level": 0.95},
    "chapters.ch01.power_law.mean_interval": lambda: {"draws": RNG.random((3, 5)), "level": 0.95},
    "analysis.saturation.entropy": lambda: {"pattern": PATTERN},
    "analysis.saturation.expected_for_two_keys": lambda: {"measure": "entropy", "spread": 2.0},
    "analysis.saturation.jacobian_size": lambda: {"pattern": PATTERN},
    "analysis.saturation.tie_density": lambda: {"n_keys": 4},
    "chapters.ch01.list_reader.init": lambda: {"task": TASK, "n_heads": 2, "n_seeds": 1, "seed": 0,
                                                  "d_head": 2, "scale": 1.0},
    "chapters.ch01.list_reader.forward": lambda: {"params": READER, "world": WORLD},
    "chapters.ch01.list_reader.loss": lambda: {"logits": READ["logits"], "world": WORLD},
    "chapters.ch01.list_reader.backward": lambda: {"params": READER, "acts": READ, "world": WORLD},
    "chapters.ch01.list_reader.circuits": lambda: {"params": READER},
    "chapters.ch01.study.measure_widths": lambda: {"n_keys": 2, "scaled": True, "draws": 2, "n_queries": 2,
                                                   "d_heads": [1, 2], "seed": 0},
    "chapters.ch01.study.train_readers": lambda: {"n_heads": 1, "n_seeds": 2, "steps": 2, "learning_rate": 1.0,
                                                  "scale": 0.5, "task": TASK, "seed": 0},
    "chapters.ch01.price_list.brute_force_ceiling": lambda: {"task": TASK},
    "chapters.ch01.price_list.ceiling": lambda: {"task": TASK, "n_heads": 1},
    "chapters.ch01.price_list.every_list": lambda: {"task": TASK},
    "chapters.ch01.price_list.score": lambda: {"logits": READ["logits"], "world": WORLD},
}
