r"""Is this gradient right? A checker with several witnesses, for any function of named arrays.

A gradient written by hand is compared, entry by entry, with what independent witnesses say, which know nothing of its
derivation; an autograd twin can be one. Two are built in, in :mod:`~transformer_lab.byhand.witnesses`:
the complex step, exact to rounding, and central differences, for whatever refuses complex numbers.

A function with many outputs is projected on a random upstream gradient first. (All ones would be a bad choice: they
cannot see what a softmax's Jacobian does, because its rows sum to zero.) The error of a tensor is relative:
:math:`\max |g - w| \,/\, \max(\max |g|, \max |w|)`, the maxima over the tensor's entries. Where both maxima are below
what rounding leaves of a zero, the tensor counts as zero in both, and the report says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..checks import check_array, check_choice
from ..errors import ArgumentError
from ..randomness import generator
from ..rules import Each, Number, Seed, Whole
from ..signatures import checked
from .witnesses import CENTRAL_STEP, EPS, central_differences, complex_step, named_arrays

__all__ = ["Report", "Row", "central_differences", "check_gradients", "complex_step"]

FLOAT32_TOLERANCE = 1e-5


class Witness(NamedTuple):
    """A name, what it is held to, what rounding leaves of a zero per unit of ``f``, and how it is asked."""

    name: str
    tolerance: float
    blur: float
    ask: Callable


WITNESSES = {"complex_step": Witness("complex_step", 1e-12, 16 * EPS, complex_step),
             "central_differences": Witness("central_differences", 1e-7, 16 * EPS / CENTRAL_STEP, central_differences)}


@checked
def check_gradients(f: Callable, params: dict, grads: dict | Callable, *,
                    witnesses: Each(str | Callable) | str | Callable = ("complex_step", "central_differences"),
                    tolerance: Number(above=0) | None = None, upstream=None, independent: Whole() = 0,
                    entries: Whole(1) | None = None, seed: Seed = 0) -> Report:
    """Compare gradients with what independent witnesses say, in double precision.

    ``f(params)`` is a number, or an array, which is projected on ``upstream``: random where it is not given; anything
    else is for showing how a check can fail. ``grads`` are the gradients in question, of some parameters or all, or a
    function that gives them: ``grads(params)``, and ``grads(params, upstream)`` where ``f`` returns an array. A witness
    is ``"complex_step"``, ``"central_differences"`` or a function like ``grads``, reported under its ``__name__``.

    The ``tolerance`` of a relative error is 1e-12 for the complex step, 1e-7 for central differences, 1e-10 for
    others; 1e-5 for gradients in float32. The first ``independent`` axes of every parameter, every gradient and
    ``f``'s output are instances of their own. With ``entries`` so many of each tensor are checked, drawn at random.

    >>> params = {"w": np.array([1.0, 2.0])}
    >>> check_gradients(lambda p: (p["w"] ** 2).sum(), params, {"w": 2 * params["w"]})
    tensor  witness              relative error
    w       complex_step         ✓ ≤ 1e-12
    w       central_differences  ✓ ≤ 1e-07
    The gradient is right.
    >>> check_gradients(lambda p: (p["w"] ** 2).sum(), params, {"w": params["w"]}).message
    'The gradient is wrong: w[1] is 2, but complex_step says 4 (relative error 0.5, allowed 1e-12).'
    """
    params = named_arrays("params", params, independent)
    double = {name: value.astype(np.float64) for name, value in params.items()}
    number, drawn, size = one_number(f, double, upstream, independent, seed)
    if isinstance(grads, dict) and drawn is not upstream:
        raise ArgumentError("grads", "a dict, while f returns an array", "a callable grads(params, upstream)",
                            "Its gradients depend on the upstream gradient, which is drawn here.")
    upstream = drawn
    given = named_arrays("grads", called(grads, params, upstream) if callable(grads) else grads, like=params)
    chosen = {name: drawn_entries(value, independent, entries, seed) for name, value in given.items()}
    rows = []
    for witness in map(witness_of, witnesses if isinstance(witnesses, tuple) else (witnesses,)):
        if witness.name in WITNESSES:
            found = witness.ask(number, double, independent=independent, entries=chosen)
        else:
            found = named_arrays(f"{witness.name}(params)", called(witness.ask, double, upstream), like=given)
        rows += [compared(name, witness, given[name], found[name], chosen[name], size, tolerance) for name in given]
    return Report(tuple(rows))


def one_number(f: Callable, params: dict, upstream, independent: int, seed: int) -> tuple:
    """``f`` as one number an instance; the upstream gradient, None where there is none; and the size of the terms."""
    value = check_array("f(params)", f(params), shape=(), leading=True)
    if value.ndim == independent:
        return f, None, np.abs(value)
    if upstream is None:
        upstream = generator(seed, "upstream gradient").normal(size=value.shape)
    check_array("upstream", upstream, shape=value.shape)
    inner = tuple(range(independent, value.ndim))
    return lambda p: (upstream * f(p)).sum(axis=inner), upstream, np.abs(upstream * value).sum(axis=inner)


def called(function: Callable, params: dict, upstream) -> dict:
    dtype = np.result_type(*params.values())
    return function(params) if upstream is None else function(params, upstream.astype(dtype))


def drawn_entries(value: np.ndarray, independent: int, entries: int | None, seed: int) -> np.ndarray:
    """Flat indices of the entries to check."""
    size = math.prod(value.shape[independent:])
    if entries is None or entries >= size:
        return np.arange(size)
    return np.sort(generator(seed, "entries to check").choice(size, entries, replace=False))


def compared(name: str, witness: Witness, given, found, chosen, size, tolerance) -> Row:
    """The row of one tensor: relative errors, one an instance, and the entry that is furthest off in the worst."""
    flat_given, flat_found = (np.reshape(value, (*size.shape, -1))[..., chosen] for value in (given, found))
    gap = np.abs(flat_given - flat_found)
    whole = np.abs(given).max(axis=tuple(range(size.ndim, given.ndim)))
    scale = np.maximum(whole, np.abs(flat_found).max(axis=-1))
    zero = scale <= witness.blur * size
    errors = np.where(zero, 0.0, gap.max(axis=-1) / np.where(zero, 1.0, scale))
    instance = np.unravel_index(np.argmax(errors), errors.shape)
    entry = int(np.argmax(gap[instance]))
    index = (*instance, *np.unravel_index(chosen[entry], given.shape[size.ndim:]))
    if tolerance is None:
        tolerance = witness.tolerance if given.dtype == np.float64 else max(witness.tolerance, FLOAT32_TOLERANCE)
    return Row(name, witness.name, errors, tolerance, tuple(map(int, index)), float(flat_given[instance][entry]),
               float(flat_found[instance][entry]), bool(zero.all()))


def witness_of(name) -> Witness:
    if callable(name):
        return Witness(getattr(name, "__name__", "witness"), 1e-10, 16 * EPS, name)
    return WITNESSES[check_choice("witnesses", name, WITNESSES)]


@dataclass(frozen=True)
class Row:
    """One tensor before one witness. ``errors`` holds the relative error of each independent instance; ``index``,
    ``given`` and ``expected`` belong to the worst entry. ``zero``: both are zero so far as the witness can see.
    """

    tensor: str
    witness: str
    errors: np.ndarray
    tolerance: float
    index: tuple[int, ...]
    given: float
    expected: float
    zero: bool

    @property
    def error(self) -> float:
        """The largest of the errors."""
        return float(np.max(self.errors))

    @property
    def ok(self) -> bool:
        """Whether every instance keeps the tolerance. NaN keeps none."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        found = "both are zero" if self.zero else f"≤ {self.tolerance:.0e}" if self.ok else (
            f"{self.error:.2g} > {self.tolerance:.0e}")
        return f"{'✓' if self.ok else '✗'} {found}"


@dataclass(frozen=True)
class Report:
    """All rows of a check: ``report["W_QK", "complex_step"].error``.

    Printed, it shows for each row whether the tolerance was kept, and the size of the error only where it was not:
    what is left of a right gradient's error is rounding, and differs from machine to machine.
    """

    rows: tuple[Row, ...]

    def __getitem__(self, key: tuple[str, str]) -> Row:
        return {(row.tensor, row.witness): row for row in self.rows}[key]

    @property
    def ok(self) -> bool:
        """Whether every row keeps its tolerance."""
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> Row:
        """The row that goes furthest beyond its tolerance, or comes closest to it."""
        return max(self.rows, key=lambda row: np.inf if np.isnan(row.error) else row.error / row.tolerance)

    @property
    def message(self) -> str:
        """One sentence; it names the worst entry if there is a fault."""
        row = self.worst
        if row.ok:
            return "The gradient is right."
        entry = f"{row.tensor}[{', '.join(map(str, row.index))}]"
        return (f"The gradient is wrong: {entry} is {row.given:.4g}, but {row.witness} says {row.expected:.4g} "
                f"(relative error {row.error:.2g}, allowed {row.tolerance:.0e}).")

    def __str__(self) -> str:
        table = [("tensor", "witness", "relative error"), *((row.tensor, row.witness, str(row)) for row in self.rows)]
        left, right = (max(len(line[column]) for line in table) for column in (0, 1))
        lines = [f"{tensor:<{left}}  {witness:<{right}}  {found}" for tensor, witness, found in table]
        return "\n".join([*lines, self.message])

    __repr__ = __str__
