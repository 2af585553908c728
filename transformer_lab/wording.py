"""How a refusal is worded: what came, in a few characters, and the bounds that it breaks."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

from .errors import ArgumentError, RangeError, UnknownNameError


def check_name(argument: str, path: str) -> str:
    """Refuse what no file can be called."""
    try:
        unwritable = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        unwritable = True
    if unwritable:
        raise ArgumentError(argument, written(path), "a name that a file can have", "Choose another.")
    return path


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
    except Exception:  # it is deeper than Python goes, or its own method fails
        text = "what cannot be written"
    return text if len(text) <= 60 else text[:57] + "..."


def described(value) -> str:
    return f"{written(value)} ({type(value).__name__})"
