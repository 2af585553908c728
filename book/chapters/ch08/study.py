"""Chapter 08's studies: what does a model do with questions longer, or deeper, than those it was trained on?

- *Lengths.* Trained on two to six arguments, asked with two to ten. One factor: how the model knows places.
- *Depths.* Trained on an operation inside an operation, asked with none inside and with two inside each other. The
  deepest questions are chains, as long as the longest that were trained on. With and without learned positions.

``python -m chapters.ch08.study`` trains what is missing in ``runs`` and writes ``data/digits/lengths-study``
and ``data/digits/depth-study``: what every model answers to every question.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.randomness import generator
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs, draw
from transformer_lab.tasks.expressions import operation_of, tokenize, value
from transformer_lab.training import History, Record, Run, read_record, train, write_record

__all__ = ["DEPTHS", "LENGTHS", "POSITIONS", "depth_tests", "length_tests", "levels"]

POSITIONS = ("learned", "sinusoidal", "none")
SEEDS = 5
LONGEST = 10  # arguments

#: What is trained for the lengths, but for ``positions`` and ``seed``; there is room for ten arguments.
LENGTHS = Run.of(Digits(min_args=2, max_args=6, written=True, examples=50_000), n_ctx=23, clip=1.0)

#: What is trained for the depths, but for ``positions`` and ``seed``.
DEPTHS = RECIPES["nested"]


@cache
def length_tests() -> list:
    """Up to 1,000 questions for each number of arguments from two to ten, in this order; none was trained on.

    >>> sum(len(arguments) == 7 for _, arguments in length_tests())
    1000
    """
    task, seen, tests = LENGTHS.task, set(LENGTHS.task.parts.train), []
    for n in range(task.min_args, LONGEST + 1):
        drawn = draw(DigitTask(min_args=n, max_args=n), 10_000, seed=0, purpose="lengths")
        tests += balanced(task, [x for x in dict.fromkeys(drawn) if x not in seen])
    return tests


@cache
def depth_tests() -> list:
    """All 400 questions of depth 1; up to 1,000 of depth 2 with one operation inside, which are 11 tokens, and with
    two, 16 tokens; and 1,000 chains of depth 3, 16 tokens. None was trained on.

    >>> depth_tests()[0], depth_tests()[-1]
    (('First', (0, 0)), ('Min', (('Max', (3, ('Min', (2, 2)))), 0)))
    """
    task, rng = DEPTHS.task, generator(0, "depths")
    chains = list(dict.fromkeys(chain(task, 3, rng) for _ in range(3000)))
    two = {n: [x for x in DEPTHS.task.parts.held_out if len(tokenize(x)) == n] for n in (11, 16)}
    deeper = [x for group in (two[11], two[16], chains) for x in balanced(task, group)]
    return all_inputs(replace(task, depth=1, examples=0)) + deeper


def balanced(task, expressions, most: int = 1000) -> list:
    """The first ``most`` of them, as many of each operation."""
    groups = [[x for x in expressions if operation_of(x) == name] for name in task.operations]
    return [x for group in groups for x in group[:most // len(groups)]]


def chain(task, depth: int, rng):
    """A random expression with one operation inside each, down to the innermost."""
    expression = int(rng.integers(task.low, task.high + 1))
    for _ in range(depth):
        name, beside = task.operations[rng.integers(len(task.operations))], int(rng.integers(task.low, task.high + 1))
        expression = name, ((expression, beside) if rng.integers(2) else (beside, expression))
    return expression


def levels(expression) -> tuple[int, ...]:
    """The value of an expression, of the first one inside it, of the first inside that, and so on.

    >>> levels(("Max", (4, ("First", (("Min", (3, 9)), 8)))))
    (4, 3, 3)
    """
    here, arguments = value(expression), expression[1] if isinstance(expression, tuple) else ()
    inside = [argument for argument in arguments if isinstance(argument, tuple)]
    return (here, *(levels(inside[0]) if inside else ()))


def answers(model: DigitModel, expressions) -> np.ndarray:
    """The digits that a model writes, int8 (n,); -1 where it does not write one digit and then the end."""
    return np.array([int(text) if len(text) == 1 and text.isdigit() else -1 for text in model.said(expressions)],
                    dtype=np.int8)


def lengths_study(runs: Path, data: Path) -> Record:
    """Every arm's curves, and all answers to :func:`length_tests`."""
    tests, history = length_tests(), {}
    state = {"length": [len(x[1]) for x in tests], "target": [value(x) for x in tests],
             "operation": [LENGTHS.task.operations.index(operation_of(x)) for x in tests]}
    for positions in POSITIONS:
        arms = [trained(runs, LENGTHS.replace(positions=positions, seed=seed), f"lengths-{positions}-{seed}")
                for seed in range(SEEDS)]
        state[positions] = [answers(DigitModel(model.run.replace(max_args=LONGEST), model.params), tests)
                            for model, _ in arms]
        history[positions] = [record.history for _, record in arms]
    return write(data / "lengths-study", LENGTHS, history, state)


def depth_study(runs: Path, data: Path) -> Record:
    """Every arm's curves, and all answers to :func:`depth_tests`: ``answers`` with learned positions, as the recipe has
    them, and ``answers_none`` with the causal mask alone.
    """
    tests, history = depth_tests(), {}
    state = {"levels": [(*levels(x), -1, -1)[:3] for x in tests], "depth": [len(levels(x)) for x in tests],
             "target": [value(x) for x in tests], "tokens": [len(tokenize(x)) for x in tests]}
    for positions, end in (("learned", ""), ("none", "_none")):
        arms = [trained(runs, DEPTHS.replace(positions=positions, seed=seed), f"nested{end}-{seed}")
                for seed in range(SEEDS)]
        state[f"answers{end}"] = [answers(model, tests) for model, _ in arms]
        history[positions] = [record.history for _, record in arms]
    return write(data / "depth-study", DEPTHS, history, state)


def trained(runs: Path, run: Run, name: str) -> tuple[DigitModel, Record]:
    record = train(runs / name, run)
    print(f"{name}: {record.history['held_out_accuracy'][-1]:.4f}, {record.timing['cpu_s']:.0f} CPU s", flush=True)
    return load(runs / name)


def write(folder: Path, run: Run, histories: dict, state: dict) -> Record:
    """One record: the held-out accuracy of each arm's seeds while they trained, and the tensors as int8."""
    seeds, steps = {len(each) for each in histories.values()}.pop(), next(iter(histories.values()))[0].steps
    rows = [{"step": int(step)} | {arm: np.array([history["held_out_accuracy"][i] for history in each])
                                   for arm, each in histories.items()} for i, step in enumerate(steps)]
    shutil.rmtree(folder, ignore_errors=True)
    write_record(folder, config={"run": run.to_dict(), "seeds": seeds}, history=History(rows), step=run.training.steps,
                 state={name: np.array(array, dtype=np.int8) for name, array in state.items()})
    return read_record(folder)


if __name__ == "__main__":
    for study in sys.argv[1:] or ("lengths", "depth"):
        {"lengths": lengths_study, "depth": depth_study}[study](Path("runs"), Path("data/digits"))
