"""Matrices as cells (:func:`cells`), and one matrix at several steps (:func:`film`)."""

from __future__ import annotations

import numpy as np

from ..checks import check_choice, check_flag, check_number, check_type
from ..errors import UnknownNameError
from ..theme import color
from .figure import Figure
from .labelled import by_title, listed, numbers, several, span, told, words
from .layout import fixed, laid_out
from .style import TINT, color_bar, heatmap, label
from .style import panel as empty

__all__ = ["cells", "film"]

KINDS = ("auto", "amount", "signed")
LETTER = 6.8         # px, about
ROOM = 17            # px that a row needs to carry a name or a number
TALLEST, PLAIN = 34, 400  # px: of a row, and of a table without names
MANY = 200           # cells; more are not written out


def cells(data, *, rows=None, columns=None, panel: str | None = None, row_label=None, column_label=None,
          kind: str = "auto", limit=None, unit: str | None = None, written: str | None = "auto", least: float = 0.0,
          row_parts=(), column_parts=(), strong=(), bar: bool | None = None, width: float | None = None,
          alt: str = "") -> Figure:
    """Matrices as cells, side by side: amounts from the page's background to one dark hue, or signed about it.

    Parameters
    ----------
    data : xarray.DataArray, or array (rows, columns), or dict of arrays by title
        NaN is a cell that has no number: it is written as a dash.
    rows, columns : sequence of str, or dict of those by title, optional
        Names; without them the data's own, or numbers from 0.
    panel : str, optional
        Of a DataArray: the dimension whose entries become panels.
    row_label, column_label : str, or dict of str by title, optional
        Words for the axes; without them the data's own.
    kind : {"auto", "amount", "signed"}
        Whether the map is one of amounts (from 0) or has a sign; without it the data decide.
    limit : float or "each", optional
        What the full colour stands for; without it the largest magnitude of all panels, or of each.
    unit : str, optional
        Words at the map's bar.
    written : str or None
        A format for the numbers in the cells (".2f", ".0%"), None for none; "auto" writes few.
    least : float
        Smaller magnitudes are not written.
    row_parts, column_parts : sequence of int
        A thin line stands before each of these.
    strong : sequence of str
        Names that are set in bold.
    bar : bool, optional
        Whether each map has its bar; without it where the numbers are not written.
    width : float, optional
        Of a panel, in pixels; without it by their number.
    alt : str
        A sentence in front of the alternative text, which tells what is drawn.

    Examples
    --------
    >>> cells([[0.0, 1.0]], rows=["last"], columns=["Max", "("], unit="attention").alt
    'A table of 1 row (last) and 2 columns (Max, (): attention from 0 to 1, the largest in row last, column (.'
    """
    given = by_title("data", data, panel)
    drawn = {title: numbers(title or "data", values, ("rows", "columns"), finite=False)
             for title, values in given.items()}
    check_choice("kind", kind, KINDS), check_type("alt", alt, str)
    filled = {title: np.nan_to_num(values) for title, values in drawn.items()}
    if kind == "auto":
        kind = "signed" if any((values < 0).any() for values in filled.values()) else "amount"
    top = {title: float(np.abs(values).max()) or 1.0 for title, values in filled.items()}
    if not (isinstance(limit, str) and limit == "each"):
        top = dict.fromkeys(drawn, max(top.values()) if limit is None else check_number("limit", limit, above=0))
    looks = {title: Table(values, *(_names(argument, named, given[title], axis, title, values.shape[axis])
                                    for axis, (argument, named) in enumerate((("rows", rows), ("columns", columns)))),
                          *(_axis_words(argument, word, given[title], axis, title)
                            for axis, (argument, word) in enumerate((("row_label", row_label),
                                                                     ("column_label", column_label)))))
             for title, values in drawn.items()}
    row_parts, column_parts = several("row_parts", row_parts, int), several("column_parts", column_parts, int)
    strong, least = several("strong", strong, str), check_number("least", least, low=0)
    width = None if width is None else check_number("width", width, low=150, high=870)
    unit = words(next(iter(given.values())), None, unit, "unit")
    few = all(values.size <= MANY and values.shape[1] <= 10 for values in drawn.values())
    if isinstance(written, str) and written == "auto":
        written = ".2f" if few else None
    written = _format(written)
    bar = written is None if bar is None else check_flag("bar", bar)

    def drawer(title):
        def draw(width):
            return looks[title].drawn(width, title, kind, top[title], unit if bar else None, written, least,
                                      (row_parts, column_parts), strong)
        return draw

    said = [table.told(title, unit or "numbers") for title, table in looks.items()]
    return laid_out([drawer(title) for title in drawn], told(alt, *said), width)


class Table:
    """One matrix with the names and the words of its axes."""

    def __init__(self, values, rows, columns, row_label: str, column_label: str):
        self.values, self.rows, self.columns = values, rows, columns
        self.row_label, self.column_label = row_label, column_label

    def drawn(self, width, title, kind, limit, unit, written, least, parts, strong):
        rows, columns = self.values.shape
        left = LETTER * max((len(name) for name in self.rows or ["00"]), default=0) + 20 * bool(self.row_label)
        across = (width - left - (70 if unit is not None else 10)) / columns
        down = float(np.clip(across, ROOM if self.rows or written else 2, TALLEST))
        if rows * down > PLAIN and not written:
            down = max(PLAIN / rows, min(across, ROOM))
        turned, words_height = self._turned(across)
        drawing, axes = empty(width, rows * down + words_height + 50 + 20 * bool(self.column_label))
        heatmap(axes, np.nan_to_num(self.values), kind, limit, gap=0.06 if written else 0.0,
                signs=written is None, strength=TINT if kind == "signed" and written else 1.0)
        axes.set_aspect("auto")
        if written is not None:
            self._write(axes, written, kind, limit, least)
        self._parted(axes, *parts)
        self._named(axes, across, down, turned, strong)
        if unit is not None:
            color_bar(drawing, axes, limit, unit, kind)
        label(axes, title, self.column_label, self.row_label)
        return drawing

    def _turned(self, across: float) -> tuple[bool, float]:
        """Whether the columns' names have to be turned, and the height that they need."""
        names = self.columns or ["00"]
        across *= len(names) / max(1, sum(map(bool, names)))
        parts = [_broken(name, across) for name in names]
        longest = max(len(line) for lines in parts for line in lines.split("\n"))
        turned = longest > 2 and longest * LETTER > across
        lines = max(1 + lines.count("\n") for lines in parts)
        return turned, LETTER * max(map(len, names)) + 6 if turned else 14 * lines + 4

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
            if breaks:
                texts = [_broken(text, size) for text in texts]
            fixed(axis, list(shown), texts)
            for tick, i in zip(axis.get_ticklabels(), shown, strict=True):
                bold = bool(names) and names[i] in strong
                tick.set(fontsize=11, rotation=90 if turned and not upright else 0, color=color("ink"),
                         fontweight="bold" if bold else "normal")

    def _write(self, axes, written: str, kind: str, limit: float, least: float) -> None:
        for (row, column), value in np.ndenumerate(self.values):
            if np.isnan(value) or abs(value) >= least:
                dark = kind == "amount" and value > 0.55 * limit
                axes.text(column, row, _number(value, written), ha="center", va="center", fontsize=11,
                          color=color("page" if dark else "ink"))
        for side in axes.spines.values():
            side.set_visible(False)

    @staticmethod
    def _parted(axes, row_parts, column_parts) -> None:
        (right, bottom) = axes.get_xlim()[1], axes.get_ylim()[0]
        for draw, places, end in ((axes.axhline, row_parts, bottom), (axes.axvline, column_parts, right)):
            for place in places:
                if 0 < place < end:
                    draw(place - 0.5, color=color("ink"), linewidth=0.8)

    def told(self, title: str, unit: str) -> str:
        row, column = np.unravel_index(np.nan_to_num(self.values, nan=-np.inf).argmax(), self.values.shape)
        shape = " and ".join(_told_axis(word, names, n, by) for word, names, n, by in
                             (("row", self.rows, self.values.shape[0], self.row_label),
                              ("column", self.columns, self.values.shape[1], self.column_label)))
        missing = ", a dash where there is none" if np.isnan(self.values).any() else ""
        place = f"row {self.rows[row] if self.rows else row}, column {self.columns[column] if self.columns else column}"
        what = f"{title}: a table" if title else "A table"
        return f"{what} of {shape}: {unit} from {span(self.values)}{missing}, the largest in {place}"


def film(data, *, panel: str | None = None, alt: str = "", **options) -> Figure:
    """Small multiples: one matrix at several steps, all with one scale; options as in :func:`cells`.

    Examples
    --------
    >>> len(film({"step 0": [[0.1]], "step 100": [[0.9]]}, unit="attention").svgs)
    2
    """
    return cells(data, panel=panel, alt=alt, **{"written": None, "width": 200, **options})


def _names(argument, given, values, axis: int, title: str, n: int) -> list[str] | None:
    if isinstance(given, dict):
        given = given.get(title)
    if given is None and hasattr(values, "dims") and values.dims[axis] in values.coords:
        given = [f"{name:g}" if isinstance(name, float) else str(name) for name in values[values.dims[axis]].values]
    return None if given is None else listed(argument, given, n)


def _axis_words(argument, given, values, axis: int, title: str) -> str:
    if isinstance(given, dict):
        given = given.get(title, "")
    return words(values, getattr(values, "dims", (None, None))[axis], given, argument)


def _told_axis(word: str, names, n: int, by: str) -> str:
    which = f" ({', '.join(names)})" if names and n <= 12 else f" (from {names[0]} to {names[-1]})" if names else ""
    return f"{n} {word}{'s' if n != 1 else ''}{' by ' + by if by else ''}{which}"


def _broken(name: str, room: float) -> str:
    """The name on several lines if it is wider than ``room`` px."""
    return name if len(name) * LETTER <= room else name.replace("-", "-\n").replace(" ", "\n")


def _format(written: str | None) -> str | None:
    """A format for floats that works, or none."""
    if written is not None:
        try:
            format(0.5, check_type("written", written, str))
        except ValueError:
            raise UnknownNameError("written", repr(written), "a format for numbers", "Pass '.2f' or '.0%'.") from None
    return written


def _number(value: float, written: str) -> str:
    if np.isnan(value):
        return "–"
    text = format(value, written)
    return (text.lstrip("-") if float(text.rstrip("%")) == 0 else text).replace("-", "−")


def _round(step: float) -> int:
    """The next of 1, 2, 5, 10, ...: names stand at round places."""
    return next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if size >= step)
