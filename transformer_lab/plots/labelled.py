"""What the general figures are given, put in one form: panels by title, lines by name, words for axes and readers.

A figure takes an ``xarray.DataArray`` (its dimensions and their ``long_name`` and ``units`` say
what stands where), or arrays in dicts: by name for one panel, by title and name for several.
The last axis of an array runs along the figure's axis; all axes before it are runs (seeds).
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_choice, check_number, check_type
from ..errors import EmptyError, RangeError, ShapeError
from ..plain_rules import MANY
from ..rules import By, as_array
from ..wording import written
from .svg import plain

__all__ = ["Names", "Span", "by_title", "capital", "coordinates", "levels", "listed", "named", "nested", "numbers",
           "pair", "per_panel", "runs", "short", "span", "told", "words"]


FAR = 1e300  # an axis that reaches further has no length that a float can hold


def is_labelled(data) -> bool:
    """Whether this is an ``xarray.DataArray``; the library itself is not needed to draw."""
    return all(hasattr(type(data), name) for name in ("dims", "coords", "isel"))


def by_title(argument: str, data, panel: str | None = None) -> dict:
    """The data as ``{title: array}``, for figures with one thing a panel, and the split of labelled data by name."""
    if is_labelled(data):
        if panel is None:
            return {"": data}
        check_choice("dimension", panel, [str(name) for name in data.dims])
        names = data[panel].values if panel in data.coords else range(data.sizes[panel])
        return {str(name): data.isel({panel: i}) for i, name in enumerate(names)}
    data = data if isinstance(data, dict) else {"": data}
    if not data:
        raise EmptyError(argument, "nothing", "at least one entry", "Pass arrays by name.")
    for name in data:
        check_type(f"a name in {argument}", name, str)
    return data


def nested(argument: str, data, panel: str | None = None, line: str | None = None) -> dict:
    """The data as ``{title: {name: array}}``; one panel without a title where there is only one.

    >>> nested("data", {"one head": [0.1, 0.8]})
    {'': {'one head': [0.1, 0.8]}}
    """
    given = by_title(argument, data, panel)
    if is_labelled(data):
        return {title: by_title(argument, part, line) for title, part in given.items()}
    if not any(isinstance(value, dict) for value in given.values()):
        return {"": given}
    return {title: by_title(f"{argument}[{title!r}]", check_type(f"{argument}[{title!r}]", value, dict))
            for title, value in given.items()}


def words(data, dim: str | int | None, given: str | None) -> str:
    """The words of an axis (of the values, where ``dim`` is None): those given, or the data's own, with their unit."""
    if given is not None or not is_labelled(data):
        return given or ""
    dim = data.dims[dim] if isinstance(dim, int) else dim
    axis = data if dim is None else data[dim]
    name = str(axis.attrs.get("long_name", dim or data.name or "")).replace("_", " ")
    return f"{name} ({axis.attrs['units']})" if axis.attrs.get("units") else name


def numbers(argument: str, value, shape, **options) -> np.ndarray:
    """Real numbers, whole ones included, as float64 of this shape; NaN only with ``finite=False``."""
    value = value.values if is_labelled(value) else value
    value = as_array(argument, value, "real numbers")
    value = value.astype(np.float64) if value.dtype.kind in "iubf" else value
    return check_array(argument, value, shape=shape, **{"low": -FAR, "high": FAR} | options).astype(np.float64)


def runs(argument: str, value, n: int, along: str | None = None) -> np.ndarray:
    """All runs (runs, n) of one line; NaN where nothing was measured."""
    if is_labelled(value) and along in value.dims:
        value = value.transpose(..., along).values
    return numbers(argument, value, (n,), leading=True, finite=False).reshape(-1, n)


def coordinates(x, panels: dict) -> tuple[np.ndarray, str | None]:
    """Where along the axis the values stand, and the dimension's name if the data are labelled."""
    first = next(iter(next(iter(panels.values())).values()))
    if isinstance(x, str):
        check_choice("x", x, [str(name) for name in first.dims] if is_labelled(first) else [])
        return numbers(x, first[x].values if x in first.coords else np.arange(first.sizes[x]), ("n",)), x
    if x is None:
        x = np.arange(numbers("data", first, ("n",), leading=True, finite=False).shape[-1])
    return numbers("x", x, ("n",)), None


def listed(argument: str, names) -> list[str]:
    """Words: a letter of a string each, or a number."""
    if (len(names) if isinstance(names, range) else names.size if isinstance(names, np.ndarray) else 0) > MANY:
        raise ShapeError(argument, written(names), f"at most {MANY:,} names", "Pass fewer.")
    if isinstance(names, str | tuple | range | np.ndarray):
        names = [*np.ravel(names)] if isinstance(names, np.ndarray) else list(names)
    return [f"{name:g}" if isinstance(name, float) else str(name) if isinstance(name, int | np.integer) else
            plain(check_type(argument, name, str)) for name in check_type(argument, names, list)]


def named(argument: str, names, data, axis: int, n: int) -> list[str] | None:
    """A name for each of ``n`` entries along an axis: those given, or the data's own, or none."""
    if names is None and is_labelled(data) and (dim := data.dims[axis]) in data.coords:
        names = [name if isinstance(name, float) else str(name) for name in data[dim].values]
    names = None if names is None else listed(argument, names)
    if names is not None and len(names) != n:
        raise ShapeError(argument, f"{len(names)} names", f"{n} names", "Give one for each.")
    return names


def pair(argument: str, value) -> tuple[float, float]:
    """Two numbers."""
    if not isinstance(value, tuple | list | np.ndarray) or getattr(value, "ndim", 1) != 1 or len(value) != 2:
        raise ShapeError(argument, written(value), "two numbers", "Pass (a, b).")
    return tuple(check_number(argument, end) for end in value)


def two_ends(argument: str, value) -> tuple[float, float]:
    """Both ends of an axis."""
    low, high = pair(argument, value)
    if low == high:
        raise RangeError(argument, written(value), "two different numbers", "Pass both ends of the axis.")
    return low, high


Names, Span = By(listed), By(two_ends)


def per_panel(argument: str, value: dict | None, title: str, titles) -> dict:
    """Of what may be given once for all panels or by title: what belongs to this one of the panels with ``titles``."""
    if value and any(isinstance(entry, dict) for entry in value.values()):
        value = {check_choice(f"a title in {argument}", name, list(titles)): entry for name, entry in value.items()}
        value = value.get(title)
    return {check_type(f"a name in {argument}", name, str): entry
            for name, entry in check_type(argument, value or {}, dict).items()}


def levels(bounds: dict | None, title: str, titles) -> dict:
    """A panel's bounds: a number each, or an array along the axis."""
    return {name: numbers(name, level, ("n",)) if isinstance(level, np.ndarray | list) or is_labelled(level)
            else check_number(name, level) for name, level in per_panel("bounds", bounds, title, titles).items()}


def short(number: float, digits: str = ".3g") -> str:
    """A number in few digits, with a minus sign that is one, and no sign for a zero."""
    text = format(number, digits)
    return (text.lstrip("-") if not text.strip("-0.%") else text).replace("-", "−")


def span(values, nothing: float = 0.0, digits: str = ".4g") -> str:
    """The range of some numbers in words; what is not a number is left out, what is smaller than ``nothing`` is 0.

    >>> span([0.5, -1.0, 2.25])
    '−1 to 2.25'
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return "nothing"
    return " to ".join(short(0.0 if abs(end) < nothing else end, digits) for end in (values.min(), values.max()))


def told(*sentences: str) -> str:
    """Sentences as one text: each with one full stop, empty ones left out; names keep their case."""
    kept = [sentence.strip().rstrip(".") for sentence in sentences]
    return " ".join(sentence + "." for sentence in kept if sentence)


def capital(text: str) -> str:
    """The first letter large, the others as they are."""
    return text[:1].upper() + text[1:]
