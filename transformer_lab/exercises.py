"""Exercises: checkers that accept any right answer and answer a wrong one with a sentence.

A module a chapter (``ch02``, …) holds, for each exercise, the solution and its checker::

    @checker(solution, right="Each row sums to zero, as it must.")
    def check_softmax_jacobian(answer):
        \"\"\"Whether ``answer(pattern)`` is the softmax Jacobian.\"\"\"
        for pattern in patterns:
            expect("the Jacobian", answer(pattern), solution(pattern))

The judge calls ``answer`` like the reader's own function: an empty stub, an exception, a
changed argument and a wrong shape are answered before any number is compared. A checker
never raises, so that a chapter with unfilled stubs still runs from top to bottom. Beside it, in
``tests/exercises/test_chNN.py``, ``WRONG = [(check_…, answer, "words of the sentence"), …]``
plants at least three plausible mistakes for each checker.
"""

from __future__ import annotations

import copy
import functools
import html
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from .checks import check_type

__all__ = ["Objection", "Verdict", "checker", "checkers", "expect"]


class Objection(Exception):
    """What is wrong with an answer, in one sentence; a judge raises it, the checker shows it."""


@dataclass(frozen=True)
class Verdict:
    """Right or not yet, and one sentence. It is true where the answer is right.

    >>> Verdict(False, "The rows sum to 1; they must sum to 0.")
    ✗ The rows sum to 1; they must sum to 0.
    """

    right: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.sentence}"

    def _repr_html_(self) -> str:
        mark, word = ("✓", "right") if self.right else ("✗", "not-yet")
        return (f'<p class="lab-verdict lab-{word}"><span class="lab-mark">{mark}</span> '
                f"{html.escape(self.sentence)}</p>")


def checker(solution: Callable, *, right: str):
    """Make a judge into a checker: ``check(answer) -> Verdict``.

    Parameters
    ----------
    solution : callable
        The answer that the book shows; the checker keeps it as ``check.solution``.
    right : str
        The sentence for a right answer.

    Examples
    --------
    >>> def double(x):
    ...     return 2 * x
    >>> @checker(double, right="Twice as large.")
    ... def check_double(answer):
    ...     expect("the result", answer(np.array([1.0, -3.0])), [2.0, -6.0])
    >>> check_double(double)
    ✓ Twice as large.
    >>> check_double(lambda x: x + 1)
    ✗ the result is off: at index (1,) it is -2, and it should be -6.
    """
    def decorate(judge):
        @functools.wraps(judge)
        def check(answer) -> Verdict:
            try:
                judge(_Guarded(answer))
            except Objection as objection:
                return Verdict(False, str(objection))
            except Exception as fault:  # the judge met something that it could not even compare
                return Verdict(False, f"What your function returned cannot be judged ({type(fault).__name__}): "
                                      "look at its type and its shape.")
            return Verdict(True, right)

        check.solution = solution
        return check

    return decorate


class _Guarded:
    """The reader's function: what can go wrong before its result is judged becomes an objection."""

    def __init__(self, answer):
        if not callable(answer):
            raise Objection("Pass your function itself, without brackets after its name.")
        self.answer = answer

    def __call__(self, *arguments):
        given = copy.deepcopy(arguments)
        try:
            result = self.answer(*given)
        except NotImplementedError:
            raise Objection("Not filled in yet: put your answer in the place of NotImplementedError.") from None
        except Exception as fault:
            words = (str(fault).strip().splitlines() or [""])[0].rstrip(".")
            raise Objection(f"Your function stopped with {type(fault).__name__}: {words}.") from None
        if result is None or result is Ellipsis:
            raise Objection("Your function returned nothing: end it with a return.")
        if any(not _same(before, after) for before, after in zip(arguments, given, strict=True)):
            raise Objection("Your function changes the arrays that it was given: work on copies.")
        return result


def _same(before, after) -> bool:
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=True)
    return True


def expect(what: str, got, want, *, tolerance: float = 1e-9, hint: str = "") -> None:
    """Object unless ``got`` has the shape and, to a relative ``tolerance``, the entries of ``want``.

    >>> expect("the gradient", np.zeros(3), np.zeros((3, 1)))
    Traceback (most recent call last):
        ...
    transformer_lab.exercises.Objection: the gradient has the shape (3,), and it should have (3, 1).
    """
    want = np.asarray(want, dtype=np.float64)
    try:
        got = np.asarray(got, dtype=np.float64)
    except (TypeError, ValueError):
        raise Objection(f"{what} should be an array of numbers, but it is a {type(got).__name__}.") from None
    if got.shape != want.shape:
        raise Objection(f"{what} has the shape {got.shape}, and it should have {want.shape}.")
    if not np.isfinite(got).all():
        raise Objection(f"{what} holds an entry that is not a finite number.")
    error = np.abs(got - want)
    if (error > tolerance * max(1e-300, float(np.abs(want).max(initial=0.0)))).any():
        where = np.unravel_index(error.argmax(), error.shape)
        place = f"at index {tuple(int(i) for i in where)} it" if where else "it"
        raise Objection(f"{what} is off: {place} is {got[where]:.4g}, and it should be {want[where]:.4g}."
                        + (f" {hint}" if hint else ""))


def checkers(module: ModuleType) -> dict[str, Callable]:
    """All checkers of a chapter's exercises, by name; each carries its ``solution``.

    >>> import math
    >>> checkers(math)
    {}
    """
    check_type("module", module, ModuleType)
    return {name: value for name, value in vars(module).items() if hasattr(value, "solution")}
