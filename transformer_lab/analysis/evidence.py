"""What a difference between runs is worth: intervals over seeds, arms in pairs, each arm at its best learning rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import RangeError, ShapeError, UnknownNameError, installed
from ..rules import Array, Is, Number, Whole
from ..signatures import checked

xarray = installed("xarray", "Studies")

__all__ = ["Best", "Difference", "at_best", "interval_of", "paired", "t_quantile"]


@checked
def t_quantile(share: Number(0.5, 1, above=0.5), degrees: Whole(1)) -> float:
    """The value below which Student's t (1908) stays with this chance.

    >>> round(t_quantile(0.975, 4), 3)
    2.776
    """
    from scipy.stats import t

    return float(t.ppf(share, degrees))


@checked
def interval_of(values: Array("seed"), share: Number(above=0, high=0.9999) = 0.95) -> tuple[float, float]:
    """The interval of the mean of independent values (seed,): it holds the true mean this often, if they are normal.

    >>> [round(end, 2) for end in interval_of([1.0, 2.0, 3.0])]
    [-0.48, 4.48]
    """
    if len(values) < 2:
        raise RangeError("values", f"{len(values)} value", "two or more", "Run another seed.")
    half = t_quantile((1 + share) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


class Difference(NamedTuple):
    """A mean difference, and the ends of its interval."""

    mean: float
    low: float
    high: float


@checked
def paired(one: Array("seed"), other: Array("seed"), share: Number(above=0, high=0.9999) = 0.95) -> Difference:
    """How much more ``one`` arm has than the ``other``, with the same seeds (seed,) in both: what a seed does to both
    alike drops out.

    >>> [round(value, 2) for value in paired([2.0, 3.1, 4.2], [1.0, 2.0, 3.0])]
    [1.1, 0.85, 1.35]
    """
    if len(one) != len(other):
        raise ShapeError("other", f"{len(other)} seeds", f"{len(one)}, as in one", "Take the seeds that both have.")
    return Difference(float((one - other).mean()), *interval_of(one - other, share))


class Best(NamedTuple):
    """Of each arm the rate that it does best at, what it measures there, and whether no lower or no higher rate was
    tried, so that a better one may lie outside.
    """

    rate: xarray.DataArray
    losses: xarray.DataArray
    at_edge: xarray.DataArray


@checked
def at_best(losses: Is(xarray.DataArray), over: str = "rate") -> Best:
    """Each arm at the value of ``over`` with the lowest mean over seeds. A run that diverged is infinite, or NaN beside
    other seeds that are not; a value that is NaN for all seeds of an arm was not tried.

    >>> losses = xarray.DataArray([[[3.0, 3.2], [2.0, 2.2], [np.nan, 1.0]]], dims=("arm", "rate", "seed"),
    ...                           coords={"arm": ["plain"], "rate": [0.1, 0.2, 0.4]})
    >>> best = at_best(losses)
    >>> best.rate.values, best.losses.values, best.at_edge.values
    (array([0.2]), array([[2. , 2.2]]), array([False]))
    """
    for name in (over, "seed"):
        if name not in losses.dims:
            raise UnknownNameError("losses", f"dimensions {losses.dims}", f"dimensions with {name!r} among them",
                                   "Name the dimension of the rates by over=.")
    losses = losses.sortby(over) if over in losses.coords else losses
    tried = losses.notnull().any("seed")
    mean = losses.fillna(np.inf).mean("seed")
    at = mean.argmin(over)
    place = xarray.DataArray(np.arange(losses.sizes[over]), dims=over)
    first, last = place.where(tried).min(over), place.where(tried).max(over)
    return Best(losses[over][at], losses.isel({over: at}), (at == first) | (at == last))
