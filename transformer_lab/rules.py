"""What an argument may be, as an annotation; :func:`~transformer_lab.signatures.checked` holds calls to it.

A rule is called as ``rule(argument, value)`` and returns the value in the form that the function goes on with, or
raises one of the package's errors; the fields of a configuration declare theirs in the same words. Axes are written as
in jaxtyping: ``"batch pos"`` are two named axes, ``3`` a length, ``_`` any length, ``#pos`` one of length 1 or ``pos``;
first may come ``...`` (further axes), ``*batch`` (further axes that agree) or ``*#batch`` (that broadcast). An axis of
one name has one length in all arguments of a call; ``config.n_ctx`` and the name of a whole number given are lengths.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from .checks import MANY, check_array, check_callable, check_choice, check_flag, check_number, check_range, check_whole
from .errors import DtypeError, LabError, ShapeError, UnknownNameError

__all__ = ["Array", "Choice", "Each", "Entries", "Flags", "Inexact", "Number", "Rule", "Seed", "Whole", "Wholes",
           "rule_of"]

CODES = {"float": "f", "inexact": "fc", "whole": "iu", "flag": "b"}


class Rule:
    """What all rules share: ``rule | None`` lets None pass, and a rule can be asked without a call around it."""

    def __call__(self, argument: str, value):
        return self.check(argument, value, {}, {})

    def __or__(self, other):
        return Either(self, rule_of(other))

    def __repr__(self):
        stated = [f"{each.name}={value!r}" for each in dataclasses.fields(self)
                  if (value := getattr(self, each.name)) != each.default]
        return f"{type(self).__name__}({', '.join(stated)})"

    has_bounds = False

    def bound(self, argument, value, sizes, given):
        """What can be checked only when the lengths of all arrays are known."""


@dataclass(frozen=True, repr=False)
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
        return self.first.has_bounds

    def bound(self, argument, value, sizes, given):
        if isinstance(value, np.ndarray):
            self.first.bound(argument, value, sizes, given)


@dataclass(frozen=True, repr=False)
class Is(Rule):
    """A value of one class, or of one of several; what a plain class in a signature means."""

    kind: object

    def __repr__(self):
        return "None" if self.kind is types.NoneType else f"Is({getattr(self.kind, '__name__', self.kind)})"

    def check(self, argument, value, sizes, given):
        if not isinstance(value, self.kind):
            text = repr(value)
            raise DtypeError(argument, f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})",
                             getattr(self.kind, "__name__", str(self.kind)), "Pass an object of this class.")
        return value


@dataclass(frozen=True, repr=False)
class By(Rule):
    """What one of the check functions passes: truth values, functions."""

    function: Callable

    def check(self, argument, value, sizes, given):
        return self.function(argument, value)


@dataclass(frozen=True, repr=False)
class Whole(Rule):
    """A whole number; a count from 0 to a million where nothing else is stated."""

    low: int | None = 0
    high: int | None = MANY

    def check(self, argument, value, sizes, given):
        sizes[argument] = found = check_whole(argument, value, low=named(self.low, sizes, given),
                                              high=named(self.high, sizes, given))
        return found


Seed = functools.partial(Whole, 0, 2**63 - 1)


@dataclass(frozen=True, repr=False)
class Number(Rule):
    """A finite real number."""

    low: float | None = None
    high: float | None = None
    above: float | None = None

    def check(self, argument, value, sizes, given):
        return check_number(argument, value, low=self.low, high=self.high, above=self.above)


@dataclass(frozen=True, repr=False)
class Choice(Rule):
    """One of the names in a table."""

    names: Iterable[str]

    def check(self, argument, value, sizes, given):
        return check_choice(argument, value, self.names)


@dataclass(frozen=True, repr=False)
class Each(Rule):
    """A list or tuple of things that keep one rule, as a tuple; at least ``low`` of them."""

    rule: object
    low: int = 1

    def check(self, argument, value, sizes, given):
        if not isinstance(value, (list, tuple, range)):
            raise DtypeError(argument, f"a {type(value).__name__}", "a list or tuple", "Put it into a list.")
        check_range(f"len({argument})", len(value), low=self.low)
        rule = rule_of(self.rule)
        return tuple(rule.check(f"{argument}[{i}]", entry, {}, given) for i, entry in enumerate(value))


@dataclass(frozen=True, repr=False)
class Array(Rule):
    """An array of real numbers: its axes, and bounds on its entries, which may be names as axes are.

    ``below="d_vocab"`` is for whole numbers that count something from 0. Lists of numbers become arrays; NaN, infinity,
    masks, objects and arrays without entries are refused unless ``finite=False`` or ``empty=True`` allow them.
    """

    axes: str = "..."
    low: float | str | None = None
    high: float | str | None = None
    below: int | str | None = None
    finite: bool = True
    empty: bool = False
    kind: str = "float"

    def __post_init__(self):
        lead, *rest = self.axes.split() or [""]
        lead, rest = (lead, rest) if lead[:1] in ("*", ".") else ("", [lead, *rest] if lead else [])
        object.__setattr__(self, "lead", lead)
        object.__setattr__(self, "plain", frozenset(axis for axis in rest if axis != "_" and axis.isidentifier()))
        object.__setattr__(self, "last", tuple(int(axis) if axis.isdigit() else axis for axis in rest))

    def check(self, argument, value, sizes, given):
        array = value if self.passes_at_sight(value) else check_array(
            argument, value, shape=(), leading=True, kind=self.kind, finite=self.finite, allow_empty=self.empty)
        if not self.fits(array.shape, sizes, given):
            raise ShapeError(argument, f"an array of shape {array.shape}", self.wanted(sizes, given),
                             "Reshape it, or pass the array that belongs here.")
        return array

    def passes_at_sight(self, value) -> bool:
        """The usual case, in a third of the time that ``check_array`` takes to find its words."""
        return (type(value) is np.ndarray and value.dtype.kind in CODES[self.kind] and value.size > 0
                and (not self.finite or value.dtype.kind not in "fc" or isfinite(np.vdot(value, value).real)))

    def fits(self, shape, sizes, given) -> bool:
        """Compare a shape with the axes; lengths that were still free are written into ``sizes``."""
        split = len(shape) - len(self.last)
        if split and (split < 0 or not self.lead):
            return False
        for axis, length in zip(self.last, shape[split:] if split else shape, strict=True):
            if axis in self.plain:
                if sizes.setdefault(axis, length) != length:
                    return False
            elif not axis_fits(axis, length, sizes, given):
                return False
        return not self.lead or self.lead_fits(shape[:split], sizes)

    def lead_fits(self, found, sizes) -> bool:
        if self.lead[:1] != "*":
            return True
        if self.lead[1] != "#":
            return sizes.setdefault(self.lead, found) == found
        try:
            sizes[self.lead] = np.broadcast_shapes(sizes.get(self.lead, ()), found)
        except ValueError:
            return False
        return True

    @property
    def has_bounds(self):
        return (self.low, self.high, self.below) != (None, None, None)

    def bound(self, argument, array, sizes, given):
        """Compare the entries with their bounds, when the lengths of all arrays are known."""
        low, high = named(self.low, sizes, given), named(self.high, sizes, given)
        if (below := named(self.below, sizes, given)) is not None:
            high = below - 1
        if array.size:
            for extreme in (array.min(), array.max()):
                check_range(argument, extreme, low=low, high=high, what="entries")

    def wanted(self, sizes, given) -> str:
        last = [str(named(axis, sizes, given) or axis) for axis in self.last]
        lead = [*map(str, sizes[self.lead])] if self.lead in sizes else [self.lead] if self.lead else []
        return f"({', '.join(lead + last)}{',' if len(lead + last) == 1 else ''})"


Flags = functools.partial(Array, kind="flag")
Wholes = functools.partial(Array, kind="whole")
Inexact = functools.partial(Array, kind="inexact")


class Entries(Rule):
    """A dict that has arrays of these axes under these names, and maybe more: parameters, activations."""

    def __init__(self, **axes: str):
        self.rules = {name: Inexact(words) for name, words in axes.items()}

    def __repr__(self):
        return f"Entries({', '.join(f'{name}={rule.axes!r}' for name, rule in self.rules.items())})"

    def check(self, argument, value, sizes, given):
        for name, rule in self.rules.items():
            if name not in Is(dict).check(argument, value, sizes, given):
                wanted = ", ".join(map(repr, self.rules))
                raise UnknownNameError(argument, f"no {name!r}", f"a dict with {wanted}", "Add it.")
            rule.check(f"{argument}[{name!r}]", value[name], sizes, given)
        return value


def axis_fits(axis: int | str, length: int, sizes, given) -> bool:
    """Whether a length is that of an axis which is more than a name."""
    if axis == "_":
        return True
    wanted = named(axis, sizes, given)
    if wanted is None and (length > 1 or axis[0] != "#"):
        sizes[axis.lstrip("#")] = length
    return wanted in (None, length) or (length == 1 and str(axis).startswith("#"))


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


PLAIN = {int: Whole(None, None), float: Number(), bool: By(check_flag), Callable: By(check_callable)}
