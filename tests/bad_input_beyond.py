"""What lies beyond the digit recipe, in the table of bad_input_calls.py."""

from __future__ import annotations

from bad_input_training import EXPRESSIONS

from transformer_lab.byhand.transformer import init
from transformer_lab.studies.next_token import run_of
from transformer_lab.tasks.answers import sequences
from transformer_lab.tasks.digits import DigitTask
from transformer_lab.training.digit_model import DigitModel

RUN = run_of("answer", 0)

EXEMPT = {
    "studies.beyond.depth_tests": "takes no argument",
    "studies.beyond.length_tests": "takes no argument",
}

CALLS = {
    "studies.beyond.levels": lambda: {"expression": ("Max", (4, ("Min", (3, 9))))},
    "studies.next_token.measure": lambda: {"model": DigitModel(RUN, init(RUN.model)), "expressions": EXPRESSIONS},
    "studies.parity.drift": lambda: {"steps": 1, "precision": "float64", "seed": 0},
    "tasks.next_token.bounds": lambda: {"task": DigitTask(), "expressions": EXPRESSIONS},
    "tasks.next_token.every_target": lambda: {"found": sequences(DigitTask(), EXPRESSIONS)},
}
