"""Exercises of chapter 11, where it stops: the value and the depth of a tree, a blind rival, an exchange, a draw."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise, Objection
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import DigitTask, draw
from transformer_lab.tasks.expressions import spell, tokenize
from transformer_lab.tasks.expressions import value as exact_value

__all__ = ["check_blind", "check_depth", "check_exchanged", "check_sample", "check_value"]


def value(expression):
    if not isinstance(expression, tuple):
        return expression
    operation, arguments = expression
    numbers = [value(argument) for argument in arguments]
    return {"First": numbers[0], "Second": numbers[1], "Max": max(numbers), "Min": min(numbers),
            "Add": sum(numbers)}[operation]


def _trees(rng):
    cases = [7, ("Max", (5, 3)), ("Second", (0, 9)), ("Add", (9, 9))]
    for depth in (2, 3, 4):
        task = DigitTask(operations=("First", "Second", "Max", "Min", "Add"), min_args=2, max_args=2, depth=depth)
        cases += draw(task, 15, seed=int(rng.integers(1000)), purpose=f"depth {depth}")
    return [(case,) for case in cases]


def _evaluated(answer, expression):
    found = answer(expression)
    if isinstance(found, tuple):
        raise Objection(f"For {expression} you return an expression. Evaluate the arguments before the operation.")
    return found


def _one_level(expression):
    if isinstance(expression, int):
        return expression
    name, (first, second) = expression
    return {"First": first, "Second": second}[name] if name in ("First", "Second") else value(expression)


check_value = Exercise(
    value, "the answer", _trees, measure=_evaluated, also_right=(exact_value,),
    right="Your function evaluates trees of any depth, from the inside out.",
    mistakes={
        "An argument that is itself an expression counts as 0 here; evaluate it first.": lambda x: x if isinstance(
            x, int) else value((x[0], tuple(part if isinstance(part, int) else 0 for part in x[1]))),
        "you return an expression. Evaluate the arguments": _one_level,
        "You keep the last digit alone; a sum may have two.": lambda x: value(x) % 10,
        "The outermost operation is always Max here.": lambda x: max(map(value, x[1])) if isinstance(x, tuple) else x})


def depth(expression):
    if not isinstance(expression, tuple):
        return 0
    return 1 + max(depth(argument) for argument in expression[1])


def _operations(x):
    return 1 + sum(map(_operations, x[1])) if isinstance(x, tuple) else 0


def _first_way(x):
    return 1 + _first_way(x[1][0]) if isinstance(x, tuple) else 0


check_depth = Exercise(
    depth, "the depth", _trees, right="Your function follows the deepest way inward.",
    also_right=(lambda x: isinstance(x, tuple) and 1 + max(map(depth, x[1])),),
    hint="A digit has depth 0. What does an operation add to the deepest of its arguments?",
    mistakes={
        "This counts all operations. Two beside each other are no deeper than one: take the larger.":
            _operations,
        "This looks at the first argument only; the second may be deeper.":
            _first_way,
        "A digit has depth 0, and an operation on two digits depth 1.": lambda x: 1 + depth(x)})


def blind(expressions, answers):
    def digits(x):
        if not isinstance(x, tuple):
            return [x]
        return [digit for argument in x[1] for digit in digits(argument)]
    return np.mean([digits(x).count(answer) / len(digits(x))
                    for x, answer in zip(expressions, answers, strict=True)])


def _questions(rng):
    cases = []
    for deep in (1, 2, 3):
        task = DigitTask(operations=("First", "Second", "Max", "Min"), min_args=2, max_args=2, depth=deep)
        drawn = draw(task, 60, seed=int(rng.integers(1000)), purpose="blind")
        cases.append((drawn, [exact_value(x) for x in drawn]))
    return cases


def _over(expressions, answers, share):
    """The mean of ``share(digits, answer)``; the digits are those that the expression is spelt with."""
    spelt = [[int(word) for word in spell(tokenize(x)).split() if word.isdigit()] for x in expressions]
    return np.mean([share(*pair) for pair in zip(spelt, answers, strict=True)])


check_blind = Exercise(
    blind, "the share", _questions, right="It is what a model that knows nothing but the digits is worth.",
    also_right=(lambda x, a: _over(x, a, lambda digits, answer: digits.count(answer) / len(digits)),),
    hint="For one question: how many of its digits are the answer? Then the mean over the questions.",
    mistakes={
        "This counts a question when the answer is among its digits. A random digit hits only sometimes.":
            lambda x, a: _over(x, a, lambda digits, answer: answer in digits),
        "This always says the first digit. The rival draws one of all.":
            lambda x, a: _over(x, a, lambda digits, answer: digits[0] == answer),
        "A digit that stands twice counts twice: do not make a set of them.":
            lambda x, a: _over(x, a, lambda digits, answer: (answer in digits) / len(set(digits)))})


def exchanged(here, there, places):
    mixed = here.copy()
    mixed[:, places] = there[:, places]
    return mixed


def _streams(rng):
    return [(*rng.normal(size=(2, 6, n, 4)), places) for n, places in [(5, [2]), (6, [0, 4]), (4, [1, 2, 3])]]


def _others(here, there, places):
    mixed = there.copy()
    mixed[:, places] = here[:, places]
    return mixed


def _questions_exchanged(here, there, places):
    mixed = here.copy()
    mixed[places] = there[places]
    return mixed


check_exchanged = Exercise(
    exchanged, "the stream", _streams,
    right="These rows are the other question's, all others are as they were.",
    also_right=(lambda here, there, places: np.where(
        np.isin(np.arange(here.shape[1]), places)[:, None], there, here),),
    mistakes={
        "This exchanges whole questions: the places are the second axis.": _questions_exchanged,
        "You exchange all rows but these.": _others,
        "You add the other rows; put them in the place of these.":
            lambda here, there, places: here + np.where(
                np.isin(np.arange(here.shape[1]), places)[:, None], there, 0)})


def sample(rng, operations, depth):
    arguments = rng.integers(10, size=2).tolist()
    if depth > 1:
        which = [(0,), (1,), (0, 1)][rng.integers(3)]
        for i in which:
            arguments[i] = sample(rng, operations, depth - 1)
    return operations[rng.integers(len(operations))], tuple(arguments)


def _drawn(answer, operations, depth):
    """Objects unless all depths are as asked, and every shape, digit and operation comes often enough."""
    drawn, shapes = [], []
    for i in range(200):
        drawn.append(answer(generator(depth, "sample", i), operations, depth))
        shapes.append(_shape(drawn[-1], operations))
    if wrong := [deep for deep, _ in shapes if deep != depth]:
        raise Objection(f"Asked for depth {depth}, some of your expressions have depth {wrong[0]}.")
    nested = [pattern for _, pattern in shapes]
    wanted = [(False, False)] if depth == 1 else [(True, False), (False, True), (True, True)]
    if min(map(nested.count, wanted)) < 20:
        raise Objection("Some shape is hardly ever drawn: the first argument nested, the second, or both. "
                        "Let chance decide among the three.")
    _judge_leaves(drawn, operations)
    return 1.0


def _shape(expression, operations):
    """The depth, and which arguments are nested; objects to what is no expression."""
    if isinstance(expression, (int, np.integer)) and 0 <= expression <= 9:
        return 0, ()
    if not (isinstance(expression, tuple) and len(expression) == 2 and expression[0] in operations
            and isinstance(expression[1], tuple) and len(expression[1]) == 2):
        raise Objection(f"{expression!r} is no digit and no pair of an operation and a tuple of two arguments.")
    inner = [_shape(argument, operations)[0] for argument in expression[1]]
    return 1 + max(inner), tuple(deep > 0 for deep in inner)


def _judge_leaves(drawn, operations):
    leaves, names, waiting = [], [], list(drawn)
    while waiting:
        expression = waiting.pop()
        if isinstance(expression, tuple):
            names.append(expression[0])
            waiting += expression[1]
        else:
            leaves.append(int(expression))
    if any(leaves.count(digit) < 0.05 * len(leaves) for digit in range(10)):
        missing = min(range(10), key=leaves.count)
        raise Objection(f"The digit {missing} comes too seldom: {leaves.count(missing)} times in {len(leaves)} digits.")
    if any(names.count(name) < len(names) / len(operations) / 2 for name in operations):
        raise Objection("Some operation comes too seldom, or stands only outside: draw one at every level.")


def _grown(deeper):
    """A sampler in which ``deeper(rng)`` says of each argument whether it is nested."""
    def draw_one(rng, operations, depth):
        arguments = tuple(draw_one(rng, operations, depth - 1) if depth > 1 and deeper(rng) else int(rng.integers(10))
                          for _ in range(2))
        return operations[rng.integers(len(operations))], arguments
    return draw_one


def _without_nine(rng, operations, depth):
    name, arguments = sample(rng, operations, depth)
    return name, tuple(min(part, 8) if isinstance(part, int) else part for part in arguments)


check_sample = Exercise(
    sample, "the draws", [(("First", "Second", "Max", "Min"), depth) for depth in (1, 2, 3)], measure=_drawn,
    right="All shapes, all operations and all digits occur, and the depth is what was asked for.",
    also_right=(lambda rng, names, depth: sample(rng, names[::-1], depth),),
    mistakes={
        "Some shape is hardly ever drawn": _grown(lambda rng: True),
        "some of your expressions have depth": _grown(lambda rng: rng.random() < 0.5),
        "The digit 9 comes too seldom": _without_nine,
        "Some operation comes too seldom": lambda rng, names, depth: sample(rng, names[:1], depth),
        "is no digit and no pair": lambda rng, names, depth: list(sample(rng, names, depth))})
