"""Digit operations: say what ``Max ( 5 , 8 , 3 )`` is, and its longer, nested and two-digit relatives.

The answer is a function of the input, so the best possible accuracy is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ..checks import check_choice, check_whole
from ..config import Config
from ..errors import RangeError
from ..randomness import generator
from ..rules import By, Choice, Each, Seed, Whole
from ..signatures import checked
from .expressions import LEAST, OPERATIONS, TOKENS, value

__all__ = ["DigitTask", "all_inputs", "check_expression", "draw"]

LARGEST = 1_000_000
MOST = 999  # arguments: an expression of more would not be looked through, nor its inputs counted, in reasonable time


def check_operations(argument: str, names) -> tuple[str, ...]:
    """A tuple of different operations."""
    return tuple(dict.fromkeys(Each(Choice(OPERATIONS))(argument, names)))


@dataclass(frozen=True)
class DigitTask(Config):
    """Which expressions there are.

    operations : tuple of str
        Names in :data:`OPERATIONS`, each equally often.
    min_args, max_args : int
        How many arguments an operation has, every number in between equally often.
    low, high : int
        The smallest and the largest number, 0 to 999.
    depth : int
        1: arguments are numbers. 2: they may be operations on numbers, and at least one is. And so on.

    >>> DigitTask().inputs, DigitTask().n_ctx, DigitTask().d_vocab
    (5000, 8, 20)
    >>> DigitTask(operations=("Max", "Mix"), high=-1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ConfigError: DigitTask has 2 faults:
      - operations[1]: got 'Mix'; allowed is one of 'First', 'Second', 'Last', ...
      - high: got -1; allowed is a whole number from 0 to 999. Choose a value in this range.
    """

    operations: By(check_operations) = ("First", "Second", "Last", "Max", "Min")
    min_args: Whole(1, MOST) = 3
    max_args: Whole(1, MOST) = 3
    low: Whole(0, 999) = 0
    high: Whole(0, 999) = 9
    depth: Whole(1, 4) = 1

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if faults:
            return
        least = max(LEAST.get(operation, 1) for operation in self.operations)
        if self.min_args < least:
            yield f"min_args: got {self.min_args}; allowed is at least {least} for these operations. Give more."
        if self.max_args < self.min_args:
            yield f"max_args: got {self.max_args}; allowed is at least min_args={self.min_args}. Give more."
        if self.high < self.low:
            yield f"high: got {self.high}; allowed is at least low={self.low}. Choose a larger number."
        if self.depth > 1 and "Sort" in self.operations:
            yield "operations: got 'Sort' with depth > 1; a list is no argument. Leave it out, or take depth=1."

    @property
    def inputs(self) -> int:
        """How many different expressions there are."""
        numbers, deeper = self.high - self.low + 1, 0
        for _ in range(self.depth):
            deeper = len(self.operations) * sum((numbers + deeper) ** k - (numbers**k if deeper else 0)
                                                for k in range(self.min_args, self.max_args + 1))
        return deeper

    @property
    def d_vocab(self) -> int:
        """20, and all 24 tokens where an operation beyond the first five is used."""
        return 20 if all(TOKENS.index(operation) < 20 for operation in self.operations) else len(TOKENS)

    @property
    def one_token(self) -> bool:
        """Whether expressions have one length and answers one token, to be read at the last position."""
        return self.n_answer == 1 and self.depth == 1 and self.min_args == self.max_args

    @property
    def n_ctx(self) -> int:
        """Tokens in the longest expression."""
        longest = len(str(self.high))
        for _ in range(self.depth):
            longest = 3 + self.max_args * (longest + 1) - 1
        return longest

    @property
    def n_answer(self) -> int:
        """Tokens in the longest answer."""
        largest = self.high * (self.max_args**self.depth if "Add" in self.operations else 1)
        return len(str(largest)) if "Sort" not in self.operations else self.max_args * (len(str(self.high)) + 1) - 1


@checked
def all_inputs(task: DigitTask) -> list:
    """Every expression of a task without nesting, in a fixed order.

    >>> len(all_inputs(DigitTask())), all_inputs(DigitTask())[3058]
    (5000, ('Max', (0, 5, 8)))
    """
    if task.depth > 1 or task.inputs > LARGEST:
        raise RangeError("task", f"{task.inputs} inputs of depth {task.depth}", f"depth 1 and at most {LARGEST} inputs",
                         "Draw some with draw(task, n, seed=0).")
    numbers = range(task.low, task.high + 1)
    return [(operation, arguments) for operation in task.operations for k in range(task.min_args, task.max_args + 1)
            for arguments in product(numbers, repeat=k)]


@checked
def draw(task: DigitTask, n: Whole(1), *, seed: Seed, purpose: str = "expressions", distinct: bool = False) -> list:
    """``n`` random expressions, every operation equally often (up to one), in random order.

    With ``distinct`` all differ; then ``n`` is at most half of ``task.inputs`` (for more, take :func:`all_inputs`).

    >>> draw(DigitTask(), 3, seed=0)
    [('Second', (4, 1, 2)), ('Last', (9, 8, 4)), ('First', (6, 8, 9))]
    """
    check_whole("n", n, low=1, high=task.inputs // 2 if distinct else None)
    rng = generator(seed, purpose)
    roll, seen, drawn = dice(rng), set(), []
    while len(drawn) < n:
        expression = compose(task, task.depth, roll, task.operations[len(drawn) % len(task.operations)])
        if not distinct or expression not in seen:
            drawn.append(expression)
            seen.add(expression)
    return [drawn[i] for i in rng.permutation(n)]


def dice(rng):
    """``roll(n)`` is a random whole number below ``n``; the numbers are drawn in blocks, because that is fast."""
    def blocks():
        while True:
            yield from rng.random(4096).tolist()

    stream = blocks()
    return lambda n: int(next(stream) * n)


def compose(task: DigitTask, depth: int, roll, operation: str):
    """A random expression of this depth: each argument is a number or, if it may be, an operation."""
    count, numbers = task.min_args + roll(task.max_args - task.min_args + 1), task.high - task.low + 1
    nested = [depth > 1 and roll(2) == 0 for _ in range(count)]
    if depth > 1 and not any(nested):
        nested[roll(count)] = True
    return operation, tuple(compose(task, depth - 1, roll, task.operations[roll(len(task.operations))]) if inner
                            else task.low + roll(numbers) for inner in nested)


@checked
def check_expression(task: DigitTask, expression):
    """The expression, if it is one of this task's, or of less depth; otherwise a sentence says what is not.

    >>> check_expression(DigitTask(), ("Max", (5, 12, 3)))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: number: got 12; allowed is a whole number from 0 to 9. Choose a value in this
    range.
    """
    value(expression)
    return inside(task, expression, task.depth)


def inside(task, expression, depth):
    if not isinstance(expression, tuple):
        return check_whole("number", expression, low=task.low, high=task.high)
    check_whole("the operations inside each other", task.depth - depth + 1, high=task.depth)
    operation, arguments = expression
    check_choice("operation", operation, task.operations)
    check_whole(f"the number of {operation}'s arguments", len(arguments), low=task.min_args, high=task.max_args)
    return operation, tuple(inside(task, argument, depth - 1) for argument in arguments)
