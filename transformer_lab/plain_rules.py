"""Rules for what is no array: numbers, names, truth values, functions, lists; and how a rule is read from a signature.

They are imported from :mod:`~transformer_lab.rules`, which has those for arrays besides.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import numbers
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from pathlib import PurePath

import numpy as np

from .errors import DtypeError, LabError, NotFiniteError, RangeError
from .wording import between, check_name, described, in_range, outside, unknown, written

__all__ = ["By", "Choice", "Each", "Function", "Is", "Number", "Rule", "Seed", "Whole", "rule_of"]

#: A count without a stated bound: beyond this it is a slip of the hand, and would run for hours.
MANY = 1_000_000


class Rule:
    """What all rules share: ``rule | None`` lets None pass, and a rule can be asked without a call around it."""

    has_bounds = False

    def __call__(self, argument: str, value, given=types.MappingProxyType({})):
        found = self.asked(argument, value, sizes := {}, given)
        if self.has_bounds:
            self.bound(argument, found, sizes, given)
        return found

    def asked(self, argument, value, sizes, given):
        """What ``check`` returns. A value that cannot even be looked at, because one of its own methods fails, is none
        that is allowed.
        """
        try:
            return self.check(argument, value, sizes, given)
        except LabError:
            raise
        except Exception as fault:
            raise DtypeError(argument, f"{described(value)}, which cannot be read ({type(fault).__name__})",
                             f"what {self!r} says", "Pass a plain value.") from fault

    def __or__(self, other):
        return Either(self, rule_of(other))

    def __repr__(self):
        fields = dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        stated = [f"{each.name}={value!r}" for each in fields if (value := getattr(self, each.name)) != each.default]
        return f"{type(self).__name__}({', '.join(stated)})"

    def bound(self, argument, value, sizes, given):
        """What can be checked only when the lengths of all arrays are known."""


@dataclass(repr=False)
class Either(Rule):
    """The first of two rules that passes; the sentence is the first rule's, or the second's if that knows the type."""

    first: Rule
    other: Rule

    def __repr__(self):
        return f"{self.first!r} | {self.other!r}"

    def check(self, argument, value, sizes, given):
        try:
            return self.first.check(argument, value, sizes, given)
        except LabError as fault:
            try:
                return self.other.check(argument, value, sizes, given)
            except LabError as second:
                nearer = isinstance(fault, DtypeError) and not isinstance(second, DtypeError)
                raise (second if nearer else fault) from None

    @property
    def has_bounds(self):
        return self.first.has_bounds or self.other.has_bounds

    def bound(self, argument, value, sizes, given):
        if isinstance(value, np.ndarray):
            (self.first if self.first.has_bounds else self.other).bound(argument, value, sizes, given)


@dataclass(repr=False)
class Is(Rule):
    """A value of one class, or of one of several; what a plain class in a signature means."""

    kind: object
    words: str = ""
    remedy: str = "Pass an object of this class."

    def __repr__(self):
        return "None" if self.kind is types.NoneType else f"Is({getattr(self.kind, '__name__', self.kind)})"

    def check(self, argument, value, sizes, given):
        if not isinstance(value, self.kind):
            allowed = self.words or f"a {getattr(self.kind, '__name__', self.kind)}"
            raise DtypeError(argument, described(value), allowed, self.remedy)
        if isinstance(value, PurePath):
            check_name(argument, str(value))
        if isinstance(value, (list, tuple, dict)) and type(value) not in (list, tuple, dict):
            len(value), [*value], [*getattr(value, "items", tuple)()]  # it may not be what it inherits from
        return str.__str__(value) if isinstance(value, str) else value  # a subclass may do anything


class Flag(Is):
    """True or False, and nothing that merely looks like it."""

    def check(self, argument, value, sizes, given):
        return bool(super().check(argument, value, sizes, given))


class Function(Rule):
    """A function that takes these arguments, one after the other.

    >>> Function("step")("learning_rate", lambda: 0.1)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DtypeError: learning_rate: got a function of (); allowed is a function of (step). Let it \
take what it is called with.
    """

    def __init__(self, *takes: str):
        self.takes = takes

    def __repr__(self):
        return f"Function({', '.join(map(repr, self.takes))})"

    def check(self, argument, value, sizes, given):
        wanted = f"a function of ({', '.join(self.takes)})"
        if not callable(value):
            raise DtypeError(argument, described(value), wanted, "Pass one.")
        try:
            has = inspect.signature(value)
        except (ValueError, TypeError):  # some of C's do not say
            return value
        try:
            has.bind(*self.takes)
        except TypeError:
            raise DtypeError(argument, f"a function of {has}", wanted, "Let it take what it is called with.") from None
        return value


@dataclass(repr=False)
class By(Rule):
    """What a function ``(argument, value)`` passes, for a rule that only one module needs."""

    function: Callable

    def check(self, argument, value, sizes, given):
        return self.function(argument, value)


@dataclass(repr=False)
class Whole(Rule):
    """A whole number; a count from 0 to a million where nothing else is stated.

    That a count ends at a million is said only to whom it surprises; ``Whole(low, None)`` has no end.
    """

    low: int | None = 0
    high: int | str | None = MANY

    def check(self, argument, value, sizes, given):
        low, high = named(self.low, sizes, given), named(self.high, sizes, given)
        stated = None if high == MANY else high
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
            raise DtypeError(argument, described(value), f"a whole number{between(low, stated)}", "Pass an int.")
        found = int(value)
        in_range(argument, found, low, high if found > MANY else stated, "a whole number")
        sizes[argument] = found
        return found


Seed = functools.partial(Whole, 0, 2**63 - 1)


@dataclass(repr=False)
class Number(Rule):
    """A finite real number from ``low`` to ``high``, both included, and greater than ``above``."""

    low: float | None = None
    high: float | None = None
    above: float | None = None

    def check(self, argument, value, sizes, given):
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
            raise DtypeError(argument, described(value), self.allowed, "Pass a float.")
        try:
            found = float(value)
        except OverflowError:
            found = float("inf")
        if not isfinite(found):
            raise NotFiniteError(argument, described(value), self.allowed, "Pass a finite number.")
        if outside(found, self.low, self.high) or (self.above is not None and found <= self.above):
            raise RangeError(argument, written(value, str), self.allowed, "Choose a value in this range.")
        return found

    @property
    def allowed(self) -> str:
        return "a number" + (f" above {self.above}" if self.above is not None else "") + between(self.low, self.high)


@dataclass(repr=False)
class Choice(Rule):
    """One of the names in a table; a near miss is answered with the name that was probably meant.

    >>> Choice(["look", "write", "joint"])("phase", "wriet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: phase: got 'wriet'; allowed is one of 'look', ... Did you mean 'write'?
    """

    names: Iterable[str]

    def check(self, argument, value, sizes, given):
        names = list(self.names)
        if isinstance(value, str) and (plain := str.__str__(value)) in names:
            return plain
        raise unknown(argument, value, names, "one of " + ", ".join(map(repr, names)), "Use one of these names.")


@dataclass(repr=False)
class Each(Rule):
    """A list or tuple of things that keep one rule, as a tuple: from ``low`` to ``high`` of them, or a million."""

    rule: object
    low: int = 1
    high: int | None = None

    def __post_init__(self):
        self.rule = rule_of(self.rule)

    def check(self, argument, value, sizes, given):
        if not isinstance(value, (list, tuple, range)):
            raise DtypeError(argument, f"a {type(value).__name__}", "a list or tuple", "Put it into a list.")
        high = 10**6 if self.high is None and len(value) > 10**6 else self.high
        in_range(f"len({argument})", len(value), self.low, high, "a number")
        return tuple(self.rule(f"{argument}[{i}]", entry, given) for i, entry in enumerate(value))


def named(bound, sizes, given):
    """A number as it is; a name as the length, count or attribute that it names, None where that is still free."""
    if not isinstance(bound, str):
        return bound
    argument, _, attribute = bound.lstrip("#").partition(".")
    return sizes.get(argument) if not attribute else getattr(given.get(argument), attribute, None)


def rule_of(annotation) -> Rule | None:
    """The rule that an annotation states, None where it states none.

    >>> rule_of(int | None), rule_of(dict[str, int])
    (Whole(low=None, high=None) | None, Is(dict))
    """
    if isinstance(annotation, Rule):
        return annotation
    if isinstance(annotation, functools.partial):
        return annotation()
    if annotation is None:
        return Is(types.NoneType)
    if isinstance(annotation, types.UnionType):
        return functools.reduce(Rule.__or__, map(rule_of, annotation.__args__))
    kind = typing.get_origin(annotation) or annotation
    if kind in PLAIN:
        return PLAIN[kind]
    return Is(kind) if isinstance(kind, type) and kind is not object else None


PLAIN = {int: Whole(None, None), float: Number(), bool: Flag((bool, np.bool_), "True or False", "Pass a bool."),
         Callable: Is(Callable, "a function", "Pass a callable.")}
