"""What a difference between runs is worth: intervals, and how often a given number of seeds finds what is there."""

from __future__ import annotations

import numpy as np

from transformer_lab.errors import RangeError
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Number, Seed, Whole
from transformer_lab.signatures import checked

__all__ = ["found_share", "interval_of", "seeds_for", "t_quantile"]


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


@checked
def found_share(spread: Number(above=0), difference: Number(), seeds: Whole(2, 1000), *, likeness: Number(-1, 1) = 0.0,
                paired: bool = False, trials: Whole(1, 1_000_000) = 20_000, seed: Seed = 0) -> float:
    """Of many experiments with so many ``seeds`` an arm, the share whose 95 % interval of the difference leaves zero
    out. Losses are normal with this ``spread``; those of one seed in both arms are alike to the extent of ``likeness``,
    their correlation, and ``paired`` experiments look at the differences seed by seed.

    >>> found_share(1.0, 1.0, 3) < 0.3 < 0.8 < found_share(1.0, 1.0, 20)
    True
    """
    rng = generator(seed, "evidence")
    shared, one, other = rng.normal(size=(3, trials, seeds))
    common, own = np.sqrt(abs(likeness)), np.sqrt(1 - abs(likeness))
    a = spread * (common * shared + own * one)
    b = spread * (np.sign(likeness) * common * shared + own * other) + difference
    if paired:
        apart = b - a
        half = t_quantile(0.975, seeds - 1) * apart.std(axis=1, ddof=1) / np.sqrt(seeds)
        return float((abs(apart.mean(axis=1)) > half).mean())
    pooled = np.sqrt((a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)) / seeds)
    return float((abs(b.mean(axis=1) - a.mean(axis=1)) > t_quantile(0.975, 2 * seeds - 2) * pooled).mean())


@checked
def seeds_for(difference: Number(above=0), *, power: Number(0.5, 0.999) = 0.8) -> int:
    """How many seeds an arm find a difference of so many spreads with this chance (normal approximation).

    >>> seeds_for(1.0), seeds_for(2.0)
    (16, 4)
    """
    from scipy.stats import norm

    return int(np.ceil(2 * ((norm.ppf(0.975) + norm.ppf(power)) / difference) ** 2))
