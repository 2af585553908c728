"""Checks on arguments, so that bad input gets a sentence and never a traceback from deep inside.

Each check returns the value in the form that the function goes on with, or raises one of
the package's own errors (:mod:`transformer_lab.errors`).
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence

import numpy as np

from .errors import DtypeError, EmptyError, NotFiniteError, RangeError, ShapeError, UnknownNameError

__all__ = ["check_array", "check_callable", "check_choice", "check_entries", "check_flag", "check_number",
           "check_range", "check_seed", "check_type", "check_whole"]

Axis = int | str | None

#: A count without a stated bound: beyond this it is a slip of the hand, and would run for hours.
MANY = 1_000_000

KINDS = {
    "float": (np.floating, "real floating-point numbers", "Convert with array.astype(np.float64)."),
    "inexact": (np.inexact, "floating-point numbers, real or complex", "Convert with array.astype(np.float64)."),
    "whole": (np.integer, "whole numbers", "Convert with array.astype(np.int64)."),
    "flag": (np.bool_, "truth values", "Convert with array.astype(bool)."),
}


def check_whole(argument: str, value, *, low: int | None = None, high: int | None = None) -> int:
    """A whole number between ``low`` and ``high``, both included.

    >>> check_whole("period", 5, low=2, high=26)
    5
    >>> check_whole("period", 2.5, low=2, high=26)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DtypeError: period: got 2.5 (float); allowed is a whole number from 2 to 26. Pass an int.
    """
    allowed = "a whole number" + _between(low, high)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise DtypeError(argument, _described(value), allowed, "Pass an int.")
    check_range(argument, value, low=low, high=high, what="a whole number")
    if high is None and low is not None and value > MANY:
        raise RangeError(argument, _described(value), f"{allowed}, and at most {MANY}", "Count again.")
    return int(value)


def check_number(argument: str, value, *, low: float | None = None, high: float | None = None,
                 above: float | None = None) -> float:
    """A finite real number between ``low`` and ``high`` (both included), and greater than ``above``.

    >>> check_number("temperature", 0.5, above=0)
    0.5
    >>> check_number("temperature", 0, above=0)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: temperature: got 0; allowed is a number above 0. Choose a value in this range.
    """
    allowed = "a number" + (f" above {above}" if above is not None else "") + _between(low, high)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise DtypeError(argument, _described(value), allowed, "Pass a float.")
    if (isinstance(value, numbers.Integral) and abs(int(value)) > 2**1023) or not math.isfinite(value):
        raise NotFiniteError(argument, _described(value), allowed, "Pass a finite number.")
    if above is not None and value <= above:
        raise RangeError(argument, str(value), allowed, "Choose a value in this range.")
    check_range(argument, value, low=low, high=high, what=allowed.removesuffix(_between(low, high)))
    return float(value)


def check_flag(argument: str, value) -> bool:
    """True or False, and nothing that merely looks like it.

    >>> check_flag("distinct", "yes")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DtypeError: distinct: got 'yes' (str); allowed is True or False. Pass a bool.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise DtypeError(argument, _described(value), "True or False", "Pass a bool.")
    return bool(value)


def check_choice(argument: str, value, allowed: Iterable[str]) -> str:
    """One of a few names; a near miss is answered with the name that was probably meant.

    >>> check_choice("phase", "wriet", ["look", "write", "joint"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: phase: got 'wriet'; allowed is one of 'look', ... Did you mean 'write'?
    """
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else "Use one of these names."
    raise UnknownNameError(argument, repr(value), "one of " + ", ".join(map(repr, names)), remedy)


def check_seed(argument: str, value) -> int:
    """A seed: a whole number from 0 to 2**63 - 1, so that it fits a counter-based generator's key.

    >>> check_seed("seed", 7)
    7
    """
    return check_whole(argument, value, low=0, high=2**63 - 1)


def check_type(argument: str, value, kind: type):
    """A value of one class: a configuration, a task, a batch.

    >>> check_type("tokens", [1, 2], dict)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DtypeError: tokens: got [1, 2] (list); allowed is a dict. Pass an object of this class.
    """
    if not isinstance(value, kind):
        raise DtypeError(argument, _described(value), f"a {kind.__name__}", "Pass an object of this class.")
    return value


def check_callable(argument: str, value):
    """A function, or an object that can be called like one.

    >>> check_callable("batches", 3)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DtypeError: batches: got 3 (int); allowed is a function. Pass a callable.
    """
    if not callable(value):
        raise DtypeError(argument, _described(value), "a function", "Pass a callable.")
    return value


def check_entries(argument: str, value, names: Iterable[str]) -> dict:
    """A dict that has these entries, and maybe more: parameters, activations.

    >>> check_entries("params", {"W_QK": 1}, ["W_QK", "W_OV"])
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: params: got no 'W_OV'; allowed is a dict with 'W_QK', 'W_OV'. Add it.
    """
    for name in (wanted := list(names)):
        if name not in check_type(argument, value, dict):
            raise UnknownNameError(argument, f"no {name!r}", "a dict with " + ", ".join(map(repr, wanted)), "Add it.")
    return value


def check_array(argument: str, value, *, shape: Sequence[Axis], kind: str = "float", low=None, high=None,
                leading: bool = False, finite: bool = True, allow_empty: bool = False) -> np.ndarray:
    """An array of a stated shape and kind.

    Parameters
    ----------
    argument : str
        The argument's name, for the sentence.
    value : array_like
        What the caller passed. Its dtype is kept.
    shape : sequence of int, str or None
        One entry an axis. An int must match; a name or None takes any length, and a name
        that comes twice must have one length. The name is what the sentence says.
    kind : {"float", "inexact", "whole", "flag"}
        The kind of number.
    low, high : number, optional
        Bounds on every entry, both included.
    leading : bool
        Whether further axes may come before those in ``shape`` (an axis of seeds).
    finite, allow_empty : bool
        Whether NaN and infinity are refused, and whether an array without entries passes.

    Examples
    --------
    >>> check_array("tokens", [[0, 1, 2]], shape=("batch", "pos"), kind="whole", low=0, high=25).shape
    (1, 3)
    >>> check_array("tokens", [[0.5]], shape=("batch", "pos"), kind="whole")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DtypeError: tokens: got an array of dtype float64; allowed is whole numbers. Convert ...
    """
    base, words, remedy = KINDS[kind]
    array = _as_array(argument, value, words)
    if not np.issubdtype(array.dtype, base) and not (array.size == 0 and isinstance(value, (list, tuple))):
        raise DtypeError(argument, f"an array of dtype {array.dtype}", words, remedy)
    _fits(argument, array, tuple(shape), leading)
    if array.size == 0 and not allow_empty:
        raise EmptyError(argument, f"an empty array of shape {array.shape}", "at least one entry", "Pass some data.")
    if finite and array.size and np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise NotFiniteError(argument, f"{array[where]} at index {where}", "finite numbers",
                             "Look for a division by zero or an overflow before this call.")
    if array.size and (low is not None or high is not None):
        for extreme in (array.min(), array.max()):
            check_range(argument, extreme, low=low, high=high, what="entries")
    return array


def _as_array(argument: str, value, words: str) -> np.ndarray:
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError(argument, "a masked array", f"an array of {words}", "Fill what is masked: array.filled(0).")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        raise ShapeError(argument, "rows of unequal length", f"a full array of {words}",
                         "Make every row the same length.") from None
    if array.dtype == object:
        raise DtypeError(argument, _described(value), f"an array of {words}", "Pass a NumPy array.")
    return array


def _fits(argument: str, array: np.ndarray, shape: tuple[Axis, ...], leading: bool) -> None:
    axes = array.shape[array.ndim - len(shape):] if leading and array.ndim >= len(shape) else array.shape
    fits, sizes = len(axes) == len(shape), {}
    for length, axis in zip(axes, shape, strict=False):
        fits &= axis is None or length == (sizes.setdefault(axis, length) if isinstance(axis, str) else axis)
    if not fits:
        wanted = ", ".join("any" if axis is None else str(axis) for axis in shape) + ("," if len(shape) == 1 else "")
        raise ShapeError(argument, f"an array of shape {array.shape}", f"({'..., ' if leading else ''}{wanted})",
                         "Reshape it, or pass the array that belongs here.")


def check_range(argument: str, value, *, low=None, high=None, what: str = "a number"):
    """A number between ``low`` and ``high``, both included, of a kind that the sentence calls ``what``.

    >>> check_range("words", 0, low=1, what="a length")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: words: got 0; allowed is a length of at least 1. Choose a value in this range.
    """
    if (low is not None and value < low) or (high is not None and value > high):
        raise RangeError(argument, str(value), what + _between(low, high), "Choose a value in this range.")
    return value


def _between(low, high) -> str:
    if low is not None and low == high:
        return f" equal to {low}"
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else f" of at most {high}" if high is not None else ""


def _described(value) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = "a very large number"
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
