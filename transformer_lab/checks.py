"""The rules, asked in the middle of a function, where a signature cannot say them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .plain_rules import MANY, PLAIN
from .rules import Array, Choice, Entries, Is, Number, Seed, Whole
from .wording import in_range

__all__ = ["check_array", "check_callable", "check_choice", "check_entries", "check_flag", "check_number",
           "check_range", "check_seed", "check_type", "check_whole"]

check_flag, check_callable, check_seed = PLAIN[bool], PLAIN[Callable], Seed()


def check_whole(argument: str, value, *, low: int | None = None, high: int | None = None) -> int:
    return Whole(low, MANY if high is None and low is not None else high)(argument, value)


def check_number(argument: str, value, *, low=None, high=None, above=None) -> float:
    return Number(low, high, above)(argument, value)


def check_choice(argument: str, value, allowed: Iterable[str]) -> str:
    return Choice(allowed)(argument, value)


def check_type(argument: str, value, kind: type):
    return value if type(value) is kind else Is(kind)(argument, value)


def check_entries(argument: str, value, names: Iterable[str]) -> dict:
    return Entries(**dict.fromkeys(names))(argument, value)


def check_array(argument: str, value, *, shape: Sequence[int | str | None], kind: str = "float", low=None, high=None,
                leading: bool = False, finite: bool = True, allow_empty: bool = False) -> np.ndarray:
    """An :class:`Array` whose axes are computed; None is an axis of any length."""
    axes = ["..."] * leading + ["_" if axis is None else str(axis) for axis in shape]
    return Array(" ".join(axes), low, high, None, finite, allow_empty, kind)(argument, value)


def check_range(argument: str, value, *, low=None, high=None, what: str = "a number"):
    in_range(argument, value, low, high, what)
    return value
