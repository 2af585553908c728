"""Figures of chapter 04: lookup as a product, codes as a picture, dot products by offset, and what order is worth."""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_type, check_whole
from ..theme import color
from .figure import Figure
from .style import color_bar, heatmap, label, name_line, panel, spread

__all__ = ["accuracies", "code_table", "look_back", "lookup", "one_matrix", "similarity", "tables"]

ROLES = ("residual", "other", "key", "query", "mlp")
STYLES = ("solid", "dashed", "dotted", "dashdot", (0, (8, 2)))


def lookup(one_hot, W_E, rows, tokens, alt: str) -> Figure:
    """The one-hot rows, the table, and their product, side by side.

    Parameters
    ----------
    one_hot : array (pos, d_vocab)
    W_E : array (d_vocab, d_model)
    rows : array (pos, d_model)
    tokens : list of str
        The words, one a row.
    """
    check_type("tokens", tokens, list)
    one_hot = check_array("one_hot", one_hot, shape=(len(tokens), "d_vocab"))
    limit = float(np.abs(check_array("W_E", W_E, shape=(one_hot.shape[1], "d_model"))).max())
    panels = []
    for title, values, kind, top in [("One mark a row", one_hot, "amount", 1.0), ("Table W_E", W_E, "signed", limit),
                                     ("Rows that were looked up", rows, "signed", limit)]:
        drawing, axes = panel(185 if title != "Table W_E" else 160, 215)
        heatmap(axes, values, kind, top, signs=False)
        axes.set_aspect("auto")
        if values is not W_E:
            axes.set_yticks(range(len(tokens)), tokens, fontsize=10)
        label(axes, title, "token of the vocabulary" if kind == "amount" else "dimension",
              "token of the vocabulary" if values is W_E else "")
        panels.append(drawing)
    return Figure(panels, alt)


def code_table(codes, alt: str) -> Figure:
    """A matrix of position codes: a row a position, a column a dimension."""
    codes = check_array("codes", codes, shape=("n_ctx", "d_model"))
    drawing, axes = panel(345, 300)
    heatmap(axes, codes, limit=1.0, signs=False)
    axes.set_aspect("auto")
    color_bar(drawing, axes, 1.0, "entry")
    ticks = range(0, codes.shape[1], 16)
    axes.set_xticks(ticks, [str(i) for i in ticks])
    axes.set_yticks(range(0, len(codes), 10))
    label(axes, "", "dimension: sine, cosine, pair by pair", "position")
    return Figure(drawing, alt)


def similarity(offsets, curves: dict, alt: str) -> Figure:
    """Dot products of two codes, as a share of the largest, against how far apart they stand.

    Parameters
    ----------
    offsets : array of int (n,)
    curves : dict of array (n,)
        By name; each from -1 to 1.
    """
    offsets = check_array("offsets", offsets, shape=("n",), kind="whole")
    heights = [check_array(name, values, shape=offsets.shape)[-1] for name, values in _items("curves", curves)]
    drawing, axes = panel(345, 250)
    for (name, values), role, line, end in zip(curves.items(), ROLES, STYLES, spread(heights, 0.16), strict=False):
        axes.plot(offsets, values, color=color(role), linestyle=line)
        name_line(axes, offsets[-1], end, name)
    axes.axhline(0, color=color("line"), linewidth=1)
    axes.set(ylim=(-0.15, 1.05), yticks=[0, 0.5, 1])
    label(axes, "", "offset, in positions", "dot product / its largest value")
    return Figure(drawing, alt)


def _items(argument, entries):
    return check_type(argument, entries, dict).items()


def look_back(pattern, alt: str) -> Figure:
    """An attention pattern (query, key) over positions."""
    pattern = check_array("pattern", pattern, shape=("query", "key"))
    drawing, axes = panel(360, 310)
    heatmap(axes, pattern, "amount", 1.0)
    color_bar(drawing, axes, 1.0, "attention", "amount")
    axes.set(xticks=range(0, pattern.shape[1], 4), yticks=range(0, len(pattern), 4))
    label(axes, "", "key position", "query position")
    return Figure(drawing, alt)


def one_matrix(lengths, residuals: dict, d_model: int, alt: str) -> Figure:
    """How badly the best single matrix shifts the codes of n positions, for several kinds of code.

    Parameters
    ----------
    lengths : array of int (n,)
    residuals : dict of array (n,)
        By the kind's name; 0 to 1.
    d_model : int
        Where a thin line stands.
    """
    lengths = check_array("lengths", lengths, shape=("n",), kind="whole")
    drawing, axes = panel(345, 250)
    axes.axvline(check_whole("d_model", d_model, low=1), color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
    name_line(axes, d_model, 1.03, "as many positions as dimensions")
    for (name, values), role, line in zip(_items("residuals", residuals), ROLES, STYLES, strict=False):
        axes.plot(lengths, check_array(name, values, shape=lengths.shape), color=color(role), linestyle=line)
        name_line(axes, lengths[-1], values[-1], name, xytext=(0, -20 if values[-1] > 0.5 else 9), ha="right")
    axes.set(ylim=(-0.05, 1.1), yticks=[0, 0.5, 1])
    label(axes, "", "positions that one matrix has to shift", "error left, as a share")
    return Figure(drawing, alt)


def accuracies(groups: dict, bounds: dict, alt: str) -> Figure:
    """Final accuracy of every seed (a dot) in each arm (a row), one panel for each group of operations.

    Parameters
    ----------
    groups : dict of dict of array (n_seeds,)
        ``groups[title][arm]``, 0 to 1.
    bounds : dict of (float, str)
        By title: a bound and its name, or nothing.
    """
    panels, bounds = [], check_type("bounds", bounds, dict)
    for title, arms in _items("groups", groups):
        drawing, axes = panel(288, 60 + 44 * len(check_type(title, arms, dict)))
        for row, (arm, values) in enumerate(arms.items()):
            values = check_array(arm, values, shape=("n_seeds",))
            jitter = np.linspace(-0.16, 0.16, len(values))
            axes.plot(values, row + jitter, "o", color=color("value"), markersize=4, alpha=0.55, markeredgewidth=0)
            axes.plot([np.median(values)] * 2, [row - 0.24, row + 0.24], color=color("ink"), linewidth=1.6)
            axes.annotate(arm, (0.01, row - 0.32), fontsize=11, color=color("ink"), va="bottom",
                          bbox={"facecolor": color("page"), "edgecolor": "none", "pad": 1})
        if title in bounds:
            level, name = bounds[title]
            axes.axvline(level, color=color("ink"), linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(name, (level, len(arms) - 0.45), xytext=(4, 0), textcoords="offset points", fontsize=11)
        axes.set(xlim=(0, 1.03), ylim=(len(arms) - 0.35, -0.8), yticks=[], xticks=[0, 0.25, 0.5, 0.75, 1])
        label(axes, title, "share of all inputs answered right")
        panels.append(drawing)
    return Figure(panels, alt)


def tables(values: dict, rows, columns, alt: str, *, width: float = 288) -> Figure:
    """Amounts from 0 to 1 as cells with their numbers, one table for each title, side by side.

    Parameters
    ----------
    values : dict of array (rows, columns)
        By title.
    rows, columns : list of str
        Their names.
    width : float
        Of a table with its names, in pixels.
    """
    panels = []
    check_type("rows", rows, list), check_type("columns", columns, list)
    for title, table in _items("values", values):
        table = check_array(title, table, shape=(len(rows), len(columns)))
        drawing, axes = panel(width, 90 + (34 if len(rows) < 8 else 25) * len(rows))
        heatmap(axes, table, "amount", 1.0, gap=0.06)
        axes.set_aspect("auto")
        for (row, column), value in np.ndenumerate(table):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=11,
                      color=color("page" if value > 0.55 else "ink"))
        axes.set_xticks(range(len(columns)), [name.replace("-", "-\n") for name in columns], fontsize=10)
        axes.set_yticks(range(len(rows)), rows)
        for side in axes.spines.values():
            side.set_visible(False)
        label(axes, title)
        panels.append(drawing)
    return Figure(panels, alt)
