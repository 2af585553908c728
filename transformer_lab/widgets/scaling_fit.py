"""Fit a law of size (chapter 16): losses that can be dragged, a law with or without a floor, and what it says of a size
that was not fitted.
"""

from __future__ import annotations

import json

import numpy as np

from ..analysis.power_laws import Interval, Law, bootstrapped, fit_law, interval
from ..rules import Each, Number, Whole
from .base import Explorable, Synced
from .bundle import JS

__all__ = ["ScalingFit"]

DATA = json.loads((JS / "data" / "scaling.json").read_text("utf-8"))
SIZES, LARGEST = np.array(DATA["sizes"], float), DATA["largest"]
N, LEAST, DRAWS = len(SIZES), 3, 200


class ScalingFit(Explorable, draws="scaling-fit"):
    """Seven sizes of a character model, five seeds each, their losses ``moved`` by so many nats. The ``skip`` smallest
    and the ``drop`` largest of them are left out of the fit, of which three stay at least; the law has a ``floor`` or
    none. ``shown`` is whether the losses of the largest model are, for which the law is asked.

    >>> lab = ScalingFit(floor=False)
    >>> round(float(lab.law.exponent), 3), lab.fitted
    (0.044, slice(0, 7, None))
    """

    moved = Synced([0] * N, Each(Number(-0.3, 0.3), N, N))
    floor = Synced(True, bool)
    skip = Synced(0, Whole(0, N - LEAST))
    drop = Synced(0, Whole(0, N - LEAST))
    shown = Synced(False, bool)

    @property
    def losses(self) -> np.ndarray:
        """The losses as moved (size, seed)."""
        return np.array(DATA["losses"]) + np.array(self.moved, float)[:, None]

    @property
    def fitted(self) -> slice:
        """Which of the sizes the law is fitted to."""
        return slice(self.skip, N - min(self.drop, N - LEAST - self.skip))

    @property
    def law(self) -> Law:
        """The law of the mean losses."""
        return fit_law(SIZES[self.fitted], self.losses[self.fitted].mean(axis=1), floor=self.floor)

    @property
    def laws(self) -> Law:
        """The laws when the seeds are drawn again."""
        return bootstrapped(SIZES[self.fitted], self.losses[self.fitted], floor=self.floor, draws=DRAWS)

    @property
    def prediction(self) -> float:
        """What the law says of the largest size."""
        return float(self.law.at(LARGEST["size"]))

    @property
    def within(self) -> Interval:
        """Where other draws of the seeds put the largest size."""
        return interval(self.laws.at(LARGEST["size"]))

    @property
    def exponents(self) -> Interval:
        """Where other draws of the seeds put the exponent."""
        return interval(self.laws.exponent)
