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

import functools
from dataclasses import dataclass
from math import isfinite

import numpy as np

from .errors import DtypeError, EmptyError, NotFiniteError, ShapeError, UnknownNameError
from .plain_rules import (
    MANY,
    By,
    Choice,
    Each,
    Function,
    Is,
    Number,
    Rule,
    Seed,
    Whole,
    named,
    rule_of,
)
from .wording import described, in_range

__all__ = ["Array", "By", "Choice", "Each", "Entries", "Flags", "Function", "Inexact", "Is", "Number",
           "Rule", "Seed", "Whole", "Wholes", "rule_of"]

#: An array of more entries was never meant: it may be one number, repeated without end.
MOST = 2**31

#: Codes of the precisions that are read in another: half, and those that no other library has.
ODD = {"e": np.float32, "g": np.float64, "G": np.complex128}

#: Kind of an array → the codes of its dtypes, in words, what to do about another.
KINDS = {
    "float": ("f", "real floating-point numbers", "Convert with array.astype(np.float64)."),
    "inexact": ("fc", "floating-point numbers, real or complex", "Convert with array.astype(np.float64)."),
    "whole": ("iu", "whole numbers", "Convert with array.astype(np.int64)."),
    "flag": ("b", "truth values", "Convert with array.astype(bool)."),
}


@dataclass(repr=False)
class Array(Rule):
    """An array of real numbers: its axes, and bounds on its entries, which may be names as axes are.

    ``below="d_vocab"`` is for whole numbers that count something from 0. Lists of numbers become arrays; NaN, infinity,
    masks, objects and arrays without entries are refused unless ``finite=False`` or ``empty=True`` allow them. Half
    precision is read in single: its sums would overflow at 65,504; more than double in double.
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
        return (type(value) is np.ndarray and value.dtype.kind in KINDS[self.kind][0] and value.dtype.char not in ODD
                and 0 < value.size <= MOST
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
        return array.astype(ODD[array.dtype.char]) if array.dtype.char in ODD else array

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


def as_array(argument: str, value, words: str) -> np.ndarray:
    """What NumPy makes of a value, if that is an array of anything."""
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError(argument, "a masked array", f"an array of {words}", "Fill what is masked: array.filled(0).")
    if isinstance(value, range) and len(value) > 10 * MANY:
        raise DtypeError(argument, described(value), f"at most {10 * MANY:,} {words}", "Pass less.")
    try:
        array = np.asarray(value)
    except Exception:
        if isinstance(value, (list, tuple)):
            raise ShapeError(argument, "rows of unequal length", f"a full array of {words}",
                             "Make every row the same length.") from None
        array = np.array(None)
    if array.dtype == object:
        raise DtypeError(argument, described(value), f"an array of {words}", "Pass a NumPy array.")
    if array.size > MOST:
        raise ShapeError(argument, f"an array of shape {array.shape}", f"at most {MOST:,} entries", "Pass less.")
    return array
