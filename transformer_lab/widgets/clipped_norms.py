"""What a threshold cuts (chapter 15): the norms of gradients that runs have met, and what cuts by value turn."""

from __future__ import annotations

import numpy as np

from ..rules import Choice, Whole
from .base import Explorable, Synced, shipped_bytes
from .page_data import shipped_data

__all__ = ["ClippedNorms"]

FACTS, ARRAYS = shipped_data("clipped-norms")


class ClippedNorms(Explorable, draws="clipped-norms"):
    """The gradients that five runs of the record ``clipping`` have met, at one of the rates of an ``optimizer``, beside
    a threshold. The runs themselves cut nothing.

    With ``by="norm"`` the threshold is 0.01 times the tenth root of 10 to the power ``level``; with ``by="value"`` it
    is the entry ``largest`` of the thresholds that were tried on every tenth gradient of the first run.

    >>> lab = ClippedNorms(level=20)
    >>> lab.threshold, lab.norms.ndim, lab.angles.shape
    (1.0, 1, (20, 3))
    """

    data = shipped_bytes("clipped-norms")
    optimizer = Synced("momentum", Choice(("adamw", "momentum")))
    rate = Synced(2, Whole(0, 6))
    by = Synced("norm", Choice(("norm", "value")))
    level = Synced(17, Whole(0, 35))
    largest = Synced(6, Whole(0, len(FACTS["values"]) - 1))

    @property
    def threshold(self) -> float:
        """The length, or with ``by="value"`` the entry, from which on something is cut."""
        return FACTS["values"][self.largest] if self.by == "value" else 0.01 * 10 ** (self.level / 10)

    @property
    def norms(self) -> np.ndarray:
        """Of all steps of the five runs, up to where one diverged, the norm of the gradient, (n,)."""
        norms = ARRAYS[f"{self.optimizer}/norms"][self.rate].astype(float)
        return norms[norms > 0]

    @property
    def angles(self) -> np.ndarray:
        """Of every tenth gradient of the first run, cut by value: the cosine of the angle by which it turned, the share
        of entries that were cut, the share of the norm that is left, (gradient, 3).
        """
        angles = ARRAYS[f"{self.optimizer}/angles"][self.rate, :, self.largest].astype(float)
        return angles[angles[:, 0] > 0]
