"""What attention costs (chapter 19): tiles of scores that are forgotten, and masks that leave scores out."""

from __future__ import annotations

import numpy as np

from ..rules import Choice as Names
from ..rules import Each, Whole
from .base import Explorable, OneOf, Synced, WithModel, shipped_bytes
from .page_data import shipped_data

__all__ = ["CostOfAttention"]

PATTERNS = ("dense", "window", "strided", "window and first", "random blocks")


class CostOfAttention(WithModel, Explorable, draws="cost-of-attention"):
    """Two views. "tiles": eight queries read tiles of ``side`` by ``side`` scores in an order, ``step`` of them so far;
    the row of one ``query`` is followed. "mask": a trained model of one layer and 16 tokens reads the cells of a
    ``pattern``, but for the ``edits``, cells [query, key] that are turned; ``row`` and ``column`` are the one in hand.

    Each cell is a question as well: the + stands in its row, the latest even number in its column.

    >>> lab = CostOfAttention(view="mask", pattern="dense", edits=[[15, 0]])
    >>> int(lab.mask.sum()), lab.contexts.shape
    (135, (720, 16))
    """

    data = shipped_bytes("sparse-cells")
    view = Synced("tiles", Names(("tiles", "mask")))
    side = Synced(2, OneOf((1, 2, 4, 8)))
    order = Synced("forwards", Names(("forwards", "backwards", "shuffled")))
    step = Synced(6, Whole(0, 64))
    query = Synced(2, Whole(0, 7))
    rescale = Synced(True, bool)
    pattern = Synced("window", Names(PATTERNS))
    edits = Synced([], Each(Each(Whole(0, 15), 2), 0))
    row = Synced(15, Whole(0, 15))
    column = Synced(4, Whole(0, 15))

    @property
    def contexts(self) -> np.ndarray:
        """All contexts that are asked, (question, 16)."""
        return shipped_data("sparse-cells")[1]["contexts"].astype(int)

    @property
    def mask(self) -> np.ndarray:
        """Which cells are read, bool (query, key)."""
        mask = shipped_data("sparse-cells")[1]["masks"][PATTERNS.index(self.pattern)].astype(bool)
        for query, key in self.edits:
            if key < query:
                mask[query, key] = ~mask[query, key]
        return mask

    def tap(self, name: str, value: np.ndarray) -> np.ndarray:
        """Hides the scores of the cells that are not read."""
        return np.where(self.mask, value, -np.inf) if name.endswith("scores") else value

    def share_right(self, logits: np.ndarray) -> float:
        """The share of the questions that logits (question, 16, token) answer right."""
        arrays = shipped_data("sparse-cells")[1]
        said = logits[np.arange(len(logits)), arrays["asked"]].argmax(axis=-1)
        return float((said == arrays["answers"]).mean())
