"""Seen and unseen (chapter 8): which of all inputs a model answers right that was trained on more or fewer of them."""

from __future__ import annotations

import numpy as np

from ..rules import Choice, Whole
from .base import Explorable, OneOf, Synced, shipped_bytes
from .page_data import shipped_data

__all__ = ["ANSWERS", "SHARES", "STEPS", "SeenUnseen"]

#: Per cent of all 5,000 inputs that the models are trained on; after how many updates they are asked; true or dealt.
SHARES, STEPS, ANSWERS = (1, 3, 5, 10, 50, 80), (0, 25, 50, 100, 200, 500, 1000, 1500, 2000), ("true", "dealt")
INPUTS = 5000


class SeenUnseen(Explorable, draws="seen-unseen"):
    """Twelve models of chapter 8, each trained on a ``share`` of all inputs, in per cent, with their true ``answers``
    or with answers dealt out anew, in which there is nothing to find out. ``number`` is the input that is asked about,
    as :func:`~transformer_lab.tasks.digits.all_inputs` counts them; ``marked`` marks what was trained on.

    >>> lab = SeenUnseen(share=10, answers="dealt", step=2000)
    >>> round(lab.right[lab.trained].mean(), 2), round(lab.right[~lab.trained].mean(), 2)
    (np.float64(1.0), np.float64(0.13))
    """

    data = shipped_bytes("seen-unseen")
    share = Synced(5, OneOf(SHARES))
    answers = Synced("true", Choice(ANSWERS))
    step = Synced(100, OneOf(STEPS))
    number = Synced(3539, Whole(0, INPUTS - 1))
    marked = Synced(True, bool)

    def bits(self, name: str) -> np.ndarray:
        """What the file has of this model under ``"right"`` or ``"trained"``, a bit an input, packed."""
        return shipped_data("seen-unseen")[1][f"{self.answers}/{name}"][SHARES.index(self.share)]

    @property
    def right(self) -> np.ndarray:
        """Whether each input is answered as it was in training, or would have been, (5000,)."""
        return np.unpackbits(self.bits("right")[STEPS.index(self.step)], count=INPUTS).astype(bool)

    @property
    def trained(self) -> np.ndarray:
        """Whether training had each input, (5000,)."""
        return np.unpackbits(self.bits("trained"), count=INPUTS).astype(bool)
