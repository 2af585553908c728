"""Chapter 05's figures by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from .cells import cells, film
from .dots import dots
from .figure import Figure

__all__ = ["arms", "emerging", "patterns", "stream"]


def patterns(pattern, tokens, alt: str = "") -> Figure:
    """``film``, a panel a head."""
    return film({f"head {head}": table for head, table in enumerate(pattern)}, rows=tokens, columns=tokens, limit=1.0,
                kind="amount", unit="attention", row_label="query", column_label="key")


def stream(rows: dict, tokens, alt: str = "") -> Figure:
    """``cells``, all stages with one scale."""
    return cells(rows, rows=tokens, kind="signed", unit="entry", written=None, column_label="dimension")


def emerging(probs, stages, answers, right: int, alt: str = "") -> Figure:
    """``cells`` in percent."""
    return cells(100 * np.asarray(probs), rows=stages, columns=answers, kind="amount", limit=100.0, written=".0f",
                 least=10, strong=[answers[right]], unit="percent",
                 column_label="answer, in percent; the right one is bold")


def arms(groups: dict, bounds: dict, alt: str = "") -> Figure:
    """``dots``, a row an arm."""
    return dots(groups, bounds=bounds, x_range=(0, 1), x_label="share of held-out inputs answered right")
