r"""The learning rate over the steps of training: up in a straight line, then down in a straight line or along a cosine.

A schedule is a function of the step, from 0 to ``steps - 1``. Warm-up: :math:`\eta_t = \eta\,(t + 1) / w` for the first
w steps. After it, with s the share of the rest that is over, :math:`s = (t - w) / (\text{steps} - w)`
(eq-schedule in the book):
"""

from __future__ import annotations

import math

from ..checks import check_number, check_whole

__all__ = ["warmup_cosine", "warmup_linear"]


def warmup_linear(peak: float, steps: int, warmup: int = 0, floor: float = 0.0):
    r""":math:`\eta_t = \eta\,(1 - s)`, but never below ``floor`` times the peak.

    >>> [round(warmup_linear(1.0, 6, 2)(step), 4) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    return schedule(lambda s: 1 - s, peak, steps, warmup, floor)


def warmup_cosine(peak: float, steps: int, warmup: int = 0, floor: float = 0.0):
    r""":math:`\eta_t = \eta\,(f + (1 - f)\,\tfrac12 (1 + \cos \pi s))` with f the ``floor`` (Loshchilov and Hutter
    2017, eq. 5).

    >>> [round(warmup_cosine(1.0, 4, floor=0.2)(step), 4) for step in range(4)]
    [1.0, 0.8828, 0.6, 0.3172]
    """
    return schedule(lambda s: floor + (1 - floor) * (1 + math.cos(math.pi * s)) / 2, peak, steps, warmup, floor)


def schedule(decay, peak, steps, warmup, floor):
    check_number("peak", peak, above=0)
    check_whole("steps", steps, low=1)
    check_whole("warmup", warmup, low=0, high=steps)
    check_number("floor", floor, low=0, high=1)

    def learning_rate(step: int) -> float:
        if step < warmup:
            return peak * (step + 1) / warmup
        return peak * max(floor, decay((step - warmup) / (steps - warmup))) if step < steps else peak * floor

    return learning_rate
