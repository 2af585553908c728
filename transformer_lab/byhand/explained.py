"""Checks that cost nothing: an operation runs at once, and only if it fails are its arguments looked at.

A training step calls some two hundred small operations; checking each array before each would take longer than the
arithmetic. So the model checks what comes in once, and an operation that a reader calls with arrays that do not fit
explains afterwards what was wrong.
"""

from __future__ import annotations

import functools
import inspect

import numpy as np

from ..checks import check_array
from ..errors import ArgumentError, DtypeError, LabError

__all__ = ["explained", "flags"]


def explained(**shapes: str):
    """A decorator: if the function raises, say which argument has the wrong shape or dtype.

    Parameters
    ----------
    shapes
        For each array its last axes by name; a name that comes twice has one length. ``"int"`` before them means whole
        numbers.

    Examples
    --------
    >>> import numpy as np
    >>> @explained(x="row width", W="width d_out")
    ... def times(x, W):
    ...     return x @ W
    >>> times(np.ones((2, 3)), np.ones((4, 5)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ShapeError: W: got an array of shape (4, 5); allowed is (..., 3, d_out). ...
    """
    def decorate(operation):
        @functools.wraps(operation)
        def with_explanation(*args, **kwargs):
            try:
                return operation(*args, **kwargs)
            except LabError:
                raise
            except Exception as fault:
                arguments = inspect.signature(operation).bind(*args, **kwargs).arguments
                _explain(operation, arguments, shapes, fault)
        return with_explanation
    return decorate


def _explain(operation, arguments: dict, shapes: dict, fault: Exception):
    sizes = {}
    for name, words in shapes.items():
        axes = words.removeprefix("int ").split()
        if arguments.get(name) is not None:
            array = check_array(name, arguments[name], shape=[sizes.get(axis, axis) for axis in axes], leading=True,
                                kind="whole" if words.startswith("int ") else "inexact", finite=False)
            sizes.update(zip(reversed(axes), reversed(array.shape), strict=False))
    raise ArgumentError(", ".join(arguments), f"a {type(fault).__name__} ({fault})", "NumPy arrays that fit each other",
                        f"See help({operation.__name__}) for their shapes.") from fault


def flags(argument: str, mask) -> np.ndarray:
    """A mask as it must be: truth values. An additive one (0 and -inf) would be read the wrong way round."""
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        came = f"an array of dtype {mask.dtype}" if isinstance(mask, np.ndarray) else f"{mask!r:.60}"
        raise DtypeError(argument, came, "an array of truth values, True where one may look",
                         "Pass mask == 0 for a mask that is added to the scores (0 and -inf).")
    return mask
