"""For each public function of chapter 01's modules, a call that works; part of the table behind test_bad_input.py."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand import list_reader
from transformer_lab.exercises import ch01
from transformer_lab.tasks.price_list import PriceListTask, every_list

RNG = np.random.default_rng(0)
TASK = PriceListTask(n_names=2, n_prices=3)
WORLD = every_list(TASK)
READER = list_reader.init(TASK, 1)
READ = list_reader.forward(READER, WORLD)
PATTERN = np.array([[0.25, 0.75], [1.0, 0.0]])
CURVE, ALT = np.array([0.1, 0.2, 0.4]), "Eight words that say what this figure shows."
ARM = (CURVE, CURVE, CURVE)

CALLS = {
    "analysis.power_law.fit_power_law": lambda: {"x": CURVE, "draws": 1 + RNG.random((3, 5)), "level": 0.95},
    "analysis.power_law.mean_interval": lambda: {"draws": RNG.random((3, 5)), "level": 0.95},
    "analysis.saturation.entropy": lambda: {"pattern": PATTERN},
    "analysis.saturation.expected_for_two_keys": lambda: {"measure": "entropy", "spread": 2.0},
    "analysis.saturation.jacobian_size": lambda: {"pattern": PATTERN},
    "analysis.saturation.tie_density": lambda: {"n_keys": 4},
    "byhand.list_reader.init": lambda: {"task": TASK, "n_heads": 2, "n_seeds": 1, "seed": 0, "d_head": 2, "scale": 1.0},
    "byhand.list_reader.forward": lambda: {"params": READER, "world": WORLD},
    "byhand.list_reader.loss": lambda: {"logits": READ["logits"], "world": WORLD},
    "byhand.list_reader.backward": lambda: {"params": READER, "acts": READ, "world": WORLD},
    "byhand.list_reader.circuits": lambda: {"params": READER},
    "plots.soft_lookup.temperatures": lambda: {"values": CURVE, "weights": np.ones((3, 2)) / 2, "returned": CURVE,
                                               "hard": 0.5, "names": ["tea", "milk"]},
    "plots.soft_lookup.patterns": lambda: {"patterns": {"all": np.eye(2)}, "names": ["tea", "milk"]},
    "plots.soft_lookup.near_ties": lambda: {"gaps": CURVE, "let_through": CURVE, "densities": {"narrow": CURVE}},
    "plots.soft_lookup.laws": lambda: {"widths": CURVE, "panels": {"law": ("nats", {"arm": ARM})}, "alt": ALT},
    "plots.soft_lookup.rare_gradients": lambda: {"widths": CURVE, "asleep": {"a": ARM[:2], "b": ARM[:2]},
                                                 "gradient": {"a": ARM[:2], "b": ARM[:2]}},
    "plots.soft_lookup.learning": lambda: {"steps": np.arange(3), "runs": {"one head": CURVE[None]}, "bound": 0.8,
                                           "bound_name": "ceiling"},
    "plots.soft_lookup.circuits": lambda: {"patterns": {"head": np.eye(2)}, "written": {"head": CURVE},
                                           "questions": ["tea?", "milk?"], "names": ["tea", "milk"]},
    "studies.soft_lookup.measure_widths": lambda: {"n_keys": 2, "scaled": True, "draws": 2, "n_queries": 2,
                                                   "d_heads": [1, 2], "seed": 0},
    "studies.soft_lookup.train_readers": lambda: {"n_heads": 1, "n_seeds": 2, "steps": 2, "learning_rate": 1.0,
                                                  "scale": 0.5, "task": TASK, "seed": 0},
    "tasks.price_list.brute_force_ceiling": lambda: {"task": TASK},
    "tasks.price_list.ceiling": lambda: {"task": TASK, "n_heads": 1},
    "tasks.price_list.every_list": lambda: {"task": TASK},
    "tasks.price_list.score": lambda: {"logits": READ["logits"], "world": WORLD},
} | {f"exercises.ch01.{name}": lambda name=name: {"answer": getattr(ch01, name).solution} for name in ch01.__all__}
