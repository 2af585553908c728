r"""How far a softmax is from a hard choice, and how much gradient it lets through: measures, and exact laws.

The laws are for scores that are independent normal numbers with standard deviation :math:`\sigma`: what the dot
products of one query of length :math:`\sigma` with normal keys are.
"""

from __future__ import annotations

import math

import numpy as np

from ..checks import check_array, check_choice, check_number, check_whole
from .ablation import as_numpy

__all__ = ["entropy", "expected_for_two_keys", "jacobian_size", "tie_density"]


def entropy(pattern) -> np.ndarray:
    r"""Entropy of each row in nats, :math:`H = -\sum_j a_j \ln a_j`, from 0 (one key) to ln n (all keys alike).

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(4).tolist()
    [0.0, 0.6931]
    """
    pattern = check_array("pattern", as_numpy(pattern), shape=("key",), leading=True, low=0)
    return -(pattern * np.log(np.where(pattern > 0, pattern, 1))).sum(axis=-1) + 0.0


def jacobian_size(pattern) -> np.ndarray:
    r"""Squared Frobenius norm of the softmax Jacobian, :math:`\lVert \operatorname{diag}(a) - a a^\top \rVert_F^2`.

    It is the mean squared length of the gradient that reaches the scores when a standard normal one comes from above:
    0 for a hard choice, 1/4 for two keys that tie, and at most that (eq-jacobian-size).

    .. math:: \sum_j a_j^2 - 2 \sum_j a_j^3 + \Big(\sum_j a_j^2\Big)^2

    >>> jacobian_size(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [0.0, 0.25]
    """
    pattern = check_array("pattern", as_numpy(pattern), shape=("key",), leading=True, low=0)
    square = pattern * pattern
    return square.sum(axis=-1) - 2 * (square * pattern).sum(axis=-1) + square.sum(axis=-1) ** 2


def expected_for_two_keys(measure: str, spread: float) -> float:
    r"""Mean of ``"entropy"`` or ``"gradient"`` (:func:`jacobian_size`) for two keys, by quadrature.

    The pattern depends on the difference of the two scores alone, which is normal with variance
    :math:`2\sigma^2` (``spread`` is :math:`\sigma`). Where :math:`\sigma` is large, only near ties count and the means
    are :math:`\pi^{3/2} / 6\sigma` and :math:`1 / 3\sqrt{\pi}\,\sigma` (eq-two-keys).

    >>> round(expected_for_two_keys("gradient", 1e-9), 6), round(expected_for_two_keys("gradient", 1.0), 4)
    (0.25, 0.1481)
    >>> round(100 * expected_for_two_keys("gradient", 100.0), 4), round(1 / (3 * math.sqrt(math.pi)), 4)
    (0.1881, 0.1881)
    """
    sigma = math.sqrt(2) * check_number("spread", spread, above=0)
    of = {"entropy": entropy, "gradient": jacobian_size}[check_choice("measure", measure, ["entropy", "gradient"])]
    gap = np.linspace(-1, 1, 20_001) * min(60.0, 12 * sigma)  # beyond 60 nothing is left of either measure
    first = 0.5 * (1 + np.tanh(gap / 2))
    density = np.exp(-0.5 * (gap / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    return float(np.trapezoid(of(np.stack([first, 1 - first], axis=-1)) * density, gap))


def tie_density(n_keys: int) -> float:
    r"""Density, at zero, of the gap between the best and the second best of n standard normal scores.

    :math:`\rho_n = n(n-1) \int \varphi(t)^2\, \Phi(t)^{n-2}\, dt`, so :math:`\rho_2 = 1/\sqrt\pi`. With scores of
    standard deviation :math:`\sigma` a share :math:`\rho_n / \sigma` of queries is undecided, per unit of the gap: the
    mean gradient tends to :math:`\rho_n / 3\sigma`, the mean entropy to :math:`\pi^2 \rho_n / 6\sigma` (eq-many-keys).

    >>> round(tie_density(2) * math.sqrt(math.pi), 9), round(tie_density(64), 3)
    (1.0, 2.344)
    """
    n = check_whole("n_keys", n_keys, low=2, high=10**6)
    t = np.linspace(-12, 12, 20_001)
    density = np.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    below = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in t])
    return float(n * (n - 1) * np.trapezoid(density**2 * below ** (n - 2), t))
