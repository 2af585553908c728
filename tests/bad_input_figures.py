"""Calls that work for the general figures (see bad_input_calls.py)."""

from __future__ import annotations

import importlib

import numpy as np

RNG = np.random.default_rng(0)
RUNS = RNG.random((3, 4))
OLD = ("transformer_lab.plots.block", "transformer_lab.plots.gradients", "transformer_lab.plots.one_head",
       "transformer_lab.plots.positions", *(f"chapters.ch{number:02d}.figures" for number in (1, 2, 3, 8)))

CALLS = {
    "plots.bars.bars": lambda: {"data": RUNS, "names": list("abcd"), "x_label": "share", "bounds": {"chance": 0.1},
                                "strong": ["a"], "digits": 2, "x_range": (0, 1), "alt": "Some bars."},
    "plots.cells.cells": lambda: {"data": RUNS, "rows": list("abc"), "columns": list("defg"), "row_label": "query",
                                  "column_label": "key", "kind": "amount", "limit": 1.0, "unit": "attention",
                                  "written": ".2f", "least": 0.1, "row_parts": [1], "column_parts": [2],
                                  "strong": ["a"], "bar": True, "width": 300.0, "alt": "Some cells."},
    "plots.cells.film": lambda: {"data": {"step 0": RUNS}, "alt": "Some cells."},
    "plots.strips.strips": lambda: {"vectors": {"a": RUNS[0]}, "names": "ABCD", "kind": "signed", "wrap": 5,
                                    "digits": 2, "alt": "Some strips."},
    "plots.curves.curves": lambda: {"data": {"SGD": RUNS}, "x": np.arange(1, 5), "x_label": "step", "y_label": "share",
                                    "bounds": {"ceiling": 1.0}, "shade": {"trained": [(1, 2)]}, "accent": "SGD",
                                    "log": "x", "x_range": (1, 4), "y_range": (0, 1), "alt": "Some curves."},
    "plots.curves.lines": lambda: {"data": {"SGD": RUNS[0]}, "x": np.arange(1, 5), "margins": {"SGD": RUNS[1]},
                                   "laws": {"SGD": RUNS[2]}, "x_label": "step", "y_label": "share",
                                   "bounds": {"ceiling": 1.0}, "shade": {"trained": [(1, 2)]}, "accent": "SGD",
                                   "log": "x", "x_range": (1, 4), "y_range": (0, 1), "alt": "Some lines."},
    "plots.dots.dots": lambda: {"data": {"SGD": RUNS[0]}, "x_label": "share", "bounds": {"chance": 0.1},
                                "null": {"any order": ([0, 0.5, 1], [3, 4])}, "accent": "SGD", "log": False,
                                "x_range": (0, 1), "row_height": 30.0, "alt": "Some dots."},
    "plots.plane.plane": lambda: {"points": {"a": RUNS.reshape(-1, 2)}, "paths": {"b": RUNS.reshape(-1, 2)},
                                  "heights": {"": (np.arange(4), np.arange(3), RUNS)}, "levels": [0.3, 0.6],
                                  "marks": {"saddle": (1, 1)}, "words": {"high": (1, 2)}, "arrows": False,
                                  "diagonal": "equal", "accent": "a", "x_label": "x", "y_label": "y",
                                  "x_range": (0, 1), "y_range": (0, 1), "square": True, "alt": "A plane."},
}

EXEMPT = {
    **{f"plots.labelled.{name}": "puts data in one form for the figures, whose arguments are tested"
       for name in importlib.import_module("transformer_lab.plots.labelled").__all__},
    **{f"plots.layout.{name}": "draws for the figures, whose arguments are tested"
       for name in importlib.import_module("transformer_lab.plots.layout").__all__},
    "plots.dots.swarm": "places the dots of a figure, whose arguments are tested",
    "plots.style.looks": "chooses looks for the figures, whose arguments are tested",
    **{f"{module.removeprefix('transformer_lab.')}.{name}": "an old name of a general figure, which is tested"
       for module in OLD for name in importlib.import_module(module).__all__ if name != "strips"},
}
