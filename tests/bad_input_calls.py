"""For each public function, a call that works; the table behind test_bad_input.py."""

from __future__ import annotations

import numpy as np

from transformer_lab.tasks.patterns import PatternTask

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(3, 2, 4, 5))

# Functions whose argument is not data that a reader passes, with the reason.
EXEMPT = {
    "checks.check_array": "is itself the check, tested in test_checks.py",
    "checks.check_choice": "is itself the check, tested in test_checks.py",
    "checks.check_flag": "is itself the check, tested in test_checks.py",
    "checks.check_number": "is itself the check, tested in test_checks.py",
    "checks.check_seed": "is itself the check, tested in test_checks.py",
    "checks.check_type": "is itself the check, tested in test_checks.py",
    "checks.check_whole": "is itself the check, tested in test_checks.py",
    "theme.theme": "takes no argument",
    "theme.css_variables": "takes no argument",
}

CALLS = {
    "claims.claim": lambda: {"id": "a-claim", "statement": "A claim.", "value": 1.0, "at_least": 0.5, "seeds": 1},
    "names.lookup": lambda: {"name": "pattern"},
    "randomness.generator": lambda: {"seed": 0, "purpose": "batch", "step": 0},
    "theme.color": lambda: {"name": "query", "mode": "dark"},
    "tasks.patterns.sample": lambda: {"task": PatternTask(), "n": 3, "seed": 0, "purpose": "train", "step": 0},
    "tasks.patterns.score": lambda: {"answers": np.array([1, 2]), "targets": np.array([1, 1])},
    "tasks.patterns.spell": lambda: {"tokens": np.array([1, 2])},
    "tasks.patterns.ceiling": lambda: {"task": PatternTask(), "positions": False},
    "tasks.patterns.floor": lambda: {"task": PatternTask(), "positions": False},
    "tasks.patterns.brute_force_ceiling": lambda: {"task": PatternTask(alphabet=3, period=3, n_ctx=6),
                                                   "positions": False},
}
