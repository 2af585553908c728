"""A straight line through the logarithms: slope and intercept of a power law, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from transformer_lab.checks import check_range
from transformer_lab.errors import EmptyError
from transformer_lab.rules import Array, Number
from transformer_lab.signatures import checked

__all__ = ["PowerLaw", "fit_power_law", "mean_interval"]

Level = Number(low=0.5, high=0.9999)  # the share of repetitions in which an interval holds the true value


@dataclass(frozen=True)
class PowerLaw:
    r"""The law :math:`y = e^{\text{intercept}} x^{\text{slope}}`, and the half-widths of the two intervals."""

    slope: float
    intercept: float
    slope_margin: float
    intercept_margin: float

    @checked
    def misses(self, slope: float, intercept: float) -> float:
        """How far the further of two derived numbers lies from the measured one, in half-widths: at most 1 is inside.

        >>> PowerLaw(1.02, 0.0, 0.05, 0.1).misses(1, 0) < 1
        True
        """
        return max(abs(self.slope - slope) / self.slope_margin, abs(self.intercept - intercept) / self.intercept_margin)


@checked
def mean_interval(draws: Array("... draw"), level: Level = 0.99) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the last axis, and the half-width of its interval (normal approximation).

    >>> mean, margin = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]), level=0.95)
    >>> float(mean), round(float(margin), 3)
    (2.5, 1.265)
    """
    check_range("draws", draws.shape[-1], low=2, what="a number of draws")
    error = draws.std(axis=-1, ddof=1) / math.sqrt(draws.shape[-1])
    return draws.mean(axis=-1), NormalDist().inv_cdf(0.5 + level / 2) * error


@checked
def fit_power_law(x: Array("n", low=np.finfo(float).tiny), draws: Array("n draw"), level: Level = 0.99) -> PowerLaw:
    r"""Weighted least squares of :math:`\ln \bar y` on :math:`\ln x`, with weights from the spread of the draws.

    ``draws`` are independent measurements at each x, with means above 0.

    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> law = fit_power_law(x, 3 * x[:, None] ** 2 * np.array([0.9, 1.0, 1.1]))
    >>> round(law.slope, 6), round(math.exp(law.intercept), 6)
    (2.0, 3.0)
    """
    if len(set(x.tolist())) < 2:
        raise EmptyError("x", f"{len(x)} points", "two or more different ones", "A line needs two points.")
    mean, margin = mean_interval(draws, level)
    check_range("mean of draws", mean.min(), low=np.finfo(float).tiny)
    check_range("spread of draws", margin.min(), low=np.finfo(float).tiny)
    design = np.stack([np.log(x), np.ones(len(x))], axis=-1)
    weight = (mean / margin) ** 2
    spread = np.linalg.inv(design.T * weight @ design)
    slope, intercept = spread @ (design.T * weight @ np.log(mean))
    return PowerLaw(float(slope), float(intercept), *(float(root) for root in np.sqrt(np.diag(spread))))
