"""Where the norm goes (chapter 13): first gradients, derived and measured, and what training makes of each wiring."""

from __future__ import annotations

import numpy as np

from ..rules import Choice as Names
from ..rules import Whole
from .base import Explorable, OneOf, Synced, shipped_bytes
from .page_data import shipped_data

__all__ = ["NormPlacement"]

PLACEMENTS = ("before", "after", "both", "none", "mis-wired")


class NormPlacement(Explorable, draws="norm-placement"):
    """Models of ``depth`` layers with the norm in a ``placement``, trained with ``warmup`` or without. ``place`` is the
    one in hand, from the embedding (0) to where the model is read (twice the depth; what is above it counts as that).

    >>> lab = NormPlacement(placement="before", depth=8)
    >>> lab.derived.shape, lab.losses.shape
    ((17,), (5, 5))
    """

    data = shipped_bytes("norm-placement")
    placement = Synced("after", Names(PLACEMENTS))
    depth = Synced(12, OneOf((2, 4, 8, 12)))
    warmup = Synced(True, bool)
    place = Synced(0, Whole(0, 24))

    def first(self, name: str) -> np.ndarray:
        """A row of first gradients: ``"derived"``, ``"measured"``, or the ends of what is usual, ``"low"``, ``"high"``.
        """
        facts, arrays = shipped_data("norm-placement")
        at = facts["placements"].index(self.placement), facts["depths"].index(self.depth)
        return arrays[name][at][:2 * self.depth + 1].astype(float)

    @property
    def derived(self) -> np.ndarray:
        """The size of the first gradient at each place, as derived."""
        return self.first("derived")

    @property
    def measured(self) -> np.ndarray:
        """The same of fresh models, their geometric mean."""
        return self.first("measured")

    def case(self, name: str) -> np.ndarray:
        """What training left of this wiring, NaN where there is nothing."""
        facts, arrays = shipped_data("norm-placement")
        wanted = [self.placement, self.depth, self.warmup]
        table = arrays[name].astype(float)
        found = table[facts["cases"].index(wanted)] if wanted in facts["cases"] else np.full(table.shape[1:], -1)
        return np.where(found < 0, np.nan, found)

    @property
    def losses(self) -> np.ndarray:
        """What is lost on held-out text, (rate, seed)."""
        return self.case("losses")

    @property
    def trained(self) -> np.ndarray:
        """The norm of each block's gradient at some steps, (moment, layer)."""
        return self.case("trained")[:, :self.depth]
