r"""Witnesses for a gradient: two ways to find it that know nothing of its derivation.

- the *complex step*, :math:`\partial f = \operatorname{Im} f(p + \mathrm i\,\epsilon) / \epsilon` (Squire and Trapp
  1998): no difference is taken, so nothing cancels, and it is exact to rounding;
- *central differences*, :math:`D(\epsilon) = (f(p + \epsilon) - f(p - \epsilon)) / 2\epsilon`, for whatever refuses
  complex numbers; two of them, extrapolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from ..checks import check_array, check_callable, check_choice, check_type, check_whole
from ..errors import DtypeError, EmptyError, NotFiniteError

__all__ = ["central_differences", "complex_step"]

EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP, REAL_STEP = 1e-30, 1e-4
CENTRAL_STEP = EPS ** (1 / 5)  # truncation grows with its fourth power, rounding with its inverse


def complex_step(f: Callable, params: dict, *, independent: int = 0, entries: dict | None = None) -> dict:
    r"""The gradient of a real function by a complex step: :math:`\operatorname{Im} f(p + \mathrm i\epsilon)/\epsilon`.

    Parameters
    ----------
    f : callable
        ``f(params) -> number``, made of operations that go on with complex numbers: no ``abs``, no comparison, no
        ``conj`` on the way, unless of real parts on purpose.
    params : dict of array
        Where.
    independent : int
        How many leading axes of every parameter are independent instances. ``f`` then returns one number an instance,
        and each evaluation differentiates all of them at once.
    entries : dict, optional
        Tensor name → flat indices of the entries wanted. Other tensors are left out, other entries are NaN.

    Examples
    --------
    >>> complex_step(lambda p: (p["w"] ** 3).sum(), {"w": np.array([1.0, 2.0])})
    {'w': array([ 3., 12.])}
    """
    check_callable("f", f)

    def slope(nudged):
        value = np.asarray(f(nudged(1j * COMPLEX_STEP)))
        if value.dtype.kind not in "fc":
            raise DtypeError("f(params)", f"an array of dtype {value.dtype}", "a number", "Return the sum or the mean.")
        if not np.isfinite(value).all():
            raise NotFiniteError("f(params)", "NaN or infinity", "a finite number", "Take params where f is defined.")
        if value.dtype.kind == "f" and np.any(f(nudged(REAL_STEP)) != f(nudged(-REAL_STEP))):
            raise DtypeError("f(params)", "a real number, though it depends on a complex one", "a complex number",
                             "Leave out abs, conj and real, or ask central_differences.")
        return np.imag(value) / COMPLEX_STEP

    return _entrywise(slope, params, independent, entries)


def central_differences(f: Callable, params: dict, *, independent: int = 0, entries: dict | None = None) -> dict:
    r"""The gradient by central differences, :math:`D(\epsilon) = (f(p + \epsilon) - f(p - \epsilon)) / 2\epsilon`.

    The error of :math:`D` begins with :math:`\epsilon^2`, so :math:`(4 D(\epsilon) - D(2\epsilon)) / 3` is free of that
    term (Richardson 1911). The step is the fifth root of the machine epsilon, which balances what is left with
    rounding. Parameters as in :func:`complex_step`.

    Examples
    --------
    >>> central_differences(lambda p: (p["w"] ** 3).sum(), {"w": np.array([1.0, 2.0])})["w"].round(9).tolist()
    [3.0, 12.0]
    """
    check_callable("f", f)

    def slope(nudged):
        near, far = ((f(nudged(step)) - f(nudged(-step))) / (2 * step) for step in (CENTRAL_STEP, 2 * CENTRAL_STEP))
        return (4 * near - far) / 3

    return _entrywise(slope, params, independent, entries)


def _entrywise(slope: Callable, params: dict, independent: int, entries: dict | None) -> dict:
    """Ask for the slope along one entry after the other; ``slope`` gets a function from a step to nudged parameters."""
    params = {name: value.astype(np.float64) for name, value in named_arrays("params", params).items()}
    check_whole("independent", independent, low=0, high=min(value.ndim for value in params.values()))
    grads = {}
    for name in params if entries is None else check_type("entries", entries, dict):
        shape = params[check_choice("entries", name, params)].shape
        flat = np.full((*shape[:independent], math.prod(shape[independent:])), np.nan)
        chosen = np.arange(flat.shape[-1]) if entries is None else check_array(
            f"entries[{name!r}]", entries[name], shape=("entry",), kind="whole", low=0, high=flat.shape[-1] - 1)
        for entry in chosen:
            flat[..., entry] = check_array("f(params)", slope(partial(_nudged, params, name, entry, independent)),
                                           shape=shape[:independent])
        grads[name] = flat.reshape(shape)
    return grads


def _nudged(params: dict, name: str, entry: int, independent: int, step: complex) -> dict:
    value = np.array(params[name], dtype=np.result_type(np.float64, step), order="C")
    value.reshape(*value.shape[:independent], -1)[..., entry] += step
    return params | {name: value}


def named_arrays(argument: str, arrays, like: dict | None = None) -> dict[str, np.ndarray]:
    """The arrays by name, finite and real; with ``like``, each of the shape of its namesake there."""
    if not check_type(argument, arrays, dict):
        raise EmptyError(argument, "an empty dict", "at least one array", "Pass arrays by name.")
    names = list(arrays) if like is None else [check_choice(argument, name, like) for name in arrays]
    return {name: check_array(f"{argument}[{name!r}]", arrays[name], shape=np.shape((like or arrays)[name]))
            for name in names}
