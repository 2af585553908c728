"""Chapter 11's studies: harder tasks, and questions that are longer or deeper than training's.

- *One for each harder task* (``long``, ``sort``, …): a recipe and its seeds.
- ``lengths``: trained on two to six arguments, asked with two to ten. One factor: how the model knows places.
- ``depths``: trained on an operation inside an operation, asked with none inside and with two inside each other. The
  deepest questions are chains, as long as the longest that were trained on. With and without learned positions.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import numpy as np

from transformer_lab.analysis.digit_model import DigitModel, curve, learned, trained
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.randomness import generator
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs, draw
from transformer_lab.tasks.expressions import operation_of, tokenize, value
from transformer_lab.training import Run, Study

__all__ = ["DEPTHS", "LENGTHS", "POSITIONS", "SEEDS", "depth_tests", "length_tests", "levels"]

#: How many seeds each harder task has.
SEEDS = {"nested": 3, "arithmetic": 3, "long": 3, "sort": 3, "more-operations": 3}
POSITIONS = ("learned", "sinusoidal", "none")
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


def longer(positions: str, seed: int) -> dict:
    """What a model of the study ``lengths`` answers to :func:`length_tests`."""
    model, history = trained("lengths", LENGTHS, positions=positions, seed=seed)
    wide = DigitModel(model.run.replace(max_args=LONGEST), model.params)
    return curve(history) | {"answer": ("question", answers(wide, length_tests()))}


def deeper(positions: str, seed: int) -> dict:
    """What a model of the study ``depths`` answers to :func:`depth_tests`."""
    model, history = trained("depths", DEPTHS, positions=positions, seed=seed)
    return curve(history) | {"answer": ("question", answers(model, depth_tests()))}


def with_lengths(found):
    """Beside the answers what was asked: its length and its target, and which operation it is."""
    tests = length_tests()
    return found.assign(length=("question", small(len(x[1]) for x in tests)),
                        target=("question", small(map(value, tests))),
                        operation=("question", [operation_of(x) for x in tests]))


def with_levels(found):
    """Beside the answers what was asked: the value at each level (-1 where there is none), the depth, the length."""
    tests = depth_tests()
    return found.assign(levels=(("question", "level"), small((*levels(x), -1, -1)[:3] for x in tests)),
                        depth=("question", small(len(levels(x)) for x in tests)),
                        target=("question", small(map(value, tests))),
                        tokens=("question", small(len(tokenize(x)) for x in tests)))


def small(values) -> np.ndarray:
    return np.array(list(values), dtype=np.int8)


for task, n in SEEDS.items():
    Study(task, partial(learned, task, RECIPES[task]), seeds=range(n), recipe=RECIPES[task])
Study("lengths", longer, {"positions": POSITIONS}, range(5), recipe=LENGTHS, finish=with_lengths)
Study("depths", deeper, {"positions": ("learned", "none")}, range(5), recipe=DEPTHS, finish=with_levels)
