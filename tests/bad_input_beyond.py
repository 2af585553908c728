"""What lies beyond the digit recipe, in the table of bad_input_calls.py."""

from __future__ import annotations

from bad_input_training import EXPRESSIONS

from chapters.ch08.next_token import run_of
from transformer_lab.byhand.transformer import init
from transformer_lab.tasks.answers import sequences
from transformer_lab.tasks.digits import DigitTask
from transformer_lab.training.digit_model import DigitModel

RUN = run_of("answer", 0)

EXEMPT = {
    "chapters.ch08.study.depth_tests": "takes no argument",
    "chapters.ch08.study.length_tests": "takes no argument",
}

CALLS = {
    "chapters.ch08.study.levels": lambda: {"expression": ("Max", (4, ("Min", (3, 9))))},
    "chapters.ch08.next_token.measure": lambda: {"model": DigitModel(RUN, init(RUN.model)), "expressions": EXPRESSIONS},
    "chapters.ch08.parity.drift": lambda: {"steps": 1, "precision": "float64", "seed": 0},
    "tasks.next_token.bounds": lambda: {"task": DigitTask(), "expressions": EXPRESSIONS},
    "tasks.next_token.every_target": lambda: {"found": sequences(DigitTask(), EXPRESSIONS)},
}
