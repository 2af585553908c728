"""How often a given number of seeds finds what is there, and how many are needed."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.evidence import t_quantile
from transformer_lab.randomness import generator
from transformer_lab.rules import Number, Seed, Whole
from transformer_lab.signatures import checked

__all__ = ["found_share", "seeds_for"]


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
def seeds_for(difference: Number(1e-6), *, power: Number(0.5, 0.999) = 0.8) -> int:
    """How many seeds an arm find a difference of so many spreads with this chance (normal approximation).

    >>> seeds_for(1.0), seeds_for(2.0)
    (16, 4)
    """
    from scipy.stats import norm

    return int(np.ceil(2 * ((norm.ppf(0.975) + norm.ppf(power)) / difference) ** 2))
