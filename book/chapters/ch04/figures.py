"""Figures that chapter 04 draws more than once or in many words, each a call of a general one."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, cells, dots, lines

__all__ = ["accuracies", "code_table", "look_back", "lookup", "one_matrix", "similarity"]


def lookup(one_hot, W_E, rows, tokens) -> Figure:
    """``cells`` of the marks, the table and their product."""
    marks, table, found = "One mark a row", "Table W_E", "Rows that were looked up"
    return cells({marks: one_hot, table: W_E, found: rows}, rows={marks: tokens, found: tokens}, limit="each",
                 kind="signed", written=None, unit="entry", row_label={table: "token of the vocabulary"},
                 column_label={marks: "token of the vocabulary", table: "dimension", found: "dimension"})


def code_table(codes) -> Figure:
    """``cells`` of a matrix of position codes."""
    return cells(codes, kind="signed", limit=1.0, unit="entry", row_label="position",
                 column_label="dimension: sine, cosine, pair by pair")


def similarity(offsets, curves: dict) -> Figure:
    """``lines`` of dot products by offset."""
    return lines(curves, offsets, x_label="offset, in positions", y_label="dot product / its largest value")


def look_back(pattern) -> Figure:
    """``cells`` of an attention pattern."""
    return cells(pattern, kind="amount", limit=1.0, unit="attention", row_label="query position",
                 column_label="key position")


def one_matrix(lengths, residuals: dict, d_model: int) -> Figure:
    """``lines`` of the error left, with the lengths up to ``d_model`` shaded."""
    return lines(residuals, lengths, shade={"up to d_model": [(np.min(lengths), d_model)]}, y_range=(-0.05, 1.1),
                 x_label="positions that one matrix has to shift", y_label="error left, as a share")


def accuracies(groups: dict, bounds: dict) -> Figure:
    """``dots``, a row an arm."""
    return dots(groups, bounds={title: {name: level} for title, (level, name) in bounds.items()},
                x_range=(0, 1), x_label="share of all inputs answered right")
