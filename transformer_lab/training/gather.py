"""Results of units side by side: a dimension for each factor, one for the seeds, and those of the unit."""

from __future__ import annotations

import math

import numpy as np

from ..errors import DataError
from .datasets import xarray


def side_by_side(name: str, results: list[tuple[dict, object]]):
    """The datasets of all units as one.

    Parameters
    ----------
    name : str
        The study's, for its error.
    results : list of (dict, xarray.Dataset)
        What tells each unit from the others, and its arrays. Where units differ in a coordinate, such as the steps that
        were measured, what is missing is NaN; so it is where not every combination of the factors is a unit.

    Examples
    --------
    >>> import xarray
    >>> units = [{"rate": rate, "seed": seed} for rate in (0.1, 1.0) for seed in range(3)]
    >>> found = [(unit, xarray.Dataset({"loss": ("step", [2.0, unit["rate"]])})) for unit in units]
    >>> loss = side_by_side("rates", found)["loss"]
    >>> loss.sizes, loss.sel(rate=0.1).min("seed").values.tolist()
    (Frozen({'rate': 2, 'seed': 3, 'step': 2}), [2.0, 0.1])
    """
    units, found = zip(*results, strict=True)
    if not units[0]:
        return found[0]
    try:
        rows = xarray().concat(found, "unit", data_vars="all", coords="different", compat="equals", join="outer",
                               combine_attrs="override")
    except ValueError as fault:
        raise DataError(f"The units of {name} do not fit side by side: {fault} Where they differ in length, give the "
                        "dimension a coordinate.") from None
    levels = {factor: list(dict.fromkeys(unit[factor] for unit in units)) for factor in units[0]}
    at = tuple(np.array([values.index(unit[factor]) for unit in units]) for factor, values in levels.items())
    parts = {part: on_grid(variable, levels, at) for part, variable in rows.variables.items()}
    return xarray().Dataset({part: parts[part] for part in rows.data_vars},
                            {part: parts[part] for part in rows.coords} | levels, rows.attrs)


def on_grid(variable, levels: dict, at: tuple):
    """A variable whose axis ``unit`` becomes one for each factor; NaN where there is no unit."""
    if "unit" not in variable.dims:
        return variable
    values, shape = variable.transpose("unit", ...).values, tuple(map(len, levels.values()))
    if len(values) == math.prod(shape):
        grid = np.empty(shape + values.shape[1:], values.dtype)
    else:
        dtype = values.dtype if values.dtype.kind not in "biu" else np.result_type(values.dtype, np.float16)
        grid = np.full(shape + values.shape[1:], np.nan, dtype)
    grid[at] = values
    return (*levels, *(dim for dim in variable.dims if dim != "unit")), grid, variable.attrs


def merged(versions: list[dict]) -> dict[str, str]:
    """The versions that results were made with; where they differ, all of them.

    >>> merged([{"numpy": "2.4.6"}, {"numpy": "2.5.0"}, {"numpy": "2.4.6"}])
    {'numpy': '2.4.6, 2.5.0'}
    """
    names = dict.fromkeys(name for one in versions for name in one)
    return {name: ", ".join(dict.fromkeys(one[name] for one in versions if name in one)) for name in names}
