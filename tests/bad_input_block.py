"""Calls that work for the functions behind chapter 05: ablation and its figures (see bad_input_calls.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chapters.ch05.study import AblationRun
from transformer_lab.byhand.transformer import init

RUN = AblationRun(n_seeds=1, steps=1)
PARAMS = init(RUN.model, n_seeds=1)
DATA = Path(__file__).resolve().parents[1] / "data" / "ablation"
ALT = "A figure drawn for a test, with enough words."
ROWS = np.random.default_rng(5).normal(size=(3, 4))


def tapped(tap):
    return tap("embed", ROWS[None])


CALLS = {
    "analysis.ablation.ablate": lambda: {"name": "blocks.0.z", "head": 1, "value": np.ones(4)},
    "analysis.ablation.means_of": lambda: {"forward": tapped, "name": "embed"},
    "chapters.ch05.study.accuracy": lambda: {"run": RUN, "params": PARAMS, "tap": lambda name, value: value},
    "chapters.ch05.study.by_operation": lambda: {"run": RUN, "params": PARAMS, "tap": lambda name, value: value},
    "chapters.ch05.study.load": lambda: {"arm": "one layer", "data": DATA},
    "chapters.ch05.study.parts": lambda: {"seed": 0},
    "chapters.ch05.study.record": lambda: {"arm": "one layer", "data": DATA},
    "chapters.ch05.study.taken_out": lambda: {"run": RUN, "params": PARAMS, "part": "layer 0: attention", "by": "zero"},
    "chapters.ch05.study.train": lambda: {"run": RUN, "every": 1},
    "chapters.ch05.study.trained": lambda: {"data": DATA},
}

EXEMPT = {"chapters.ch05.study.ship": "writes a file of the package; what it wrote is tested in its study's tests"}
