"""Exercises as data: a solution, cases, and the mistakes that readers make, each with its sentence.

A chapter's ``exercises.py`` holds, for each exercise, the solution as the book shows it and an :class:`Exercise`, named
``check_…``. The tests walk over all of them: the solution and what is ``also_right`` pass; a stub, nonsense and each
mistake fail, the mistake with its own sentence. An exercise never raises, so that a chapter with unfilled stubs still
runs from top to bottom.
"""

from __future__ import annotations

import copy
import html
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np

from .checks import check_type
from .randomness import generator

__all__ = ["Exercise", "Objection", "Verdict", "exercises"]


class Objection(Exception):
    """What is wrong with an answer, in one sentence; a measure may raise it, the exercise shows it."""


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


def _returned(answer: Callable, *arguments):
    return answer(*arguments)


@dataclass(frozen=True, eq=False)
class Exercise:
    """Call it with an answer, a function: ``exercise(answer) -> Verdict``.

    Parameters
    ----------
    solution : callable
        The answer that the book shows.
    result : str or tuple of str
        What is compared, in words; several names where a tuple is returned.
    cases : list of tuple, dict of str to tuple, or callable
        The arguments of each call; the key of a dict says which case it is. A callable draws the arguments (a tuple, or
        a list of tuples) from the generator that it is given; three are drawn, always the same.
    right : str
        The sentence for a right answer.
    mistakes : dict of str to callable
        A sentence, and the wrong answer that it is for: whoever gives the same as a mistake, wherever that differs from
        the solution, is told its sentence; whoever errs in another way is told where.
    also_right : tuple of callable
        Other answers that are right, best by code that shares nothing with the solution.
    measure : callable, optional
        ``measure(answer, *arguments)`` gives what is compared, where it is not what the answer returns; it may raise
        an :class:`Objection`.
    tolerance : float
        How much may be lacking, relative to the largest entry.
    hint : str
        What is said besides, to who errs in a way that has no name.

    Examples
    --------
    >>> double = Exercise(lambda x: 2 * x, "the result", [(np.array([1.0, -3.0]),)], right="Twice as large.",
    ...                   mistakes={"This is the square.": lambda x: x**2})
    >>> double(lambda x: x + x), double(lambda x: x * x)
    (✓ Twice as large., ✗ This is the square.)
    >>> double(lambda x: x + 1)
    ✗ the result is off: at index (1,) it is -2, and it should be -6.
    """

    solution: Callable
    result: str | tuple[str, ...]
    cases: list | dict | Callable
    right: str
    mistakes: dict[str, Callable]
    also_right: tuple[Callable, ...] = ()
    measure: Callable = _returned
    tolerance: float = 1e-9
    hint: str = ""

    def __call__(self, answer) -> Verdict:
        got = self.outcomes(answer)
        if objection := next((str(outcome) for outcome in got if isinstance(outcome, Objection)), ""):
            return Verdict(False, objection)
        fault = next(filter(None, map(self._fault, self._words(), got, self._right)), "")
        return Verdict(False, self._known(got) or fault) if fault else Verdict(True, self.right)

    def outcomes(self, answer) -> list:
        """What an answer comes to: for each case and each name in ``result`` an array, or an objection."""
        found = []
        for _, arguments in self._calls:
            try:
                with np.errstate(all="ignore"):
                    found += self._parts(self.measure(_Guarded(answer), *arguments))
            except Objection as objection:
                found += [objection] * len(self._names)
            except Exception as fault:  # what was returned could not even be measured
                words = f"What your function returned cannot be judged ({type(fault).__name__}): look at its type."
                found += [Objection(words)] * len(self._names)
        return found

    def same(self, got, want) -> bool:
        """Whether two outcomes are equal, to the tolerance."""
        if isinstance(got, Objection) or isinstance(want, Objection):
            return str(got) == str(want)
        size = np.abs(want[np.isfinite(want)]).max(initial=1e-300)
        return got.shape == want.shape and np.allclose(got, want, rtol=0, atol=self.tolerance * size, equal_nan=True)

    @cached_property
    def _right(self) -> list:
        return self.outcomes(self.solution)

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.result,) if isinstance(self.result, str) else self.result

    @cached_property
    def _calls(self) -> list[tuple]:
        """Each case: which one it is, in words, and its arguments."""
        if isinstance(self.cases, dict):
            return list(self.cases.items())
        drawn = self.cases
        if callable(drawn):
            draws = [drawn(generator(seed, f"exercise {self.solution.__name__}")) for seed in range(3)]
            drawn = [case for draw in draws for case in (draw if isinstance(draw, list) else [draw])]
        names = list(inspect.signature(self.solution).parameters)
        return [(_spelt(dict(zip(names, case, strict=False))), case) for case in drawn]

    def _words(self) -> list[str]:
        return [f"{name} for {words}" if words else name for words, _ in self._calls for name in self._names]

    def _parts(self, returned) -> list[np.ndarray]:
        if isinstance(self.result, str):
            return [_numbers(self.result, returned)]
        if not isinstance(returned, tuple | list) or len(returned) != len(self.result):
            raise Objection(f"Return {len(self.result)} results, in this order: {', '.join(self.result)}.")
        return [_numbers(name, part) for name, part in zip(self.result, returned, strict=True)]

    def _fault(self, what: str, got, want: np.ndarray) -> str:
        if got.shape != want.shape:
            return f"{what} has the shape {got.shape}, and it should have {want.shape}."
        if not np.isfinite(got).all():
            return f"{what} holds an entry that is not a finite number."
        if self.same(got, want):
            return ""
        where = np.unravel_index(np.abs(got - want).argmax(), got.shape)
        place = f"at index {tuple(int(i) for i in where)} it" if where else "it"
        return f"{what} is off: {place} is {got[where]:.4g}, and it should be {want[where]:.4g}. {self.hint}".rstrip()

    def _known(self, got) -> str:
        """The sentence of the mistake that this is, or nothing: it agrees wherever that one errs, more than any."""
        agreeing = {}
        for sentence, mistake in self.mistakes.items():
            made = self.outcomes(mistake)
            agrees = list(map(self.same, got, made))
            harmless = map(self.same, made, self._right)
            if all(agree or fine for agree, fine in zip(agrees, harmless, strict=True)):
                agreeing[sentence] = sum(agrees)
        return max(agreeing, key=agreeing.get, default="")


def _spelt(arguments: dict) -> str:
    """``n_ctx=20, d_model=4``, where all arguments are single numbers or words."""
    plain = all(isinstance(value, int | float | str) for value in arguments.values())
    return ", ".join(f"{name}={value}" for name, value in arguments.items()) if plain else ""


def _numbers(what: str, found) -> np.ndarray:
    try:
        if np.asarray(found).dtype.kind in "biufO":
            return np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    raise Objection(f"{what} should be an array of numbers, but it is a {type(found).__name__}.")


class _Guarded:
    """The reader's function: what can go wrong before its result is measured becomes an objection."""

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
        if not all(map(_unchanged, arguments, given)):
            raise Objection("Your function changes what it was given: work on copies.")
        return result


def _unchanged(before, after) -> bool:
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=True)
    return not isinstance(before, list) or before == after


def exercises(module: ModuleType) -> dict[str, Exercise]:
    """All exercises of a chapter, by the names of their checks.

    >>> import math
    >>> exercises(math)
    {}
    """
    check_type("module", module, ModuleType)
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}
