r"""Is this gradient right? A checker with several witnesses, for any function of named arrays.

A gradient written by hand is compared, entry by entry, with what independent witnesses say: the complex step and
central differences (:mod:`~transformer_lab.byhand.witnesses`), and any other way to get it: an autograd twin, say.

A function with many outputs is projected on a random upstream gradient first. (All ones would be a bad choice: they
cannot see what a softmax's Jacobian does, because its rows sum to zero.) The error of a tensor is relative:
:math:`\max |g - w| \,/\, \max(\max |g|, \max |w|)`, the maxima over the tensor's entries. Where both maxima are below
what rounding leaves of a zero, the tensor counts as zero in both, and the report says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..checks import check_array, check_callable, check_choice, check_number, check_whole
from ..errors import ArgumentError, DtypeError, EmptyError
from ..randomness import generator
from .gradreport import Report, Row
from .witnesses import CENTRAL_STEP, EPS, central_differences, complex_step, named_arrays

__all__ = ["central_differences", "check_gradients", "complex_step"]

FLOAT32_TOLERANCE = 1e-5


class Witness(NamedTuple):
    """A name, what it is held to, what rounding leaves of a zero per unit of ``f``, and how it is asked."""

    name: str
    tolerance: float
    blur: float
    ask: Callable


BUILT_IN = {"complex_step": Witness("complex_step", 1e-12, 16 * EPS, complex_step),
            "central_differences": Witness("central_differences", 1e-7, 16 * EPS / CENTRAL_STEP, central_differences)}


def check_gradients(f: Callable, params: dict, grads: dict | Callable, *,
                    witnesses=("complex_step", "central_differences"), tolerance: float | None = None,
                    upstream=None, independent: int = 0, entries: int | None = None, seed: int = 0) -> Report:
    """Compare gradients with what independent witnesses say.

    Parameters
    ----------
    f : callable
        ``f(params)``: a number, or an array, which is projected on ``upstream``.
    params : dict of array
        Where to check. The witnesses compute in double precision, whatever the dtype.
    grads : dict of array, or callable
        The gradients in question, for all parameters or some. Where ``f`` returns an array they depend on the upstream
        gradient: pass a callable ``grads(params, upstream) -> dict``. Where it returns a number, a callable is
        called with ``params`` alone.
    witnesses : sequence of str or callable
        ``"complex_step"``, ``"central_differences"``, or a callable like ``grads``, reported under its ``__name__``.
    tolerance : float, optional
        Largest relative error. By default 1e-12 for the complex step, 1e-7 for central differences, 1e-10 for others;
        1e-5 for gradients in float32.
    upstream : array, optional
        The gradient of ``f``'s output. By default random; anything else is for showing how a check can fail.
    independent : int
        How many leading axes of every parameter, every gradient and ``f``'s output are independent instances.
    entries : int, optional
        Check so many entries of each tensor, drawn at random, and not all of them.
    seed : int
        Of what is drawn.

    Returns
    -------
    Report
        ``report.ok``; printed, a table, and the worst entry if there is a fault.

    Examples
    --------
    >>> params = {"w": np.array([1.0, 2.0])}
    >>> check_gradients(lambda p: (p["w"] ** 2).sum(), params, {"w": 2 * params["w"]})
    tensor  witness              relative error
    w       complex_step         ✓ ≤ 1e-12
    w       central_differences  ✓ ≤ 1e-07
    The gradient is right.
    >>> check_gradients(lambda p: (p["w"] ** 2).sum(), params, {"w": params["w"]}).message
    'The gradient is wrong: w[1] is 2, but complex_step says 4 (relative error 0.5, allowed 1e-12).'
    """
    check_callable("f", f)
    params = named_arrays("params", params)
    check_whole("independent", independent, low=0, high=min(value.ndim for value in params.values()))
    double = {name: value.astype(np.float64) for name, value in params.items()}
    number, drawn, size = _one_number(f, double, upstream, independent, seed)
    if isinstance(grads, dict) and drawn is not upstream:
        raise ArgumentError("grads", "a dict, while f returns an array", "a callable grads(params, upstream)",
                            "Its gradients depend on the upstream gradient, which is drawn here.")
    upstream = drawn
    given = named_arrays("grads", _called(grads, params, upstream) if callable(grads) else grads, like=params)
    chosen = {name: _drawn(value, independent, entries, seed) for name, value in given.items()}
    rows = []
    for witness in map(_witness, _several(witnesses)):
        if witness.name in BUILT_IN:
            found = witness.ask(number, double, independent=independent, entries=chosen)
        else:
            found = named_arrays(f"{witness.name}(params)", _called(witness.ask, double, upstream), like=given)
        rows += [_compared(name, witness, given[name], found[name], chosen[name], size, tolerance) for name in given]
    return Report(tuple(rows))


def _one_number(f: Callable, params: dict, upstream, independent: int, seed: int) -> tuple:
    """``f`` as one number an instance; the upstream gradient, None where there is none; and the size of the terms."""
    value = check_array("f(params)", f(params), shape=(None,) * np.ndim(f(params)))
    if value.ndim == independent:
        return f, None, np.abs(value)
    if upstream is None:
        upstream = generator(seed, "upstream gradient").normal(size=value.shape)
    check_array("upstream", upstream, shape=value.shape)
    inner = tuple(range(independent, value.ndim))
    return lambda p: (upstream * f(p)).sum(axis=inner), upstream, np.abs(upstream * value).sum(axis=inner)


def _called(function: Callable, params: dict, upstream) -> dict:
    dtype = np.result_type(*params.values())
    return function(params) if upstream is None else function(params, upstream.astype(dtype))


def _drawn(value: np.ndarray, independent: int, entries: int | None, seed: int) -> np.ndarray:
    """Flat indices of the entries to check."""
    size = math.prod(value.shape[independent:])
    if entries is None or check_whole("entries", entries, low=1) >= size:
        return np.arange(size)
    return np.sort(generator(seed, "entries to check").choice(size, entries, replace=False))


def _compared(name: str, witness: Witness, given, found, chosen, size, tolerance) -> Row:
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
    return Row(name, witness.name, errors, check_number("tolerance", tolerance, above=0), tuple(map(int, index)),
               float(flat_given[instance][entry]), float(flat_found[instance][entry]), bool(zero.all()))


def _witness(name) -> Witness:
    if callable(name):
        return Witness(getattr(name, "__name__", "witness"), 1e-10, 16 * EPS, name)
    return BUILT_IN[check_choice("witnesses", name, BUILT_IN)]


def _several(witnesses) -> tuple:
    if isinstance(witnesses, str) or callable(witnesses):
        return (witnesses,)
    if not isinstance(witnesses, Sequence):
        raise DtypeError("witnesses", repr(witnesses), "a sequence of names and callables", "Pass ('complex_step',).")
    if not witnesses:
        raise EmptyError("witnesses", "none", "at least one", "Pass ('complex_step',).")
    return tuple(witnesses)
