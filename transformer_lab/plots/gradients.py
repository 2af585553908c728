"""Chapter 06's figures by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from .cells import cells
from .curves import curves
from .dots import dots
from .figure import Figure

__all__ = ["cosine_tables", "errors", "learning", "missed"]


def errors(found: dict, tolerances: dict, alt: str = "") -> Figure:
    """``dots``, a row a tensor, a mark a witness."""
    tensors = dict.fromkeys(tensor for errors in found.values() for tensor in errors)
    rows = {tensor: {witness.replace("_", " "): np.maximum(errors[tensor], 1e-17) for witness, errors in found.items()
                     if tensor in errors} for tensor in tensors}
    return dots({"": rows}, log=True, x_label="largest relative error of all draws", row_height=17,
                bounds={name.replace("_", " "): level for name, level in tolerances.items()})


def cosine_tables(tables: dict, tensors, mistakes, alt: str = "") -> Figure:
    """``cells`` from -1 to 1, written out."""
    return cells(tables, rows=tensors, columns=mistakes, kind="signed", limit=1.0, written=".2f", unit="cosine")


def learning(steps, arms: dict, bounds: dict, alt: str = "") -> Figure:
    """``curves``, a panel an arm."""
    return curves({title: {"": np.transpose(runs)} for title, runs in arms.items()}, steps, bounds=bounds,
                  y_range=(0, 1.06), x_label="updates", y_label="share of held-out inputs right")


def missed(arms: dict, n_inputs: int, alt: str = "") -> Figure:
    """``dots``, a row an arm."""
    return dots({arm: n_inputs * (1 - np.asarray(right)) for arm, right in arms.items()},
                x_label=f"wrong answers to {n_inputs:,} held-out inputs")
