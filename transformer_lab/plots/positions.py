"""Chapter 04's figures by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from .cells import cells
from .curves import lines
from .dots import dots
from .figure import Figure

__all__ = ["accuracies", "code_table", "look_back", "lookup", "one_matrix", "similarity", "tables"]


def lookup(one_hot, W_E, rows, tokens, alt: str = "") -> Figure:
    """``cells`` of the marks, the table and their product."""
    marks, table, found = "One mark a row", "Table W_E", "Rows that were looked up"
    return cells({marks: one_hot, table: W_E, found: rows}, rows={marks: tokens, found: tokens}, limit="each",
                 kind="signed", written=None, unit="entry", row_label={table: "token of the vocabulary"},
                 column_label={marks: "token of the vocabulary", table: "dimension", found: "dimension"})


def code_table(codes, alt: str = "") -> Figure:
    """``cells`` of a matrix of position codes."""
    return cells(codes, kind="signed", limit=1.0, unit="entry", row_label="position",
                 column_label="dimension: sine, cosine, pair by pair")


def similarity(offsets, curves: dict, alt: str = "") -> Figure:
    """``lines`` of dot products by offset."""
    return lines(curves, offsets, x_label="offset, in positions", y_label="dot product / its largest value")


def look_back(pattern, alt: str = "") -> Figure:
    """``cells`` of an attention pattern."""
    return cells(pattern, kind="amount", limit=1.0, unit="attention", row_label="query position",
                 column_label="key position")


def one_matrix(lengths, residuals: dict, d_model: int, alt: str = "") -> Figure:
    """``lines`` of the error left, with the lengths up to ``d_model`` shaded."""
    return lines(residuals, lengths, shade={"up to d_model": [(np.min(lengths), d_model)]}, y_range=(-0.05, 1.1),
                 x_label="positions that one matrix has to shift", y_label="error left, as a share")


def accuracies(groups: dict, bounds: dict, alt: str = "") -> Figure:
    """``dots``, a row an arm."""
    return dots(groups, bounds={title: {name: level} for title, (level, name) in bounds.items()},
                x_range=(0, 1), x_label="share of all inputs answered right")


def tables(values: dict, rows, columns, alt: str = "", *, width: float | None = None) -> Figure:
    """``cells`` of shares, written out."""
    return cells(values, rows=rows, columns=columns, kind="amount", limit=1.0, written=".2f", unit="share")
