"""The house style: quiet axes, lines that carry their own names, colours with one meaning.

Sizes are in pixels of the page (matplotlib's points, at 72 to the inch). A panel is drawn
at the width of a phone, so that it is never shrunk; see :class:`.figure.Figure`.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ..checks import check_array, check_choice, check_number, check_whole
from ..theme import color
from .svg import CELLS

__all__ = ["HOUSE", "ceiling", "color_bar", "heatmap", "label", "looks", "name_line", "panel", "raised", "spread",
           "strip"]

ROLES = {"query": "query", "key": "key", "value": "value", "residual stream": "residual", "feed-forward": "mlp"}
GRAYS = ("ink", "soft", "other")
DASHES = ("solid", (0, (5, 2)), (0, (1.2, 1.6)), (0, (7, 2, 1.2, 2)), (0, (10, 3)))
MARKERS = ("o", "s", "^", "D", "v")
LEVELS = 16       # shades of a colour map
TINT = 0.4        # opacity of a full colour that text in ink must stay readable on, in both themes
MINUS_FROM = 0.2  # a negative cell at least this strong carries a minus sign

HOUSE = {
    "figure.dpi": 72, "savefig.dpi": 72, "svg.fonttype": "none", "svg.hashsalt": "transformer-lab",
    "path.simplify": True, "path.simplify_threshold": 1.0,
    "font.family": "DejaVu Sans", "font.size": 11.5, "xtick.labelsize": 11, "ytick.labelsize": 11,
    "text.color": color("ink"),
    "axes.edgecolor": color("line"), "xtick.color": color("soft"), "ytick.color": color("soft"),
    "axes.spines.top": False, "axes.spines.right": False, "xtick.bottom": False, "ytick.left": False,
    "axes.linewidth": 1.0, "lines.linewidth": 2.0, "axes.facecolor": "none", "figure.facecolor": "none",
    "axes.unicode_minus": True,
    "axes.prop_cycle": cycler(color=[color("ink"), color("soft"), color("other")]),
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.03, "figure.constrained_layout.w_pad": 0.03,
}


def panel(width: float = 330, height: float = 240, rows: int = 1, columns: int = 1, **options):
    """An empty drawing in the house style, with its axes.

    Parameters
    ----------
    width, height : float
        Size in pixels. Up to 340 wide fits a phone; the text column is about 700.
    rows, columns : int
        A grid of axes.
    options
        Passed on to matplotlib's ``Figure.subplots``.

    Returns
    -------
    (matplotlib.figure.Figure, matplotlib Axes or an array of them)

    Examples
    --------
    >>> drawing, axes = panel(300, 200)
    >>> axes.spines["top"].get_visible()
    False
    """
    check_number("width", width, above=0), check_number("height", height, above=0)
    with matplotlib.rc_context(HOUSE):
        drawing = Drawing(figsize=(width / 72, height / 72))
        return drawing, drawing.subplots(rows, columns, **options)


def label(axes: Axes, title: str = "", x: str = "", y: str = "", pad: float = 8) -> None:
    """A title over the left end, and axis labels: words, with units where there are any."""
    axes.set_title(title, loc="left", fontsize=12.5, fontweight="bold", color=color("ink"), pad=pad)
    axes.set_xlabel(x, color=color("soft"), labelpad=4, fontsize=11.5)
    axes.set_ylabel(y, color=color("soft"), labelpad=4, fontsize=11.5)


def heatmap(axes: Axes, values, kind: str = "signed", limit: float | None = None, gap: float = 0.0,
            signs: bool = True, strength: float = 1.0) -> float:
    """Draw a matrix as cells. Returns the value that the full colour stands for.

    ``"amount"`` runs from the page's background to one dark hue. ``"signed"`` has zero at the
    background and symmetric limits, and strong negative cells carry a minus sign, so that
    the sign can be read without colour.

    Parameters
    ----------
    values : array (rows, columns)
        Row 0 is drawn on top.
    kind : {"signed", "amount"}
    limit : float, optional
        The value of the full colour; without it the largest magnitude. Larger ones are clipped.
    gap : float
        Space between cells, as a part of a cell.
    signs : bool
        Whether strong negative cells carry the minus sign.
    strength : float
        Opacity of the full colour, up to 1.
    """
    values = check_array("values", values, shape=("rows", "columns"))
    check_choice("kind", kind, ["signed", "amount"])
    limit = check_number("limit", limit, above=0) if limit is not None else float(np.abs(values).max()) or 1.0
    shades = np.clip(np.round(values / limit * LEVELS), -LEVELS, LEVELS).astype(int)
    hues = {1: "positive", -1: "negative"} if kind == "signed" else {1: "amount"}
    for sign, hue in hues.items():
        for level in range(1, LEVELS + 1):
            _draw_cells(axes, shades == sign * level, hue, strength * level / LEVELS, 1 - gap, 1 - gap)
    if kind == "signed" and signs:
        _draw_cells(axes, shades <= -LEVELS * MINUS_FROM, "page", 1, 0.5, 0.12)
    rows, columns = values.shape
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal", xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(visible=True, color=color("line"), linewidth=1.0)
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
    steps = np.linspace(limit, -limit if kind == "signed" else 0, 33 if kind == "signed" else 17)
    heatmap(bar, steps[:, None], kind, limit)
    bar.set_aspect("auto")
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    ends = [limit, 0, -limit] if kind == "signed" else [limit, 0]
    bar.set_yticks(np.linspace(0, len(steps) - 1, len(ends)), [_amount(end) for end in ends])
    bar.tick_params(length=0, labelsize=11, labelcolor=color("soft"))
    label(bar, y=unit)


def strip(axes: Axes, values, kind: str = "signed", limit: float | None = None, names=None, wrap: int | None = None,
          digits: int = 2) -> float:
    """A vector as a row of cells with its numbers written in them. Returns the value of the full colour.

    Parameters
    ----------
    values : array (n,)
    names : sequence of str, optional
        A word above each number.
    wrap : int, optional
        Cells in a line; with a period as the wrap, what repeats stands in one column.
    digits : int
        Decimals of the written numbers.
    """
    values = check_array("values", values, shape=("n",))
    wrap = check_whole("wrap", wrap or len(values), low=1, high=len(values))
    grid = np.zeros(-(-len(values) // wrap) * wrap)
    grid[: len(values)] = values
    limit = heatmap(axes, grid.reshape(-1, wrap), kind, limit, gap=0.05, signs=False, strength=TINT)
    axes.set_aspect("auto")
    for place, value in enumerate(values):
        row, column = divmod(place, wrap)
        axes.text(column, row + (0.18 if names else 0), _signed(value, digits), ha="center", va="center", fontsize=11,
                  color=color("ink"))
        if names:
            axes.text(column, row - 0.22, names[place], ha="center", va="center", fontsize=11, color=color("ink"))
    for side in axes.spines.values():
        side.set_visible(False)
    return limit


def name_line(axes: Axes, x: float, y: float, name: str, **options) -> None:
    """Write a line's name at its end, instead of a legend."""
    options = {"xytext": (5, 0), "textcoords": "offset points", "ha": "left", "va": "center", **options}
    axes.annotate(name, (x, y), color=color("ink"), fontsize=11, annotation_clip=False, **options)


def looks(names, accent: str | None = None) -> dict[str, tuple[str, object, str]]:
    """A colour, a dash and a marker for each name: ink and greys, one accent; a role's colour only for that role.

    >>> looks(["Adam", "SGD", "query"], accent="SGD")["SGD"]
    ('link', (0, (5, 2)), 's')
    """
    names = list(names)
    if accent is not None:
        check_choice("accent", accent, names)
    found = {}
    for i, name in enumerate(names):
        gray, dash, mark = (choices[i % len(choices)] for choices in (GRAYS, DASHES, MARKERS))
        found[name] = (ROLES.get(name, "link" if name == accent else gray), dash, mark)
    return found


def spread(heights, least: float, top: float = np.inf) -> list[float]:
    """The heights, moved as little as keeps them ``least`` apart and the highest at ``top``: names do not overlap.

    >>> spread([0.5, 0.1, 0.45], 0.2)
    [0.65, 0.1, 0.45]
    >>> spread([1.0, 0.9], 0.2, top=1.0)
    [1.0, 0.8]
    """
    placed, last = list(heights), -np.inf
    for i in np.argsort(heights, kind="stable"):
        placed[i] = last = round(float(max(heights[i], last + least)), 9)
    if max(placed, default=0) > top:
        placed = [-height for height in spread([-min(height, top) for height in placed], least)]
    return placed


def ceiling(axes: Axes, level: float, name: str, where: str = "left", below: bool = False) -> None:
    """A bound that cannot be passed (ceiling, floor, chance): a thin dashed line with its name on it.

    Parameters
    ----------
    level : float
        Height, in data units.
    name : str
        Written on the line.
    where : {"left", "right"}
        The end of the line where the name stands.
    below : bool
        Whether the name stands under the line.
    """
    right = check_choice("where", where, ["left", "right"]) == "right"
    axes.axhline(level, color=color("ink"), linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(name, (1 if right else 0, level), xycoords=axes.get_yaxis_transform(),
                  xytext=(0 if right else 4, -4 if below else 3), textcoords="offset points",
                  ha="right" if right else "left", va="top" if below else "bottom", fontsize=11, color=color("ink"))


def raised(exponent: int) -> str:
    """A whole number as superscript, for powers of ten: ``10`` and ``raised(-3)`` is 10⁻³."""
    return str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def _amount(number: float) -> str:
    return f"{number:.2g}".replace("-", "−")


def _signed(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")
