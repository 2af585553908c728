"""Counting multiplications and additions by doing them on numbers that keep count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from ..checks import check_array
from ..signatures import checked
from .ablation import as_numpy

__all__ = ["count_operations"]


class _Counted:
    """A number that writes down what is done with it."""

    def __init__(self, value, tally):
        self.value, self.tally = value, tally

    def _result(self, operation, value):
        self.tally[operation] += 1
        return _Counted(value, self.tally)

    def __mul__(self, other):
        return self._result("multiply", self.value * getattr(other, "value", other))

    def __add__(self, other):
        return self._result("add", self.value + getattr(other, "value", other))

    __rmul__, __radd__ = __mul__, __add__


@checked
def count_operations(function: Callable, *arrays) -> dict[str, int]:
    """How many multiplications and additions ``function`` does on the entries of its arrays: every entry is replaced
    by a number that counts, so this is a measurement and no estimate; it is slow, and meant for small arrays.

    >>> count_operations(lambda a, b: a @ b, np.ones((2, 3)), np.ones((3, 4)))
    {'multiply': 24, 'add': 16}
    >>> count_operations(lambda table: table[[0, 2, 2]], np.ones((3, 4)))
    {'multiply': 0, 'add': 0}
    """
    tally = Counter()
    counted = np.frompyfunc(lambda value: _Counted(value, tally), 1, 1)
    function(*(counted(check_array("arrays", as_numpy(array), shape=(), leading=True)) for array in arrays))
    return {"multiply": tally["multiply"], "add": tally["add"]}
