"""What the general figures are given, put in one form: panels by title, lines by name, words for every axis.

A figure takes an ``xarray.DataArray`` (its dimensions and their ``long_name`` and ``units`` say
what stands where), or arrays in dicts: by name for one panel, by title and name for several.
The last axis of an array runs along the figure's axis; all axes before it are runs (seeds).
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from ..checks import check_array, check_choice, check_number, check_type
from ..errors import EmptyError, ShapeError

__all__ = ["by_title", "capital", "coordinates", "levels", "listed", "nested", "numbers", "pair", "per_panel", "runs",
           "several", "span", "told", "words"]


def is_labelled(data) -> bool:
    """Whether this is an ``xarray.DataArray``; the library itself is not needed to draw."""
    return hasattr(data, "dims") and hasattr(data, "coords")


def words(data, dim: str | None, given: str | None, argument: str = "label") -> str:
    """The words of an axis (of the values, where ``dim`` is None): those given, or the data's own, with their unit."""
    if given is not None:
        return check_type(argument, given, str)
    if not is_labelled(data):
        return ""
    axis = data if dim is None else data[dim]
    name = str(axis.attrs.get("long_name", dim or data.name or "")).replace("_", " ")
    return f"{name} ({axis.attrs['units']})" if axis.attrs.get("units") else name


def _split(data, dim: str | None) -> dict:
    if dim is None:
        return {"": data}
    check_choice("dimension", dim, [str(name) for name in data.dims])
    names = data[dim].values if dim in data.coords else range(data.sizes[dim])
    return {str(name): data.isel({dim: i}) for i, name in enumerate(names)}


def nested(argument: str, data, panel: str | None = None, line: str | None = None) -> dict:
    """The data as ``{title: {name: array}}``; one panel without a title where there is only one.

    >>> nested("data", {"one head": [0.1, 0.8]})
    {'': {'one head': [0.1, 0.8]}}
    """
    if is_labelled(data):
        return {title: _split(part, line) for title, part in _split(data, panel).items()}
    data = data if isinstance(data, dict) else {"": data}
    if not data:
        raise EmptyError(argument, "nothing", "at least one entry", "Pass arrays by name.")
    if not any(isinstance(value, dict) for value in data.values()):
        return {"": data}
    for title, value in data.items():
        if not check_type(f"{argument}[{title!r}]", value, dict):
            raise EmptyError(f"{argument}[{title!r}]", "nothing", "at least one entry", "Pass arrays by name.")
    return data


def by_title(argument: str, data, panel: str | None = None) -> dict:
    """The data as ``{title: array}``, for figures with one thing a panel."""
    if is_labelled(data):
        return _split(data, panel)
    data = data if isinstance(data, dict) else {"": data}
    if not data:
        raise EmptyError(argument, "nothing", "at least one entry", "Pass arrays by title.")
    return data


def numbers(argument: str, value, shape, **options) -> np.ndarray:
    """Real numbers, whole ones included, as float64 of this shape; NaN only with ``finite=False``."""
    value = value.values if is_labelled(value) else value
    with suppress(ValueError):  # ragged rows: the check says so
        if np.asarray(value).dtype.kind in "iub":
            value = np.asarray(value, dtype=np.float64)
    return check_array(argument, value, shape=shape, **options).astype(np.float64)


def runs(argument: str, value, n: int, along: str | None = None) -> np.ndarray:
    """All runs (runs, n) of one line; NaN where nothing was measured."""
    if is_labelled(value) and along in value.dims:
        value = value.transpose(..., along).values
    return numbers(argument, value, (n,), leading=True, finite=False).reshape(-1, n)


def coordinates(data, x, panels: dict) -> tuple[np.ndarray, str | None]:
    """Where along the axis the values stand, and the dimension's name if the data are labelled."""
    first = next(iter(next(iter(panels.values())).values()))
    if isinstance(x, str):
        check_choice("x", x, [str(name) for name in getattr(first, "dims", ())])
        return numbers(x, first[x].values if x in first.coords else np.arange(first.sizes[x]), ("n",)), x
    return numbers("x", np.arange(np.shape(first)[-1]) if x is None else x, ("n",)), None


def listed(argument: str, names, n: int) -> list[str]:
    """Exactly ``n`` words."""
    names = list(names) if isinstance(names, str | tuple | range | np.ndarray) else check_type(argument, names, list)
    names = [str(name) if isinstance(name, int | float | np.number) else check_type(argument, name, str)
             for name in names]
    if len(names) != n:
        raise ShapeError(argument, f"{len(names)} names", f"{n} names", "Give one for each.")
    return names


def pair(argument: str, value) -> tuple[float, float]:
    """Two numbers."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        raise ShapeError(argument, repr(value)[:60], "two numbers", "Pass (a, b).")
    return tuple(check_number(argument, end) for end in value)


def per_panel(argument: str, value, title: str) -> dict:
    """Of what may be given once for all panels or by title: what belongs to this one."""
    value = {} if value is None else check_type(argument, value, dict)
    if any(isinstance(entry, dict) for entry in value.values()):
        value = value.get(title, {})
    return check_type(argument, value, dict)


def levels(bounds, title: str) -> dict:
    """A panel's bounds: a number each, or an array along the axis."""
    return {name: numbers(name, level, ("n",)) if isinstance(level, np.ndarray | list) or is_labelled(level)
            else check_number(name, level) for name, level in per_panel("bounds", bounds, title).items()}


def several(argument: str, value, kind: type) -> list:
    """A list, tuple or range of one kind of thing, maybe empty."""
    if not isinstance(value, list | tuple | range):
        check_type(argument, value, list)
    return [check_type(argument, item, kind) for item in value]


def span(values, nothing: float = 0.0) -> str:
    """The range of some numbers in words; what is not a number is left out, what is smaller than ``nothing`` is 0.

    >>> span([0.5, -1.0, 2.25])
    '−1 to 2.25'
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return "nothing"
    low, high = (0.0 if abs(end) < nothing else end for end in (values.min(), values.max()))
    return f"{low:.4g} to {high:.4g}".replace("-", "−")


def told(*sentences: str) -> str:
    """Sentences as one text: each with one full stop, empty ones left out; names keep their case."""
    kept = [check_type("alt", sentence, str).strip().rstrip(".") for sentence in sentences]
    return " ".join(sentence + "." for sentence in kept if sentence)


def capital(text: str) -> str:
    """The first letter large, the others as they are."""
    return text[:1].upper() + text[1:]
