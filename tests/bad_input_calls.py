"""For each public function, a call that works; the table behind test_bad_input.py."""

from __future__ import annotations

import bad_input_beyond as beyond
import bad_input_block as block
import bad_input_byhand as transformer
import bad_input_figures as figures
import bad_input_further as further
import bad_input_gradients as wrong
import bad_input_heads as heads
import bad_input_learning as learning
import bad_input_lookup as lookup
import bad_input_pages as pages
import bad_input_phases as phases
import bad_input_places as places
import bad_input_studies as studies
import bad_input_training as training
import numpy as np

from chapters.ch02 import exercises
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.tasks.patterns import PatternTask

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(3, 2, 4, 5))

HEAD = OneHeadConfig(d_vocab=4, n_ctx=6, positions="learned", d_pos=2)
HEADS = one_head.init(HEAD)
HEAD_TOKENS, HEAD_TARGETS = np.array([[0, 1, 2, 0, 1, 2], [3, 1, 2, 3, 1, 2]]), np.array([0, 3])
HEAD_ROWS = one_head.encode(HEAD_TOKENS, HEAD, HEADS)
HEAD_ACTS = one_head.forward(HEADS, HEAD_ROWS)
TASK = PatternTask(4, 3, 6)


def square(params):
    return (params["w"] ** 2).sum()


# Functions whose argument is not data that a reader passes, with the reason.
EXEMPT = block.EXEMPT | pages.EXEMPT | studies.EXEMPT | training.EXEMPT | transformer.EXEMPT | places.EXEMPT | {
    **beyond.EXEMPT, **figures.EXEMPT,
    "checks.check_array": "is itself the check, tested in test_checks.py",
    "checks.check_choice": "is itself the check, tested in test_checks.py",
    "checks.check_flag": "is itself the check, tested in test_checks.py",
    "checks.check_number": "is itself the check, tested in test_checks.py",
    "checks.check_seed": "is itself the check, tested in test_checks.py",
    "checks.check_range": "is itself the check, tested in test_checks.py",
    "rules.rule_of": "reads annotations, tested in test_rules.py",
    "signatures.checked": "decorates, tested in test_rules.py",
    "signatures.rules_of": "reads annotations, tested in test_rules.py",
    "checks.check_type": "is itself the check, tested in test_checks.py",
    "checks.check_whole": "is itself the check, tested in test_checks.py",
    "plots.style.ceiling": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.style.color_bar": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.style.heatmap": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.style.label": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.style.name_line": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.style.panel": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.style.raised": "writes an exponent for the figures, whose arguments are checked",
    "plots.style.spread": "places names for the figures, whose arguments are checked",
    "plots.style.strip": "draws on matplotlib's axes for the figures, whose arguments are checked",
    "plots.svg.inline": "takes matplotlib's SVG, which no reader writes",
    "theme.theme": "takes no argument",
    "theme.css_variables": "takes no argument",
    "chapters.ch08.page.decode_bytes": "takes no argument",
    "chapters.ch03.page.outcomes": "takes no argument",
    "widgets.bundle.css": "takes no argument",
    "widgets.bundle.files": "takes no argument",
    "widgets.bundle.host": "takes no argument",
    "widgets.bundle.names": "takes no argument",
    "widgets.join.join": "joins the package's own files, tested in widgets/test_bundle.py",
    "widgets.small_head.train": "takes no argument",
}

CALLS = heads.CALLS | training.CALLS | transformer.CALLS | lookup.CALLS | places.CALLS | phases.CALLS | block.CALLS | {
    **beyond.CALLS,
    **figures.CALLS,
    **further.CALLS,
    **wrong.CALLS,
    **learning.CALLS,
    **pages.CALLS,
    **studies.CALLS,
    "widgets.base.shipped_bytes": lambda: {"name": "phases"},
    "widgets.bundle.bundle": lambda: {"name": "choice"},
    "widgets.bundle.poster": lambda: {"name": "choice", "state": {"id": "a"}},
    "widgets.bundle.static_html": lambda: {"name": "choice", "state": {"id": "a"}},
    "exercises.exercises": lambda: {"module": exercises},
    "places.runs": dict,
    "places.shipped": dict,
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
    "byhand.one_head.init": lambda: {"config": HEAD, "n_seeds": 2, "seed": 0, "scale": 0.1, "dtype": np.float64},
    "byhand.one_head.encode": lambda: {"tokens": HEAD_TOKENS, "config": HEAD, "params": HEADS, "dtype": np.float64},
    "byhand.one_head.forward": lambda: {"params": HEADS, "x": HEAD_ROWS, "tap": lambda name, value: value},
    "byhand.one_head.loss": lambda: {"logits": HEAD_ACTS["logits"], "targets": HEAD_TARGETS},
    "byhand.one_head.backward": lambda: {"params": HEADS, "acts": HEAD_ACTS, "targets": HEAD_TARGETS,
                                         "tap": lambda name, value: value},
    "byhand.one_head.pullback": lambda: {"params": HEADS, "acts": HEAD_ACTS, "d_logits": HEAD_ACTS["logits"],
                                         "to_x": True, "tap": lambda name, value: value},
    "byhand.one_head.generate": lambda: {"params": HEADS, "config": HEAD, "start": HEAD_TOKENS, "n": 2},
    "chapters.ch02.one_sequence.one_sequence": lambda: {"W_QK": HEADS["W_QK"], "W_OV": HEADS["W_OV"], "x": HEAD_ROWS[0],
                                                 "target": 0},
    "chapters.ch02.planted.with_mistake": lambda: {"name": "uphill", "params": HEADS, "acts": HEAD_ACTS,
                                            "targets": HEAD_TARGETS},
    "byhand.witnesses.complex_step": lambda: {"f": square, "params": {"w": np.ones(2)}, "independent": 0,
                                              "entries": {"w": [1]}},
    "byhand.witnesses.central_differences": lambda: {"f": square, "params": {"w": np.ones(2)}, "independent": 0,
                                                     "entries": {"w": [1]}},
    "byhand.gradcheck.check_gradients": lambda: {
        "f": square, "params": {"w": np.ones(2)}, "grads": {"w": 2 * np.ones(2)}, "witnesses": ("complex_step",),
        "tolerance": 1e-9, "upstream": None, "independent": 0, "entries": 1, "seed": 0},
    "chapters.ch02.twin.gradients": lambda: {"params": HEADS, "x": HEAD_ROWS, "targets": HEAD_TARGETS},
    "chapters.ch02.study.witnesses_agree": lambda: {"params": {name: value[None] for name, value in HEADS.items()},
                                                  "config": HEAD, "task": TASK, "n_instances": 3, "batch": 2,
                                                  "entries": 2, "seed": 0},
}
