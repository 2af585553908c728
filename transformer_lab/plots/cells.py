"""Matrices as cells (:func:`cells`), one at several steps (:func:`film`), vectors in lines (:func:`strips`)."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ..errors import UnknownNameError
from ..rules import Array, Choice, Each, Number, Whole
from ..signatures import checked
from ..theme import color
from .figure import Figure, laid_out
from .labelled import Names, by_title, named, numbers, short, span, words
from .style import empty, label
from .svg import CELLS

__all__ = ["cells", "film", "strips"]

KINDS = ("signed", "amount")
LEVELS = 16       # shades of a colour map
TINT = 0.4        # opacity of a full colour that text in ink must stay readable on, in both themes
MINUS_FROM = 0.2  # a negative cell at least this strong carries a minus sign
LETTER = 6.8         # px, about
ROOM = 17            # px that a row needs to carry a name or a number
TALLEST, PLAIN = 34, 400  # px: of a row, and of a table without names
MANY = 200           # cells; more are not written out


@checked
def cells(data, *, rows=None, columns=None, panel: str | None = None, row_label: str | dict | None = None,
          column_label: str | dict | None = None, kind: Choice(("auto", *KINDS)) = "auto",
          limit: Number(above=0) | Choice(("each",)) | None = None, unit: str | None = None,
          written: str | None = "auto", least: Number(0) = 0.0, row_parts: Each(int, 0) = (),
          column_parts: Each(int, 0) = (), strong: Each(str, 0) = (), bar: bool | None = None,
          width: Number(150, 870) | None = None, alt: str = "") -> Figure:
    """Matrices as cells, side by side: amounts from the page's background to one dark hue, or signed about it.

    NaN is a cell without a number, written as a dash. Names and labels of ``rows`` and ``columns`` may differ by title;
    names in ``strong`` are bold, and a thin line stands before each of ``row_parts`` and ``column_parts``. The full
    colour stands for ``limit``, by default the largest magnitude of all panels, or of "each". ``unit`` is written at
    the map's ``bar``, which is there where the numbers are not ``written``: in a format (".2f", ".0%"), or None; "auto"
    writes few. Magnitudes below ``least`` are not written.

    >>> cells([[0.0, 1.0]], rows=["last"], columns=["Max", "("], unit="attention").alt
    'A table of 1 row (last) and 2 columns (Max, (): attention from 0 to 1, the largest in row last, column (.'
    """
    given = by_title("data", data, panel)
    tables = {title: Table(title, values, {"rows": rows, "columns": columns, "row_label": row_label,
                                           "column_label": column_label}) for title, values in given.items()}
    if kind == "auto":
        kind = "signed" if any(np.nanmin(table.values, initial=0) < 0 for table in tables.values()) else "amount"
    top = {title: float(np.nanmax(np.abs(table.values), initial=0)) or 1.0 for title, table in tables.items()}
    if limit != "each":
        top = dict.fromkeys(tables, limit or max(top.values()))
    unit = words(next(iter(given.values())), None, unit)
    if written == "auto":
        few = all(table.values.size <= MANY and table.values.shape[1] <= 10 for table in tables.values())
        written = ".2f" if few else None
    written, bar = _format(written), written is None if bar is None else bar

    def draw(title, width):
        return tables[title].drawn(width, kind, top[title], unit if bar else None, written, least,
                                   (row_parts, column_parts), strong)

    return laid_out(tables, draw, [alt, *(table.told(unit or "numbers") for table in tables.values())], width)


def film(data, *, panel: str | None = None, alt: str = "", **options) -> Figure:
    """Small multiples: one matrix at several steps, all with one scale; options as in :func:`cells`.

    >>> len(film({"step 0": [[0.1]], "step 100": [[0.9]]}, unit="attention").svgs)
    2
    """
    return cells(data, panel=panel, alt=alt, **{"written": None, "width": 200, **options})


@checked
def strips(vectors: dict, names: Names, *, kind: Choice(KINDS) = "signed", wrap: Whole(1) = 5,
           digits: Whole(0, 15) = 2, alt: str = "") -> Figure:
    """Vectors, each written as lines of ``wrap`` cells; with the period as ``wrap``, what repeats stands in a column.

    ``names`` has a letter, or a word, for each entry, which stands above its number.

    >>> strips({"p": [0.25, 0.75]}, "AB", kind="amount").alt
    'p: 2 cells in lines of 5, from 0.25 to 0.75, the largest for B, number 2.'
    """
    drawn = {title: numbers(title or "vectors", values, (len(names),))
             for title, values in by_title("vectors", vectors).items()}
    n, across = len(names), min(wrap, len(names))
    lines = -(-n // across)

    def draw(title, width):
        drawing, axes = empty(min(width, 62 * wrap + 20), 30 + 36 * lines)
        grid = np.pad(drawn[title], (0, lines * across - n)).reshape(lines, across)
        heatmap(axes, grid, kind, gap=0.05, signs=False, strength=TINT, frame=False)
        for place, value in enumerate(drawn[title]):
            row, column = divmod(place, across)
            number = short(value, f".{digits}f") if round(value, digits) else "0"
            for text, down in ((number, 0.18), (names[place], -0.22)):
                axes.text(column, row + down, text, ha="center", va="center", fontsize=11, color=color("ink"))
        label(axes, title)
        return drawing

    return laid_out(drawn, draw, [alt, *(
        f"{title}: {n} cells in lines of {wrap}, from {span(values)}, the largest for {names[values.argmax()]}, "
        f"number {values.argmax() + 1}" for title, values in drawn.items())])


class Table:
    """One matrix with the names and the words of its axes."""

    def __init__(self, title: str, data, axes: dict):
        here = {argument: given.get(title) if isinstance(given, dict) else given for argument, given in axes.items()}
        self.title, self.values = title, numbers(title or "data", data, ("rows", "columns"), finite=False)
        self.rows, self.columns = (named(argument, here[argument], data, axis, self.values.shape[axis])
                                   for axis, argument in enumerate(("rows", "columns")))
        self.row_label, self.column_label = (
            words(data, axis, here[argument] or ("" if isinstance(axes[argument], dict) else None))
            for axis, argument in enumerate(("row_label", "column_label")))

    def drawn(self, width, kind, limit, unit, written, least, parts, strong):
        rows, columns = self.values.shape
        left = LETTER * max((len(name) for name in self.rows or ["00"]), default=0) + 20 * bool(self.row_label)
        across = (width - left - (70 if unit is not None else 10)) / columns
        down = float(np.clip(across, ROOM if self.rows or written else 2, TALLEST))
        if rows * down > PLAIN and not written:
            down = max(PLAIN / rows, min(across, ROOM))
        turned, words_height = self._turned(across)
        drawing, axes = empty(width, rows * down + words_height + 50 + 20 * bool(self.column_label))
        heatmap(axes, np.nan_to_num(self.values), kind, limit, gap=0.06 if written else 0.0, signs=written is None,
                strength=TINT if kind == "signed" and written else 1.0, frame=written is None)
        if written is not None:
            self._write(axes, written, kind, limit, least)
        for line, places, n in zip((axes.axhline, axes.axvline), parts, self.values.shape, strict=True):
            for place in places:
                if 0 < place < n:
                    line(place - 0.5, color=color("ink"), linewidth=0.8)
        self._named(axes, across, down, turned, strong)
        if unit is not None:
            color_bar(drawing, axes, limit, unit, kind)
        label(axes, self.title, self.column_label, self.row_label)
        return drawing

    def _turned(self, across: float) -> tuple[bool, float]:
        """Whether the columns' names have to be turned, and the height that they need."""
        names = self.columns or ["00"]
        across *= len(names) / max(1, sum(map(bool, names)))
        parts = [_broken(name, across).split("\n") for name in names]
        longest = max(len(line) for lines in parts for line in lines)
        turned = longest > 2 and longest * LETTER > across
        return turned, LETTER * max(map(len, names)) + 6 if turned else 14 * max(map(len, parts)) + 4

    def _named(self, axes, across: float, down: float, turned: bool, strong) -> None:
        for axis, names, size, n in ((axes.yaxis, self.rows, down, self.values.shape[0]),
                                     (axes.xaxis, self.columns, across, self.values.shape[1])):
            upright = axis is axes.yaxis
            need = 12 if upright or turned else LETTER * max((len(name) for name in names or ["00"]), default=1) + 4
            size *= n / max(1, sum(map(bool, names))) if names and "" in names else 1  # a name for a group of them
            breaks = not upright and not turned and names and max(map(len, names)) > 3
            step = 1 if breaks or (names and "" in names) else _round(max(1.0, need / size))
            shown = range(0, n, step)
            texts = [(names[i] if names else str(i)) for i in shown]
            axis.set_ticks(list(shown), [_broken(text, size) for text in texts] if breaks else texts)
            for tick, i in zip(axis.get_ticklabels(), shown, strict=True):
                tick.set(fontsize=11, rotation=90 if turned and not upright else 0, color=color("ink"),
                         fontweight="bold" if names and names[i] in strong else "normal")

    def _write(self, axes, written: str, kind: str, limit: float, least: float) -> None:
        for (row, column), value in np.ndenumerate(self.values):
            if np.isnan(value) or abs(value) >= least:
                dark = kind == "amount" and value > 0.55 * limit
                axes.text(column, row, "–" if np.isnan(value) else short(value, written), ha="center", va="center",
                          fontsize=11, color=color("page" if dark else "ink"))

    def told(self, unit: str) -> str:
        row, column = np.unravel_index(np.nan_to_num(self.values, nan=-np.inf).argmax(), self.values.shape)
        shape = " and ".join(_told_axis(word, names, n, by) for word, names, n, by in
                             (("row", self.rows, self.values.shape[0], self.row_label),
                              ("column", self.columns, self.values.shape[1], self.column_label)))
        missing = ", a dash where there is none" if np.isnan(self.values).any() else ""
        place = f"row {self.rows[row] if self.rows else row}, column {self.columns[column] if self.columns else column}"
        what = f"{self.title}: a table" if self.title else "A table"
        return f"{what} of {shape}: {unit} from {span(self.values)}{missing}, the largest in {place}"


def _told_axis(word: str, names, n: int, by: str) -> str:
    which = f" ({', '.join(names)})" if names and n <= 12 else f" (from {names[0]} to {names[-1]})" if names else ""
    return f"{n} {word}{'s' if n != 1 else ''}{' by ' + by if by else ''}{which}"


def _broken(name: str, room: float) -> str:
    """The name on several lines if it is wider than ``room`` px."""
    return name if len(name) * LETTER <= room else name.replace("-", "-\n").replace(" ", "\n")


def _format(written: str | None) -> str | None:
    """A format for floats that works, or none."""
    try:
        format(0.5, written or "")
    except ValueError:
        raise UnknownNameError("written", repr(written), "a format for numbers", "Pass '.2f' or '.0%'.") from None
    return written


def _round(step: float) -> int:
    """The next of 1, 2, 5, 10, ...: names stand at round places."""
    return next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if size >= step)


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
