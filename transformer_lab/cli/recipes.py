"""What can be trained by name: the recipes of the book."""

from __future__ import annotations

from ..analysis.plane_models import recipe
from ..tasks.digit_data import Digits
from ..tasks.text import TextTask
from ..training import Run

__all__ = ["RECIPES"]

MANY = {"written": True, "examples": 104_000, "held_out": 4 / 104}
TWO = {"min_args": 2, "max_args": 2, "depth": 2, **MANY}
WRITTEN = {"batch": 128, "steps": 3000, "clip": 1.0}
FIVE = Digits().operations
LANGUAGE = {"n_layers": 4, "n_heads": 4, "d_model": 128, "d_mlp": 512, "positions": "rotary", "norm": "rms",
            "eps": 1e-6, "activation": "squared_relu", "bias_mlp": False, "bias_unembed": False, "library": "torch",
            "optimizer": "muon", "learning_rate": 0.02, "weight_decay": 0.05, "warmup": 50, "lowest": 0.02,
            "beta2": 0.99, "silent": True, "batch": 12, "steps": 1500}

#: What can be trained by name. ``examples`` bounds the spaces that are too large to list.
RECIPES = {
    "digits": Run.of(Digits()),
    "picks": Run.of(Digits(operations=("First", "Second", "Last"))),  # no question asks which digit is larger
    "more-operations": Run.of(Digits(operations=(*FIVE, "Median", "Second-largest"))),
    "sort": Run.of(Digits(operations=("Sort",), min_args=4, max_args=4, written=True)),
    "long": Run.of(Digits(min_args=5, max_args=10, **MANY), **WRITTEN),
    "two-digits": Run.of(Digits(high=99, **MANY), **WRITTEN),
    "nested": Run.of(Digits(operations=("First", "Second", "Max", "Min"), **TWO), **WRITTEN),
    "arithmetic": Run.of(Digits(operations=("Add", "Max", "Min", "First", "Second"), **TWO),
                         **WRITTEN | {"steps": 5000}),
    "rule": recipe(),
    "text": Run.of(TextTask(n_ctx=128), **LANGUAGE),  # about four minutes of one processor
}
