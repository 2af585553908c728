"""What an argument may be, as an annotation; :func:`~transformer_lab.signatures.checked` holds calls to it.

A rule is called as ``rule(argument, value)`` and returns the value in the form that the function goes on with, or
raises one of the package's errors; the fields of a configuration declare theirs in the same words. Axes are written as
in jaxtyping: ``"batch pos"`` are two named axes, ``3`` a length, ``_`` any length, ``#pos`` one of length 1 or ``pos``;
first may come ``...`` (further axes), ``*batch`` (further axes that agree) or ``*#batch`` (that broadcast). An axis of
one name has one length in all arguments of a call; ``config.n_ctx`` and the name of a whole number given are lengths.

>>> Whole(2, 26)("period", 5), Number(above=0)("temperature", 1), Array("batch pos")("scores", [[0.5, 1.0]]).shape
(5, 1.0, (1, 2))
>>> Whole(2, 26)("period", 2.5)
Traceback (most recent call last):
    ...
transformer_lab.errors.DtypeError: period: got 2.5 (float); allowed is a whole number from 2 to 26. Pass an int.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import numbers
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from .errors import DtypeError, EmptyError, LabError, NotFiniteError, RangeError, ShapeError, UnknownNameError

__all__ = ["Array", "By", "Choice", "Each", "Entries", "Flags", "Function", "Inexact", "Is", "Number",
           "Rule", "Seed", "Whole", "Wholes", "rule_of"]

#: A count without a stated bound: beyond this it is a slip of the hand, and would run for hours.
MANY = 1_000_000

#: The code of half precision.
HALF = np.dtype(np.float16).char

#: Kind of an array → the codes of its dtypes, in words, what to do about another.
KINDS = {
    "float": ("f", "real floating-point numbers", "Convert with array.astype(np.float64)."),
    "inexact": ("fc", "floating-point numbers, real or complex", "Convert with array.astype(np.float64)."),
    "whole": ("iu", "whole numbers", "Convert with array.astype(np.int64)."),
    "flag": ("b", "truth values", "Convert with array.astype(bool)."),
}


class Rule:
    """What all rules share: ``rule | None`` lets None pass, and a rule can be asked without a call around it."""

    has_bounds = False

    def __call__(self, argument: str, value, given=types.MappingProxyType({})):
        found = self.check(argument, value, sizes := {}, given)
        if self.has_bounds:
            self.bound(argument, found, sizes, given)
        return found

    def __or__(self, other):
        return Either(self, rule_of(other))

    def __repr__(self):
        stated = [f"{each.name}={value!r}" for each in dataclasses.fields(self)
                  if (value := getattr(self, each.name)) != each.default]
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
        return value


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
        in_range(argument, value, low, high if value > MANY else stated, "a whole number")
        sizes[argument] = found = int(value)
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
        if outside(value, self.low, self.high) or (self.above is not None and value <= self.above):
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
        if isinstance(value, str) and value in names:
            return value
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


@dataclass(repr=False)
class Array(Rule):
    """An array of real numbers: its axes, and bounds on its entries, which may be names as axes are.

    ``below="d_vocab"`` is for whole numbers that count something from 0. Lists of numbers become arrays; NaN, infinity,
    masks, objects and arrays without entries are refused unless ``finite=False`` or ``empty=True`` allow them. Half
    precision is read in single: its sums would overflow at 65,504.
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
        self.lead, rest = (lead, rest) if lead[:1] in ("*", ".") else ("", [lead, *rest] if lead else [])
        self.plain = frozenset(axis for axis in rest if axis != "_" and axis.isidentifier())
        self.last = tuple(int(axis) if axis.isdigit() else axis for axis in rest)
        self.has_bounds = (self.low, self.high, self.below) != (None, None, None)

    def check(self, argument, value, sizes, given):
        array = value if self.passes_at_sight(value) else self.converted(argument, value)
        if not self.fits(array.shape, sizes, given):
            raise ShapeError(argument, f"an array of shape {array.shape}", self.wanted(sizes, given),
                             "Reshape it, or pass the array that belongs here.")
        return array

    def passes_at_sight(self, value) -> bool:
        """The usual case, in a third of the time that it takes to find the words for what is wrong."""
        return (type(value) is np.ndarray and value.dtype.kind in KINDS[self.kind][0] and value.dtype.char != HALF
                and value.size > 0
                and (not self.finite or value.dtype.kind not in "fc" or isfinite(np.vdot(value, value).real)))

    def converted(self, argument, value) -> np.ndarray:
        """The value as an array of this kind, with entries that one can calculate with."""
        codes, words, remedy = KINDS[self.kind]
        array = as_array(argument, value, words)
        if array.dtype.kind not in codes and not (array.size == 0 and isinstance(value, (list, tuple))):
            raise DtypeError(argument, f"an array of dtype {array.dtype}", words, remedy)
        if array.size == 0 and not self.empty:
            raise EmptyError(argument, f"an empty array of shape {array.shape}", "at least one entry",
                             "Pass some data.")
        if self.finite and array.dtype.kind in "fc" and not np.isfinite(array).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise NotFiniteError(argument, f"{array[where]} at index {where}", "finite numbers",
                                 "Look for a division by zero or an overflow before this call.")
        return array.astype(np.float32) if array.dtype.char == HALF else array

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

    def bound(self, argument, array, sizes, given):
        """Compare the entries with their bounds, when the lengths of all arrays are known."""
        low, high = named(self.low, sizes, given), named(self.high, sizes, given)
        if (below := named(self.below, sizes, given)) is not None:
            high = below - 1
        if array.size:
            for extreme in (array.min(), array.max()):
                in_range(argument, extreme, low, high, "entries")

    def wanted(self, sizes, given) -> str:
        last = [str(named(axis, sizes, given) or axis).replace("_", "any", axis == "_") for axis in self.last]
        lead = [*map(str, sizes[self.lead])] if self.lead in sizes else [self.lead] if self.lead else []
        return f"({', '.join(lead + last)}{',' if len(lead + last) == 1 else ''})"


Flags = functools.partial(Array, kind="flag")
Wholes = functools.partial(Array, kind="whole")
Inexact = functools.partial(Array, kind="inexact")


class Entries(Rule):
    """A dict that has arrays of these axes under these names, and maybe more: parameters, activations.

    Where None stands for the axes, the entry must be there and nothing else.
    """

    def __init__(self, **axes: str | None):
        self.rules = {name: None if words is None else Inexact(words) for name, words in axes.items()}

    def __repr__(self):
        return f"Entries({', '.join(f'{name}={rule and rule.axes!r}' for name, rule in self.rules.items())})"

    def check(self, argument, value, sizes, given):
        Is(dict).check(argument, value, sizes, given)
        read = {}
        for name, rule in self.rules.items():
            if name not in value:
                wanted = ", ".join(map(repr, self.rules))
                raise UnknownNameError(argument, f"no {name!r}", f"a dict with {wanted}", "Add it.")
            if rule and (found := rule.check(f"{argument}[{name!r}]", value[name], sizes, given)) is not value[name]:
                read[name] = found
        return value | read if read else value


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


def as_array(argument: str, value, words: str) -> np.ndarray:
    """What NumPy makes of a value, if that is an array of anything."""
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError(argument, "a masked array", f"an array of {words}", "Fill what is masked: array.filled(0).")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RuntimeError, MemoryError):
        if isinstance(value, (list, tuple)):
            raise ShapeError(argument, "rows of unequal length", f"a full array of {words}",
                             "Make every row the same length.") from None
        array = np.array(None)
    if array.dtype == object:
        raise DtypeError(argument, described(value), f"an array of {words}", "Pass a NumPy array.")
    return array


def outside(value, low, high) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def in_range(argument: str, value, low, high, words: str) -> None:
    """Refuse what is not from ``low`` to ``high``, both included, with ``words`` for the kind of number."""
    if outside(value, low, high):
        raise RangeError(argument, written(value, str), words + between(low, high), "Choose a value in this range.")


def between(low, high) -> str:
    if low is not None and low == high:
        return f" equal to {low}"
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else f" of at most {high}" if high is not None else ""


def unknown(argument: str, value, names: Iterable[str], allowed: str, remedy: str) -> UnknownNameError:
    """The error for a name that is not in a table; its remedy is the nearest name, if any is near."""
    near = difflib.get_close_matches(written(value, str), names, n=1)
    return UnknownNameError(argument, written(value), allowed, f"Did you mean {near[0]!r}?" if near else remedy)


def written(value, write=repr) -> str:
    try:
        text = write(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = "a very large number"
    return text if len(text) <= 60 else text[:57] + "..."


def described(value) -> str:
    return f"{written(value)} ({type(value).__name__})"


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
