"""A matrix as cells of a colour map that follows the page's theme, and the bar that says what its shades mean."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ..rules import Array, Choice, Number
from ..signatures import checked
from ..theme import color
from .labelled import short
from .style import label
from .svg import CELLS

__all__ = ["KINDS", "TINT", "color_bar", "heatmap"]

KINDS = ("signed", "amount")
LEVELS = 16       # shades of a colour map
TINT = 0.4        # opacity of a full colour that text in ink must stay readable on, in both themes
MINUS_FROM = 0.2  # a negative cell at least this strong carries a minus sign


@checked
def heatmap(axes: Axes, values: Array("rows columns"), kind: Choice(KINDS) = "signed",
            limit: Number(above=0) | None = None, gap: Number(0, 1) = 0.0, signs: bool = True,
            strength: Number(0, 1) = 1.0, frame: bool = True) -> float:
    """Draw a matrix as cells, row 0 on top. Returns the value of the full colour; larger ones are clipped to it.

    ``"amount"`` runs from the page's background to one dark hue. ``"signed"`` has zero at the background and symmetric
    limits (without ``limit`` the largest magnitude), and strong negative cells carry a minus sign, so that the sign can
    be read without colour. ``gap`` is the space between cells, as a part of a cell; ``strength`` the full opacity.
    """
    limit = limit or float(np.abs(values).max()) or 1.0
    shades = np.clip(np.round(values / limit * LEVELS), -LEVELS, LEVELS).astype(int)
    hues = {1: "positive", -1: "negative"} if kind == "signed" else {1: "amount"}
    for sign, hue in hues.items():
        for level in range(1, LEVELS + 1):
            _draw_cells(axes, shades == sign * level, hue, strength * level / LEVELS, 1 - gap, 1 - gap)
    if kind == "signed" and signs:
        _draw_cells(axes, shades <= -LEVELS * MINUS_FROM, "page", 1, 0.5, 0.12)
    rows, columns = values.shape
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="auto", xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(visible=frame, color=color("line"), linewidth=1.0)
    return limit


def _draw_cells(axes: Axes, cells: np.ndarray, hue: str, opacity: float, width: float, height: float) -> None:
    """A bar in the middle of every chosen cell, all in one colour: one patch, which ``svg`` turns into strokes."""
    if not cells.any():
        return
    rows, columns = cells.shape
    box = Path([(-0.5, -0.5), (columns - 0.5, -0.5), (columns - 0.5, rows - 0.5), (-0.5, rows - 0.5), (-0.5, -0.5)])
    axes.add_patch(PathPatch(box, facecolor=color(hue), alpha=opacity, linewidth=0, clip_on=False,
                             gid=f"{CELLS} {rows} {columns} {height:g} {_strokes(cells, width)}"))


def _strokes(cells: np.ndarray, width: float) -> str:
    """The cells as an SVG path in units of a cell; neighbours are one stroke where nothing parts them.

    >>> _strokes(np.array([[True, True, False, True]]), 1.0)
    'M0 .5h2m1 0h1'
    """
    path, pen = "", None
    for row, line in enumerate(cells):
        where = np.flatnonzero(line)
        breaks = np.flatnonzero(np.diff(where) > 1) + 1 if width == 1 else range(1, len(where))
        for run in np.split(where, breaks) if len(where) else []:
            left = run[0] + (1 - width) / 2
            path += f"m{left - pen[0]:.3g} {row - pen[1]}" if pen else f"M{left:.3g} {row + 0.5:g}"
            path += f"h{run[-1] - run[0] + width:.3g}"
            pen = (run[-1] + (1 + width) / 2, row)
    return path.replace(" 0.", " .").replace("m0.", "m.").replace("M0.", "M.").replace("h0.", "h.").replace(" -", "-")


def color_bar(drawing: Drawing, axes: Axes, limit: float, unit: str, kind: str = "signed") -> None:
    """A bar beside ``axes`` that says what the shades of a :func:`heatmap` mean, with its unit."""
    bar = drawing.colorbar(matplotlib.cm.ScalarMappable(), ax=axes, fraction=0.05, pad=0.03, aspect=18).ax
    bar.clear()
    ends = [limit, 0, -limit] if kind == "signed" else [limit, 0]
    heatmap(bar, np.linspace(limit, ends[-1], 16 * len(ends) - 15)[:, None], kind, limit)
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.set_yticks(np.linspace(0, 16 * len(ends) - 16, len(ends)), [short(end, ".2g") for end in ends])
    bar.tick_params(length=0, labelsize=11, labelcolor=color("soft"))
    label(bar, y=unit)
