"""The digit tasks, training and records in the table of bad_input_calls.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from transformer_lab import generator
from transformer_lab.tasks.answers import questions
from transformer_lab.tasks.digits import DigitTask
from transformer_lab.training import History, Study, write_record

EXPRESSIONS = [("Max", (5, 8, 3)), ("Min", (1, 2, 3))]
FOLDER = tempfile.TemporaryDirectory()
RECORD = write_record(Path(FOLDER.name) / "run", config={"seed": 5}, history=History([{"step": 0, "loss": 1.0}]),
                      state={"W": np.zeros(3)}, step=0)


COINS = Study("coins", lambda coin: {}, arms={"coin": (0.2, 0.5)})


class Halving:
    """The smallest stepper."""

    weight = np.array(8.0)

    def step(self, batch, learning_rate):
        loss, self.weight = 0.5 * self.weight**2, self.weight * (1 - learning_rate)
        return {"loss": loss}

    def state(self):
        return {"weight": self.weight}

    def load_state(self, state):
        self.weight = state["weight"]


EXEMPT = {
    "checks.check_callable": "is itself the check",
    "checks.check_entries": "is itself the check",
    "cli.main": "takes a command line; its mistakes are tested in tests/cli",
    "cli.recipes.run_study": "trains for minutes",
    "training.digits.train": "writes a folder; a run's faults are tested in tests/training/test_digit_runs.py",
    "training.digits.load": "reads a digit run; what it refuses is tested in tests/training/test_digit_runs.py",
    "training.datasets.read_dataset": "reads a folder; what it refuses is tested in tests/training/test_study.py",
    "training.datasets.write_dataset": "writes a folder; tested in tests/training/test_study.py",
    "training.records.write_record": "writes a folder; tested in tests/training/test_records.py",
    "training.runs.recorded": "writes a folder; tested in tests/training/test_killed_runs.py",
}

CALLS = {
    "tasks.expressions.value": lambda: {"expression": EXPRESSIONS[0]},
    "tasks.expressions.operation_of": lambda: {"expression": EXPRESSIONS[0]},
    "tasks.expressions.tokenize": lambda: {"expression": EXPRESSIONS[0]},
    "tasks.expressions.answer_tokens": lambda: {"answer": 42},
    "tasks.expressions.answer_text": lambda: {"answer": 42},
    "tasks.expressions.spell": lambda: {"tokens": [2, 3]},
    "tasks.expressions.parse": lambda: {"text": "Max(5, 8, 3)"},
    "tasks.digits.all_inputs": lambda: {"task": DigitTask()},
    "tasks.digits.draw": lambda: {"task": DigitTask(), "n": 3, "seed": 0, "purpose": "expressions", "distinct": False},
    "tasks.digits.check_expression": lambda: {"task": DigitTask(), "expression": EXPRESSIONS[0]},
    "tasks.splits.split": lambda: {"expressions": EXPRESSIONS, "held_out": 0.5, "seed": 0},
    "tasks.splits.leakage": lambda: {"train": EXPRESSIONS, "held_out": EXPRESSIONS},
    "tasks.splits.statistics": lambda: {"expressions": EXPRESSIONS},
    "tasks.splits.majority": lambda: {"train": EXPRESSIONS, "held_out": EXPRESSIONS, "by_operation": True},
    "tasks.splits.baselines": lambda: {"train": EXPRESSIONS, "held_out": EXPRESSIONS},
    "tasks.answers.examples": lambda: {"task": DigitTask(), "expressions": EXPRESSIONS},
    "tasks.answers.sequences": lambda: {"task": DigitTask(), "expressions": EXPRESSIONS},
    "tasks.answers.questions": lambda: {"task": DigitTask(), "expressions": EXPRESSIONS},
    "tasks.answers.write": lambda: {"logits_of": lambda tokens: np.zeros((*tokens.shape, 20)),
                                    "asked": questions(DigitTask(), EXPRESSIONS)},
    "tasks.answers.sampled": lambda: {"logits": np.zeros((2, 20)), "rng": generator(0, "sampling"),
                                      "temperature": 0.5, "top_k": 3},
    "tasks.answers.exact": lambda: {"written": np.zeros((2, 3), int), "answers": np.zeros((2, 3), int)},
    "training.history.weights_of": lambda: {"state": {"W": np.zeros(3)}},
    "training.fit.fit": lambda: {"stepper": Halving(), "batches": lambda step: None, "steps": 3, "learning_rate": 0.1,
                                 "evaluate": lambda stepper: {}, "every": 1, "best": ("loss", min), "keep": [1],
                                 "checkpoint": lambda *saved: None, "checkpoint_every": 1, "start": 0, "history": None},
    "training.study.study": lambda: {"name": "coins"},
    "training.records.read_record": lambda: {"folder": RECORD, "config": {"seed": 5}},
}
