"""A call that works for each public function of chapter 03: phases, the small head, what is true on every pattern."""

from __future__ import annotations

import numpy as np

from chapters.ch03.study import PhaseRun
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.tasks.patterns import PatternTask, sample

TASK, DISTINCT = PatternTask(4, 3, 6), PatternTask(4, 3, 6, True)
CONFIG = OneHeadConfig(d_vocab=4, n_ctx=6, positions="one_hot")
HEAD, BLIND = one_head.init(CONFIG), one_head.init(OneHeadConfig(d_vocab=4, n_ctx=6))
PATTERNS = sample(TASK, 3, seed=0)
LOSSES = {"neither": 3.0, "look": 3.0, "write": 2.0, "both": 0.1}
NUMBERS = {"look": 0.5, "away": 0.0, "write": 1.0}
RUN = PhaseRun(positions="one_hot", n_seeds=2, steps=1, batch=3)
WEIGHTS = RUN.initial()
STEPS, RUNS = np.arange(3), {"both": np.ones((2, 3))}
SADDLE = {"look": -1.0, "write": 0.0}
PATH = {"joint": {"look": np.array([0.0, 1.0]), "write": np.array([0.0, 1.0])}}
SURFACE = np.add.outer(np.linspace(0, 5, 4), np.linspace(0, 1, 3))

CALLS = {
    "byhand.small_head.forward": lambda: {"params": NUMBERS, "task": TASK},
    "byhand.small_head.loss": lambda: {"params": NUMBERS, "task": TASK},
    "byhand.small_head.backward": lambda: {"params": NUMBERS, "task": TASK},
    "byhand.small_head.as_head": lambda: {"params": NUMBERS, "task": TASK},
    "byhand.small_head.saddle": lambda: {"task": DISTINCT, "number": "look"},
    "chapters.ch03.every_pattern.bag_accuracy": lambda: {"params": BLIND, "task": TASK},
    "chapters.ch03.every_pattern.smallest_lead": lambda: {"params": HEAD, "config": CONFIG, "task": TASK},
    "chapters.ch03.look_write.swapped_losses": lambda: {"initial": HEAD, "trained": HEAD, "config": CONFIG,
                                                   "patterns": PATTERNS},
    "chapters.ch03.look_write.share_of_writing": lambda: {"losses": LOSSES},
    "chapters.ch03.look_write.attention_to_target": lambda: {"params": HEAD, "config": CONFIG, "task": TASK,
                                                        "patterns": PATTERNS},
    "chapters.ch03.look_write.copying": lambda: {"W_OV": np.eye(4)},
    "chapters.ch03.look_write.likeness": lambda: {"a": np.eye(2), "b": np.ones((2, 2))},
    "training.one_head.alternate": lambda: {"order": "look-first", "look": 2, "write": 3},
    "chapters.ch03.study.train": lambda: {"run": RUN, "keep": (0,), "frozen": ("W_QK",)},
    "chapters.ch03.study.slope_of_looking": lambda: {"run": RUN, "params": WEIGHTS, "final": WEIGHTS, "n": 2},
    "chapters.ch03.study.fresh_accuracy": lambda: {"run": RUN, "params": WEIGHTS, "n": 2},
    "chapters.ch03.study.on_every_pattern": lambda: {"run": RUN, "params": WEIGHTS},
    "chapters.ch03.study.arrival": lambda: {"loss": RUNS["both"]},
    "chapters.ch03.figures.turns": lambda: {"order": "look first", "length": 5, "steps": 20},
    "chapters.ch03.walks.walk": lambda: {"start": NUMBERS, "task": TASK, "order": "joint", "look": 1, "write": 1,
                                        "steps": 2, "learning_rate": 1.0, "plane": ("look", "write"),
                                        "whole_path": True},
}
