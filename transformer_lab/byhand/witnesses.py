r"""Two witnesses of a gradient that know nothing of its derivation: the complex step and central differences.

- the *complex step*, :math:`\partial f = \operatorname{Im} f(p + \mathrm i\,\epsilon) / \epsilon` (Squire and Trapp
  1998): no difference is taken, so nothing cancels, and it is exact to rounding;
- *central differences*, :math:`D(\epsilon) = (f(p + \epsilon) - f(p - \epsilon)) / 2\epsilon`, for whatever refuses
  complex numbers. The error of :math:`D` begins with :math:`\epsilon^2`, so :math:`(4 D(\epsilon) - D(2\epsilon)) / 3`
  is free of that term (Richardson 1911). The step is the fifth root of the machine epsilon: what is left grows with
  its fourth power, rounding with its inverse.

A function that forgets the imaginary part on its way (``abs``, ``round``, ``real``) would be given the derivative 0.
The commonest are refused by name; what else may be lost is found out by a difference along one random direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from ..checks import check_array, check_choice, check_type
from ..errors import DtypeError, EmptyError, NotFiniteError, RangeError
from ..randomness import generator
from ..rules import Whole
from ..signatures import checked

__all__ = ["central_differences", "complex_step"]

EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP, PROBE_STEP, CENTRAL_STEP = 1e-30, 1e-6, EPS ** (1 / 5)

#: What forgets the imaginary part of a complex number, and with it the derivative.
FORGETFUL = (np.absolute, np.sign, np.conjugate, np.angle, np.round, np.rint, np.vdot, np.linalg.norm)


class Complex(np.ndarray):
    """Parameters on their way through ``f``: a step that would lose the derivative on the way is refused."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **settings):
        remembered(ufunc, inputs)
        inputs, out = ([np.asarray(value) if isinstance(value, Complex) else value for value in values]
                       for values in (inputs, out))
        result = getattr(ufunc, method)(*inputs, **settings | ({"out": tuple(out)} if out else {}))
        return result.view(Complex) if type(result) is np.ndarray else result

    def __array_function__(self, func, types, args, kwargs):
        remembered(func, args)
        return super().__array_function__(func, types, args, kwargs)

    def round(self, *args, **settings):
        return np.round(self, *args, **settings)

    def __abs__(self):
        return np.absolute(self)


def remembered(func: Callable, inputs: tuple) -> None:
    if func in FORGETFUL and any(np.iscomplexobj(value) for value in inputs):
        raise DtypeError("f", f"{func.__name__} of a complex number", "operations with a complex derivative",
                         "Leave it out, take it of real parts, or ask central_differences.")


@checked
def complex_step(f: Callable, params: dict, *, independent: Whole() = 0, entries: dict | None = None) -> dict:
    r"""The gradient of a real function by a complex step: :math:`\operatorname{Im} f(p + \mathrm i\epsilon)/\epsilon`.

    ``f(params)`` is made of operations that go on with complex numbers: no ``abs``, no comparison, no ``conj`` on the
    way, unless of real parts on purpose. The first ``independent`` axes of every parameter are instances of their own:
    ``f`` then returns one number an instance, and each evaluation differentiates all of them at once. ``entries`` are
    flat indices by name of the entries wanted; other tensors are left out, other entries are NaN.

    >>> complex_step(lambda p: (p["w"] ** 3).sum(), {"w": np.array([1.0, 2.0])})
    {'w': array([ 3., 12.])}
    """
    def slope(nudged):
        params = nudged(1j * COMPLEX_STEP)
        value = np.asarray(f({name: value.view(Complex) for name, value in params.items()}))
        if value.dtype.kind not in "fc":
            raise DtypeError("f(params)", f"an array of dtype {value.dtype}", "a number", "Return the sum or the mean.")
        if not np.isfinite(value).all():
            raise NotFiniteError("f(params)", "NaN or infinity", "a finite number", "Take params where f is defined.")
        return np.imag(value) / COMPLEX_STEP

    grads = entrywise(slope, params, independent, entries)
    params = doubles(params, independent)
    for lost in (True, False):
        check_along(f, params, {name: (grad == 0) == lost for name, grad in grads.items()}, grads, independent)
    return grads


def check_along(f: Callable, params: dict, where: dict, grads: dict, independent: int) -> None:
    """Compare gradients with a difference along one random direction, in the entries that ``where`` selects.

    The step is so short that what is left of the curve is far below the hundredth that is allowed.
    """
    where = {name: chosen & np.isfinite(grads[name]) for name, chosen in where.items()}
    if not any(chosen.any() for chosen in where.values()):
        return
    along = {name: chosen * generator(0, f"direction {name}").normal(size=chosen.shape)
             for name, chosen in where.items()}
    ahead, behind = (real_value(f, params | {name: params[name] + step * PROBE_STEP * along[name] for name in along})
                     for step in (1, -1))
    terms = [(np.where(where[name], grads[name], 0) * along[name]).reshape(*ahead.shape, -1) for name in along]
    said, size = (sum(part(term).sum(axis=-1) for term in terms) for part in (np.positive, np.abs))
    found = (ahead - behind) / (2 * PROBE_STEP)
    blur = 1e4 * np.finfo(ahead.dtype).eps * np.maximum(np.abs(ahead), np.abs(behind)) / PROBE_STEP
    if np.any(np.abs(found - said) > blur + 0.01 * np.maximum(size, np.abs(found))):
        at = np.argmax(np.abs(found - said))
        raise DtypeError("f", f"a function whose slope is {np.ravel(found)[at]:.3g} along a line on which the complex "
                         f"step says {np.ravel(said)[at]:.3g}", "operations with a complex derivative",
                         "Leave out abs, round, imag and conj, or ask central_differences.")


def real_value(f: Callable, params: dict) -> np.ndarray:
    """What ``f`` returns for real parameters, which may be of a complex dtype."""
    value = np.asarray(f(params))
    if value.dtype.kind == "c" and (value.imag == 0).all():
        value = value.real
    return check_array("f(params)", value, shape=(), leading=True)


@checked
def central_differences(f: Callable, params: dict, *, independent: Whole() = 0, entries: dict | None = None) -> dict:
    r"""The gradient by two central differences, extrapolated: :math:`(4 D(\epsilon) - D(2\epsilon)) / 3`. Arguments as
    for :func:`complex_step`.

    >>> central_differences(lambda p: (p["w"] ** 3).sum(), {"w": np.array([1.0, 2.0])})["w"].round(9).tolist()
    [3.0, 12.0]
    """
    def value(params):
        return check_array("f(params)", f(params), shape=(), leading=True)

    def slope(nudged):
        near, far = ((value(nudged(step)) - value(nudged(-step))) / (2 * step)
                     for step in (CENTRAL_STEP, 2 * CENTRAL_STEP))
        return (4 * near - far) / 3

    return entrywise(slope, params, independent, entries)


def entrywise(slope: Callable, params: dict, independent: int, entries: dict | None) -> dict:
    """Ask for the slope along one entry after the other; ``slope`` gets a function from a step to nudged parameters."""
    params, grads = doubles(params, independent), {}
    for name in params if entries is None else entries:
        shape = params[check_choice("entries", name, params)].shape
        flat = np.full((*shape[:independent], math.prod(shape[independent:])), np.nan)
        chosen = np.arange(flat.shape[-1]) if entries is None else check_array(
            f"entries[{name!r}]", entries[name], shape=("entry",), kind="whole", low=0, high=flat.shape[-1] - 1)
        for entry in chosen:
            flat[..., entry] = check_array("f(params)", slope(partial(nudged, params, name, entry, independent)),
                                           shape=shape[:independent])
        grads[name] = flat.reshape(shape)
    return grads


def doubles(params: dict, independent: int) -> dict:
    return {name: value.astype(np.float64) for name, value in named_arrays("params", params, independent).items()}


def nudged(params: dict, name: str, entry: int, independent: int, step: complex) -> dict:
    value = np.array(params[name], dtype=np.result_type(np.float64, step), order="C")
    value.reshape(*value.shape[:independent], -1)[..., entry] += step
    return params | {name: value}


def named_arrays(argument: str, arrays, independent: int = 0, like: dict | None = None) -> dict[str, np.ndarray]:
    """The arrays by name, finite and real; with ``like``, each of the shape of its namesake there."""
    if not check_type(argument, arrays, dict):
        raise EmptyError(argument, "an empty dict", "at least one array", "Pass arrays by name.")
    names = list(arrays) if like is None else [check_choice(argument, name, like) for name in arrays]
    found = {name: check_array(f"{argument}[{name!r}]", arrays[name], shape=np.shape(like[name]) if like else (),
                               leading=not like) for name in names}
    if independent > (most := min(value.ndim for value in found.values())):
        raise RangeError("independent", str(independent), f"at most {most}, as many axes as all have", "Lower it.")
    return found
