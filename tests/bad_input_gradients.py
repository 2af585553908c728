"""Calls that work for the functions behind chapter 06: wrong gradients, and their figures (see bad_input_calls.py)."""

from __future__ import annotations

from chapters.ch06.every_tensor import SMALL
from chapters.ch06.study import DATA, WrongRun
from transformer_lab.byhand.transformer import forward

RUN = WrongRun("copied", steps=1, n_seeds=1)
PARAMS, BATCH = RUN.initial(), RUN.batches(0)
ALT = "A figure drawn for a test, with enough words."


def again(**arguments):
    return lambda: {**arguments, "params": PARAMS, "batch": BATCH, "config": RUN.model}


CALLS = {
    "chapters.ch06.planted.with_mistake": lambda: {
        "name": "copied", "params": PARAMS, "acts": forward(PARAMS, BATCH.tokens, RUN.model), "targets": BATCH.targets,
        "config": RUN.model},
    "chapters.ch06.every_tensor.every_tensor": lambda: {"config": SMALL, "gradient": "twice", "n_draws": 1, "batch": 1,
                                                  "entries": 1, "seed": 0},
    "chapters.ch06.study.cosines": again(name="copied"),
    "chapters.ch06.study.gradients": again(name="copied"),
    "chapters.ch06.study.load": lambda: {"arm": "copied", "data": DATA},
    "chapters.ch06.study.train": lambda: {"run": RUN, "every": 1, "stop": 1},
}
