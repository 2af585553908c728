"""Parameters by name: those of one layer, the axes that all lead with, and all of them as one vector and back."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..checks import check_type
from ..errors import DtypeError, ShapeError, UnknownNameError
from ..rules import By, Each, Inexact, Whole
from ..signatures import checked

__all__ = ["layer_of", "pack", "unpack"]


#: Codes of the dtypes that a pass calculates in (sums in half precision overflow), and arrays that mean something else.
COUNTED, ODD = np.typecodes["AllInteger"] + np.typecodes["AllFloat"].replace("e", ""), (np.ma.MaskedArray, np.matrix)


def lead_of(argument: str, arrays: dict, shapes: dict) -> tuple[int, ...]:
    """The leading axes that all arrays share; a wrong name, kind or shape is named. NaN is left to training."""
    for name in arrays.keys() ^ shapes.keys():
        came = f"{name!r} besides" if name in arrays else f"no {name!r}"
        raise UnknownNameError(argument, came, "the names in parameter_shapes(config)", "Take them from init(config).")
    lead = None
    for name, shape in shapes.items():
        value = arrays[name]
        if not (isinstance(value, np.ndarray) and value.dtype.char in COUNTED) or isinstance(value, ODD):
            came = f"an array of dtype {value.dtype}" if type(value) is np.ndarray else f"a {type(value).__name__}"
            raise DtypeError(f"{argument}[{name!r}]", came, "an array of float32 or float64", "Convert it.")
        lead = value.shape[:-len(shape)] if lead is None else lead
        if value.shape != lead + shape:
            raise ShapeError(f"{argument}[{name!r}]", f"an array of shape {value.shape}", f"{lead + shape}",
                             "Take them from init(config).")
    return lead


@checked
def layer_of(params: dict, layer: Whole()) -> dict:
    """The parameters of one block, by names without the prefix.

    >>> layer_of({"W_E": 1, "blocks.0.W_Q": 2, "blocks.1.W_Q": 3}, 1)
    {'W_Q': 3}
    """
    return {short: params[name] for name, short in names_in(tuple(params), layer)}


@cache
def names_in(names, layer):
    """The names in a layer, long and short; remembered, for a training step asks four times."""
    prefix = f"blocks.{layer}."
    return [(name, name.removeprefix(prefix)) for name in names if name.startswith(prefix)]


def named_shapes(argument, shapes):
    return {name: Each(Whole(), low=0)(f"{argument}[{name!r}]", shape)
            for name, shape in check_type(argument, shapes, dict).items()}


@checked
def pack(arrays: dict, shapes: By(named_shapes), out: Inexact("... n", finite=False) | None = None) -> np.ndarray:
    """All arrays, end to end, as one vector (..., n); leading axes (seeds) stay.

    >>> pack({"W": np.ones((2, 2)), "b": np.zeros(2)}, {"W": (2, 2), "b": (2,)}).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    lead = lead_of("arrays", arrays, shapes)
    parts = [arrays[name].reshape(*lead, -1) for name in shapes]
    if out is not None and out.shape != (wanted := (*lead, sum(part.shape[-1] for part in parts))):
        raise ShapeError("out", f"an array of shape {out.shape}", f"{wanted}", "Leave it out.")
    return np.concatenate(parts, axis=-1, out=out)


@checked
def unpack(vector: Inexact("... n", finite=False), shapes: By(named_shapes)) -> dict:
    """Named views into a vector (..., n): changing the vector changes them.

    >>> {name: value.tolist() for name, value in unpack(np.arange(6.0), {"W": (2, 2), "b": (2,)}).items()}
    {'W': [[0.0, 1.0], [2.0, 3.0]], 'b': [4.0, 5.0]}
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    if not len(ends) or ends[-1] != vector.shape[-1]:
        raise ShapeError("vector", f"an array of shape {vector.shape}", f"(..., {sum(ends[-1:])}), as all shapes need",
                         "Take it from pack(arrays, shapes).")
    parts = zip(shapes.items(), np.split(vector, ends[:-1], axis=-1), strict=True)
    return {name: part.reshape(*vector.shape[:-1], *shape) for (name, shape), part in parts}
