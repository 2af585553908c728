"""Paint a mask (chapter 17): what can reach what in how many layers, and which family has such a mask."""

from __future__ import annotations

import numpy as np

from ..analysis.reach import family_of_mask, layers_to_know
from ..rules import Choice as Names
from ..rules import Each, Whole
from .base import Explorable, Synced

__all__ = ["MaskPainter"]

N, SOURCE, WIDTH = 8, 4, 3
PRESETS = {"causal": lambda query, key: key <= query,
           "bidirectional": lambda query, key: key < N,
           "prefix": lambda query, key: (key <= query) | (key < WIDTH),
           "window": lambda query, key: (key <= query) & (query - key < WIDTH),
           "encoder-decoder": lambda query, key: (key <= query) | (key < SOURCE)}


class MaskPainter(Explorable, draws="mask-painter"):
    """Eight tokens read each other as a ``preset`` has it, but for the ``edits``, cells [query, key] that are turned;
    with "encoder-decoder" the first four are a source. ``layers`` so many are looked through; ``row`` and ``column``
    are the cell in hand.

    >>> painter = MaskPainter(preset="window", layers=2)
    >>> painter.family, int(painter.known.sum())
    ('window of 3: sparse GPT', 30)
    """

    preset = Synced("causal", Names(PRESETS))
    edits = Synced([], Each(Each(Whole(0, N - 1), 2, 2), 0))
    layers = Synced(1, Whole(1, N - 1))
    row = Synced(3, Whole(0, N - 1))
    column = Synced(4, Whole(0, N - 1))

    @property
    def mask(self) -> np.ndarray:
        """Which cells are open, bool (query, key)."""
        mask = PRESETS[self.preset](*np.indices((N, N)))
        for query, key in self.edits:
            mask[query, key] = ~mask[query, key]
        return mask

    @property
    def needed(self) -> np.ndarray:
        """After how many layers a query can know of a key (query, key); 0: never."""
        return layers_to_know(self.mask)

    @property
    def known(self) -> np.ndarray:
        """What a query can know of after these layers, bool (query, key)."""
        return (self.needed > 0) & (self.needed <= self.layers)

    @property
    def family(self) -> str:
        """Whose mask it is."""
        return family_of_mask(self.mask, SOURCE if self.preset == "encoder-decoder" else 0)
