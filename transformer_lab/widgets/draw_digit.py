"""Draw a digit (chapter 20): a transformer of patches reads what is drawn, and says what each patch adds to it."""

from __future__ import annotations

import numpy as np

from ..errors import DtypeError
from ..rules import By, Choice, Each, Whole
from .base import Explorable, Synced, shipped_bytes
from .page_data import shipped_data

__all__ = ["DrawDigit"]

FACTS, ARRAYS = shipped_data("draw-digit")
FULL = 16  # of ink
CELL = Each(Whole(), 2)


def of_edits(argument, value) -> list[list[int]]:
    """Cells of the paper that the reader changed: [cell, ink], counted row by row from the upper left."""
    if not isinstance(value, list | tuple):
        raise DtypeError(argument, f"a {type(value).__name__}", "a list", "Write [[12, 16]].")
    return [[Whole(0, 63)(f"{argument}: cell", cell), Whole(0, FULL)(f"{argument}: ink", ink)]
            for cell, ink in (CELL(argument, edit) for edit in value)]


class DrawDigit(Explorable, draws="draw-digit"):
    """Paper of 8 by 8 cells, and the transformer of patches of the record ``digit-readers`` that has not seen its
    examples, run on the page in half precision.

    On the paper is an ``example`` (-1: nothing) with ``edits``, each a cell and its ink from 0 to 16; the patches in
    ``out`` are left out: nobody may read them. The ``map`` shows of every patch how much it raises the logarithm of the
    share of a ``digit`` (-1: of the likeliest), "without"; where the class looks in the "first" or "last" layer; or
    "rollout". The ``pen`` stands at a row and a column.

    >>> lab = DrawDigit(example=-1, edits=[[12, 16]])
    >>> lab.image.shape, float(lab.image[0, 0, 1, 4]), lab.shape["n_ctx"]
    ((1, 1, 8, 8), 1.0, 17)
    """

    data = shipped_bytes("draw-digit")
    example = Synced(3, Whole(-1, len(ARRAYS["digits"]) - 1))
    edits = Synced([], By(of_edits))
    out = Synced([], Each(Whole(0, 15), 0))
    map = Synced("without", Choice(("without", "first", "last", "rollout")))
    digit = Synced(-1, Whole(-1, 9))
    pen = Synced("pen", Choice(("pen", "eraser")))
    row = Synced(3, Whole(0, 7))
    column = Synced(3, Whole(0, 7))

    @property
    def pixels(self) -> np.ndarray:
        """The ink on the paper, 0 to 16, (8, 8)."""
        found = np.zeros(64, int) if self.example < 0 else ARRAYS["examples"][self.example].astype(int)
        for cell, ink in self.edits:
            found[cell] = ink
        return found.reshape(8, 8)

    @property
    def image(self) -> np.ndarray:
        """The drawing as the model takes it, from 0 to 1, (1, 1, 8, 8)."""
        return self.pixels[None, None] / FULL

    @property
    def shape(self) -> dict:
        """The choices of the model: ``ViTConfig(**shape)`` is its configuration."""
        return dict(FACTS["vit"])

    @property
    def params(self) -> dict[str, np.ndarray]:
        """Its parameters, rounded as on the page, in double precision."""
        return {name.removeprefix("model/"): value.astype(float) for name, value in ARRAYS.items()
                if name.startswith("model/")}
