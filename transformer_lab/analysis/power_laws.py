r"""Power laws of size, with and without an irreducible part: :math:`L(N) = E + a N^{-\alpha}` (eq-size-law).

A law is fitted by least squares of the *relative* errors. For a given exponent the best :math:`E` and :math:`a` follow
from two linear equations, so that only the exponent is searched for: on a grid, then by golden sections.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import RangeError
from ..randomness import generator
from ..rules import Array, Number, Seed, Whole
from ..signatures import checked

__all__ = ["Interval", "Law", "bootstrapped", "fit_law", "interval", "local_exponents"]

LEAST = np.finfo(float).tiny  # above 0

#: The exponents that are tried, and how often the best two neighbours are drawn together.
EXPONENTS, SECTIONS = np.geomspace(0.01, 2.0, 64), 30
GOLDEN = (5**0.5 - 1) / 2


class Law(NamedTuple):
    """A law, or as many as the losses had rows: each part is a number, or an array of them."""

    exponent: np.ndarray | float
    scale: np.ndarray | float
    floor: np.ndarray | float
    #: Root of the mean squared relative error.
    error: np.ndarray | float

    def at(self, sizes) -> np.ndarray:
        """The loss that the law says for sizes (n,): shape (..., n), or (...) for one size.

        >>> Law(0.5, 2.0, 1.0, 0.0).at([4.0, 16.0])
        array([2. , 1.5])
        """
        sizes = np.asarray(sizes, dtype=float)
        exponent, scale, floor = (np.asarray(part)[(..., *(None,) * sizes.ndim)] for part in self[:3])
        return floor + scale * sizes**-exponent


class Interval(NamedTuple):
    """Between these two lie all but five in a hundred of the laws of other draws."""

    low: float
    high: float


@checked
def fit_law(sizes: Array("n", low=LEAST), losses: Array("... n", low=LEAST), *, floor: bool = True) -> Law:
    """The law of losses (..., n) at sizes (n,), with a ``floor`` of at least 0 or with one of 0 (eq-size-law).

    Where losses do not fall the scale is 0, and the exponent says nothing. EmptyError: fewer sizes than the law has
    numbers to choose.

    >>> law = fit_law([1e3, 1e4, 1e5, 1e6], 1.5 + 8 * np.array([1e3, 1e4, 1e5, 1e6]) ** -0.4)
    >>> round(float(law.exponent), 4), round(float(law.floor), 4), round(float(law.scale), 2)
    (0.4, 1.5, 8.0)
    >>> round(float(fit_law([1e3, 1e4, 1e5], [4.0, 2.0, 1.0], floor=False).exponent), 4)
    0.301
    """
    if len(set(sizes.tolist())) < (least := 3 if floor else 2):
        raise RangeError("sizes", f"{len(set(sizes.tolist()))} that differ", f"{least} or more",
                         "Measure another size, or fit a law with fewer numbers.")
    logs, inverse = np.log(sizes), 1 / losses

    def solved(exponent):  # (...,) -> the linear parts and the error, each (...,)
        return linear_parts(np.exp(-exponent[..., None] * logs) * inverse, inverse, floor)

    tried = np.stack([solved(np.full(losses.shape[:-1], exponent))[2] for exponent in EXPONENTS])
    best = tried.argmin(axis=0)
    low, high = EXPONENTS[np.maximum(best - 1, 0)], EXPONENTS[np.minimum(best + 1, len(EXPONENTS) - 1)]
    for _ in range(SECTIONS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        nearer = solved(left)[2] <= solved(right)[2]
        low, high = np.where(nearer, low, left), np.where(nearer, right, high)
    exponent = (low + high) / 2
    scale, bottom, error = solved(exponent)
    return Law(exponent, scale, bottom, np.sqrt(error))


def linear_parts(power, one, floor: bool):
    """Scale and floor (...,) that bring scale * power + floor * one (..., n) nearest to 1, neither below 0; and the
    mean squared error."""
    pp, po, oo = (power**2).mean(-1), (power * one).mean(-1), (one**2).mean(-1)
    p, o = power.mean(-1), one.mean(-1)
    scale, bottom = p / pp, np.zeros_like(p)
    if floor:
        whole = pp * oo - po**2
        both = whole > 1e-14 * pp * oo
        divisor = np.where(both, whole, 1.0)
        free, freed = (p * oo - o * po) / divisor, (o * pp - p * po) / divisor
        inside = both & (freed >= 0)
        flat = inside & (free < 0)  # the losses rise: nothing but a floor
        scale = np.where(flat, 0.0, np.where(inside, free, scale))
        bottom = np.where(flat, o / oo, np.where(inside, freed, bottom))
    error = ((scale[..., None] * power + bottom[..., None] * one - 1) ** 2).mean(-1)
    return scale, bottom, error


@checked
def bootstrapped(sizes: Array("n", low=LEAST), losses: Array("n run", low=LEAST), *, floor: bool = True,
                 draws: Whole(2, 100_000) = 2000, seed: Seed = 0) -> Law:
    """The laws (draws,) of the mean losses when the seeds are drawn again, with replacement (Efron 1979), the same
    seeds for every size: runs of one seed have had the same batches.

    >>> losses = np.array([4.0, 2.0, 1.0])[:, None] * np.array([0.9, 1.0, 1.1])
    >>> laws = bootstrapped([1e3, 1e4, 1e5], losses, floor=False, draws=100)
    >>> laws.exponent.shape, bool(np.allclose(laws.exponent, 0.30103))
    ((100,), True)
    """
    seeds = losses.shape[1]
    drawn = generator(seed, "bootstrap").integers(seeds, size=(draws, seeds))
    return fit_law(sizes, losses[:, drawn].mean(axis=-1).T, floor=floor)


@checked
def interval(values: Array("draw"), share: Number(above=0, high=0.9999) = 0.95) -> Interval:
    """The interval that leaves as many draws below as above, and this share inside.

    >>> [round(end, 3) for end in interval(np.arange(81.0), 0.9)]
    [4.0, 76.0]
    """
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return Interval(float(low), float(high))


@checked
def local_exponents(sizes: Array("n", low=LEAST), losses: Array("... n", low=LEAST)) -> np.ndarray:
    """The exponent between each two neighbouring sizes (..., n - 1): minus the slope of ln loss on ln size
    (eq-local-exponent). A power law without a floor has the same everywhere.

    >>> local_exponents([1e3, 1e4, 1e5], [4.0, 2.0, 1.0]).round(3)
    array([0.301, 0.301])
    """
    if len(sizes) < 2:
        raise RangeError("sizes", f"{len(sizes)}", "two or more", "Measure another size.")
    return -np.diff(np.log(losses), axis=-1) / np.diff(np.log(sizes))
