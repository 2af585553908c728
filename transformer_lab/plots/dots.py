"""A row for each arm, every seed as a dot."""

from __future__ import annotations

import numpy as np

from ..checks import check_flag, check_number, check_type
from ..theme import color
from .figure import Figure
from .labelled import levels, nested, numbers, pair, span, told, words
from .layout import bounded, laid_out, scaled, told_bounds
from .style import label, looks
from .style import panel as empty

__all__ = ["dots", "swarm"]

DOT = 4.5   # px
ROW = 30    # px a row of dots; more where many coincide
MOST = 7    # dots of a pile that are drawn apart; higher piles are pressed together, and counted


def dots(data, *, panel: str | None = None, row: str | None = None, x_label: str | None = None, bounds=None,
         null: dict | None = None, accent: str | None = None, log: bool = False, x_range=None,
         row_height: float = ROW, alt: str = "") -> Figure:
    """Every value as a dot, a row an arm, with a stroke for the median; dots that coincide are swarmed or counted.

    Parameters
    ----------
    data : xarray.DataArray, or dict
        Values (n,) by the row's name, or by title and row. In place of an array a row may hold a dict of
        values by series; each series then has its own mark, which is named above.
    panel, row : str, optional
        Of a DataArray: the dimensions whose entries become panels and rows.
    x_label : str, optional
        Words with units; without them the data's own.
    bounds : dict of float, optional
        Upright lines by name: chance, ceiling; or by title and name.
    null : dict of (edges, counts), optional
        By name: a histogram above the rows, of what chance gives.
    accent : str, optional
        The row (or series) that the text is about.
    log : bool
    x_range : (float, float), optional
    row_height : float
        Of a row, in pixels.
    alt : str
        A sentence in front of the alternative text, which tells what is drawn.

    Examples
    --------
    >>> dots({"SGD": [0.9, 1.0], "Adam": [1.0, 1.0]}, x_label="share right").alt
    'Dots over share right, a row for each of SGD, Adam. SGD: 2 dots from 0.9 to 1. Adam: 2 dots from 1 to 1.'
    """
    given, x_words = _rows(data, panel, row), words(data, None, x_label, "x_label")
    null = {name: pair_of_arrays(name, found)
            for name, found in check_type("null", {} if null is None else null, dict).items()}
    limits, log = {title: levels(bounds, title) for title in given}, check_flag("log", log)
    ends = pair("x_range", x_range) if x_range is not None else _ends(given, limits, null, log)
    row_height = check_number("row_height", row_height, low=10)
    series = list(dict.fromkeys(name for rows in given.values() for found in rows.values() for name in found))
    styles = looks(series if series != [""] else [name for rows in given.values() for name in rows], accent)

    def drawer(title):
        def draw(width):
            rows, top = given[title], len(null) * 1.6
            height = 84 + row_height * (len(rows) + top) + (18 if len(series) > 1 else 0)
            drawing, axes = empty(width, height)
            scaled(axes, "x", log, ends)
            axes.set_ylim(len(rows) - 0.4, -0.6 - top)
            for i, (name, found) in enumerate(null.items()):
                _histogram(axes, name, *found, -0.7 - 1.6 * i)
            for place, (name, found) in enumerate(rows.items()):
                for kind, values in found.items():
                    _dots(axes, place, values, styles[kind or name], bool(kind), (width - 150, ends, log))
            bounded(axes, limits[title], upright=True)
            axes.set_yticks(range(len(rows)), list(rows), fontsize=11)
            few = len(limits[title]) <= 2
            above = 16 * (bool(limits[title]) if few else len(limits[title]))  # px for the bounds' names
            label(axes, title, x_words, pad=8 + above + 18 * (len(series) > 1))
            if len(series) > 1:
                _key(axes, series, styles, 8 + above)
            return drawing
        return draw

    said = [alt, f"{len(given)} panels" if len(given) > 1 else ""]
    names = list(dict.fromkeys(name for rows in given.values() for name in rows))
    said.append(f"Dots over {x_words or 'values'}, a row for each of {', '.join(names)}")
    for title, rows in given.items():
        for name, found in rows.items():
            for kind, values in found.items():
                which = ", ".join(filter(None, [title, name, kind]))
                count = f"{np.isfinite(values).sum()} dots from" if values.size > 1 else "a mark at"
                said.append(f"{which}: {count} {span(values) if values.size > 1 else span(values).split(' to ')[0]}")
    said += [f"A histogram above: {name}" for name in null]
    said += [told_bounds(limit) for limit in {repr(limit): limit for limit in limits.values()}.values()]
    return laid_out([drawer(title) for title in given], told(*said))


def swarm(values, size: float) -> np.ndarray:
    """How far up or down each dot moves, in whole dots, so that none covers another; ``size`` is a dot's width.

    >>> swarm([0, 0, 0, 5], 1)
    array([ 0,  1, -1,  0])
    """
    values, steps = np.asarray(values, dtype=float), np.zeros(len(values), dtype=int)
    taken: dict[int, list[float]] = {}
    for i in np.argsort(values, kind="stable"):
        turn = 0
        while any(abs(values[i] - other) < size for other in taken.get(_there(turn), [])[-3:]):
            turn += 1
        steps[i] = _there(turn)
        taken.setdefault(_there(turn), []).append(values[i])
    return steps


def _there(turn: int) -> int:
    """0, 1, -1, 2, -2, ..."""
    return (turn + 1) // 2 * (1 if turn % 2 else -1)


def _dots(axes, place: int, values, style, single: bool, scale) -> None:
    """A row's dots in a swarm, and the stroke at their median."""
    hue, _, mark = style
    values = values[np.isfinite(values)]
    if not values.size:
        return
    width, (low, high), log = scale
    across = (np.log(values / low) / np.log(high / low) if log else (values - low) / (high - low)) * width
    steps = swarm(across, DOT)
    pressed = min(1.0, (MOST // 2) / max(1, np.abs(steps).max(initial=0))) * DOT / ROW
    size = DOT if values.size > 1 else 6.5
    axes.plot(values, place + steps * pressed, mark if single else "o", color=color(hue), markersize=size,
              alpha=0.6 if values.size > 1 else 0.9, markeredgewidth=0, clip_on=False)
    if values.size > 1:
        axes.plot([np.median(values)] * 2, [place - 0.36, place + 0.36], color=color("ink"), linewidth=1.8)
    if np.ptp(steps) >= MOST:
        at = np.round(across[np.abs(steps).argmax()])
        count = int((np.abs(across - at) < DOT).sum())
        axes.annotate(f"×{count}", (values[np.abs(steps).argmax()], place), xytext=(-8 if at > width / 2 else 8, 0),
                      textcoords="offset points", va="center", ha="right" if at > width / 2 else "left", fontsize=11,
                      color=color("soft"))


def _key(axes, series, styles, up: float) -> None:
    """The marks of the series with their names, above the axes."""
    for name, place in zip(series, np.linspace(0, 0.99, len(series) + 1)[:-1], strict=True):
        axes.annotate(name, (place, 1), xycoords="axes fraction", xytext=(10, up), textcoords="offset points",
                      fontsize=11, va="center", color=color("ink"), annotation_clip=False)
        axes.annotate(GLYPHS[styles[name][2]], (place, 1), xycoords="axes fraction", xytext=(0, up), fontsize=11,
                      textcoords="offset points", va="center", color=color(styles[name][0]), annotation_clip=False)


GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼"}


def _histogram(axes, name: str, edges, counts, floor: float) -> None:
    """What chance gives, as a grey hill that stands on the line ``floor``."""
    axes.stairs(floor - 1.1 * counts / max(1, counts.max()), edges, baseline=floor, fill=True, color=color("other"),
                alpha=0.35)
    axes.annotate(name, (0.5 * (edges[0] + edges[-1]), floor - 1.15), ha="center", va="bottom", fontsize=11,
                  color=color("ink"), annotation_clip=False)


def pair_of_arrays(name: str, found) -> tuple[np.ndarray, np.ndarray]:
    edges, counts = found if isinstance(found, tuple | list) and len(found) == 2 else (None, None)
    counts = numbers(name, counts, ("bins",), low=0)
    return numbers(name, edges, (len(counts) + 1,)), counts


def _rows(data, panel, row) -> dict:
    """The data as ``{title: {row: {series: values}}}``."""
    return {title: {name: {kind: _values(name or "data", values)
                           for kind, values in (found if isinstance(found, dict) else {"": found}).items()}
                    for name, found in check_type("data", rows, dict).items()}
            for title, rows in nested("data", data, panel, row).items()}


def _values(name: str, values) -> np.ndarray:
    """The values of a row; a single number is one value."""
    return numbers(name, [values] if isinstance(values, int | float | np.number) else values, ("n",), finite=False)


def _ends(given, limits, null, log: bool) -> tuple[float, float]:
    values = np.concatenate([values for rows in given.values() for found in rows.values() for values in found.values()]
                            + [np.array([*limit.values()], dtype=float) for limit in limits.values() if limit]
                            + [edges for edges, _ in null.values()])
    values = values[np.isfinite(values) & ((values > 0) if log else True)]
    low, high = (values.min(), values.max()) if values.size else (0.1, 1.0)
    size = (high - low) or abs(high) or 1.0
    return (low / 1.5, high * 1.5) if log else (low - 0.03 * size, high + 0.03 * size)
