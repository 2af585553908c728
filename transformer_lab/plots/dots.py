"""A row for each arm: every seed as a dot (:func:`dots`), or a bar with its number (:func:`bars`)."""

from __future__ import annotations

import numpy as np

from ..errors import ShapeError
from ..rules import Array, Each, Number, Whole
from ..signatures import checked
from ..theme import color
from ..wording import written
from .figure import Figure, laid_out
from .labelled import Names, Span, by_title, levels, named, nested, numbers, short, span, words
from .style import GLYPHS, bounded, empty, label, looks, name_line, room, scaled, told_bounds

__all__ = ["bars", "dots", "swarm"]

DOT = 4.5   # px
ROW = 30    # px a row of dots; more where many coincide
COUNT = 30  # px that the count of a pile needs
MOST = 7    # dots of a pile that are drawn apart; higher piles are pressed together, and counted


@checked
def dots(data, *, panel: str | None = None, row: str | None = None, x_label: str | None = None,
         bounds: dict | None = None, null: dict | None = None, accent: str | None = None, log: bool = False,
         x_range: Span | None = None, row_height: Number(10, 200) = ROW, alt: str = "") -> Figure:
    """Every value as a dot, a row an arm, with a stroke for the median; dots that coincide are swarmed or counted.

    The data are values (n,) by the row's name, or by title and row; in place of an array a row may hold a dict of
    values by series, each of which then has its own mark. ``row`` names the dimension whose entries become rows;
    ``bounds`` are upright lines; ``null`` has (edges, counts) by name, histograms above the rows, of what chance gives.

    >>> dots({"SGD": [0.9, 1.0], "Adam": [1.0, 1.0]}, x_label="share right").alt
    'Dots over share right, a row for each of SGD, Adam. SGD: 2 dots from 0.9 to 1. Adam: 2 dots from 1 to 1.'
    """
    given, x_words = _rows(data, panel, row), words(data, None, x_label)
    hills = {name: _hill(name, found) for name, found in (null or {}).items()}
    limits = {title: levels(bounds, title, given) for title in given}
    everything = [values for rows in given.values() for found in rows.values() for values in found.values()]
    ends = x_range or room(everything + [np.atleast_1d(level) for limit in limits.values() for level in limit.values()]
                           + [edges for edges, _ in hills.values()], log, 0.03, 0.03, 1.5)
    series = list(dict.fromkeys(name for rows in given.values() for found in rows.values() for name in found))
    styles = looks(series if series != [""] else [name for rows in given.values() for name in rows], accent)

    def draw(title, width):
        rows, top, key = given[title], len(hills) * 1.6, 18 * (len(series) > 1)
        drawing, axes = empty(width, 84 + row_height * (len(rows) + top) + key)
        scaled(axes, "x", log, ends)
        axes.set_ylim(len(rows) - 0.4, -0.6 - top)
        for i, (name, found) in enumerate(hills.items()):
            _histogram(axes, name, *found, -0.7 - 1.6 * i)
        for place, (name, found) in enumerate(rows.items()):
            for kind, values in found.items():
                _dots(axes, place, values, styles[kind or name], bool(kind), (width - 150, ends, log))
        bounded(axes, limits[title], upright=True)
        axes.set_yticks(range(len(rows)), list(rows), fontsize=11)
        above = 16 * (len(limits[title]) if len(limits[title]) > 2 else bool(limits[title]))  # px for the bounds' names
        label(axes, title, x_words, pad=8 + above + key)
        if key:
            _key(axes, series, styles, 8 + above)
        return drawing

    names = dict.fromkeys(name for rows in given.values() for name in rows)
    said = [alt, f"{len(given)} panels" if len(given) > 1 else "",
            f"Dots over {x_words or 'values'}, a row for each of {', '.join(names)}"]
    for title, rows in given.items():
        for name, found in rows.items():
            for kind, values in found.items():
                which = ", ".join(filter(None, [title, name, kind]))
                count = f"{np.isfinite(values).sum()} dots from {span(values)}"
                said.append(f"{which}: {count if values.size > 1 else 'a mark at ' + span(values).split(' to ')[0]}")
    said += [f"A histogram above: {name}" for name in hills]
    return laid_out(given, draw, [*said, *told_bounds(limits)])


@checked
def bars(data, names: Names | None = None, *, panel: str | None = None, x_label: str | None = None,
         bounds: dict | None = None, strong: Each(str, 0) = (), digits: Whole(0, 15) | None = 2,
         x_range: Span | None = None, alt: str = "") -> Figure:
    """A horizontal bar for each entry with its number; of several runs the bar is the median, and each run a tick.

    The last axis of the data is the bars, all before it are runs. ``digits`` are the decimals of the written numbers,
    None for none; ``strong`` names are set in bold; ``bounds`` are upright lines.

    >>> bars([0.1, 0.9], ["Max", "("], x_label="attention").alt
    'Bars of attention for Max, (. Max 0.1, ( 0.9.'
    """
    given, drawn = by_title("data", data, panel), {}
    for title, values in given.items():
        rows = numbers(title or "data", values, ("bars",), leading=True)
        names = named("names", names, values, -1, rows.shape[-1]) or [*map(str, range(rows.shape[-1]))]
        drawn[title] = rows.reshape(-1, len(names))
    x_words, limits = words(data, None, x_label), {title: levels(bounds, title, drawn) for title in drawn}
    everything = np.concatenate([np.ravel(rows) for rows in drawn.values()])
    ends = x_range or (min(0.0, 1.1 * everything.min()), max(0.0, 1.12 * everything.max()) or 1.0)

    def draw(title, width):
        drawing, axes = empty(width, 84 + 20 * len(names))
        _bars(axes, drawn[title], digits, ends)
        bounded(axes, limits[title], upright=True)
        axes.set(ylim=(len(names) - 0.4, -0.6))
        axes.set_yticks(range(len(names)), names, fontsize=11)
        for tick, name in zip(axes.get_yticklabels(), names, strict=True):
            tick.set(fontweight="bold" if name in strong else "normal", color=color("ink"))
        label(axes, title, x_words)
        return drawing

    said = [alt, f"Bars of {x_words or 'values'} for {', '.join(names)}"]
    for title, rows in drawn.items():
        many = f"medians of {len(rows)} runs, each run a tick: " if len(rows) > 1 else ""
        each = [f"{name} {short(level)}" for name, level in zip(names, np.median(rows, axis=0), strict=True)]
        said.append(f"{title + ': ' if title else ''}{many}{', '.join(each)}")
    return laid_out(drawn, draw, [*said, *told_bounds(limits)])


def _bars(axes, rows, digits, ends) -> None:
    middle, several = np.median(rows, axis=0), len(rows) > 1
    axes.barh(range(len(middle)), middle, height=0.62, color=color("other"), alpha=0.45 if several else 0.75)
    scaled(axes, "x", False, ends)
    for place, level in enumerate(middle):
        if several:
            axes.plot(rows[:, place], np.full(len(rows), place), "|", color=color("ink"), alpha=0.6, markersize=9)
        elif digits is not None:
            name_line(axes, max(level, 0), place, short(level, f".{digits}f"), xytext=(4, 0), annotation_clip=None)


@checked
def swarm(values: Array("n", empty=True), size: Number(above=0)) -> np.ndarray:
    """How far up or down each dot moves, in whole dots, so that none covers another; ``size`` is a dot's width.

    >>> swarm([0.0, 0.0, 0.0, 5.0], 1)
    array([ 0,  1, -1,  0])
    """
    steps, taken = np.zeros(len(values), dtype=int), {}
    for i in np.argsort(values, kind="stable"):
        turn = 0
        while any(abs(values[i] - other) < size for other in taken.get(turn, [])[-3:]):
            turn += 1
        steps[i] = (turn + 1) // 2 * (1 if turn % 2 else -1)  # 0, 1, -1, 2, -2, ...
        taken.setdefault(turn, []).append(values[i])
    return steps


def _dots(axes, place: int, values, style, single: bool, scale) -> None:
    """A row's dots in a swarm, and the stroke at their median."""
    values = values[np.isfinite(values)]
    if not values.size:
        return
    (hue, _, mark), (width, (low, high), log), several = style, scale, values.size > 1
    across = (np.log(values / low) / np.log(high / low) if log else (values - low) / (high - low)) * width
    steps = swarm.unchecked(across, DOT)
    furthest = np.abs(steps).argmax()
    pressed = min(1.0, (MOST // 2) / max(1, abs(steps[furthest]))) * DOT / ROW
    axes.plot(values, place + steps * pressed, mark if single else "o", color=color(hue), clip_on=False,
              markersize=DOT if several else 6.5, alpha=0.6 if several else 0.9, markeredgewidth=0)
    if several:
        axes.plot([np.median(values)] * 2, [place - 0.36, place + 0.36], color=color("ink"), linewidth=1.8)
    if np.ptp(steps) >= MOST:
        at = np.round(across[furthest])
        side, count = (-1 if at > width / 2 else 1), (np.abs(across - at) < DOT).sum()
        name_line(axes, values[furthest], place, f"×{count}", "soft", annotation_clip=None,
                  xytext=(side * (_free(side * (across - at)) + 8), 0), ha="left" if side > 0 else "right")


def _free(away) -> float:
    """From where on a count beside a pile lies on no dot, in px; ``away`` is how far each dot is from the pile."""
    edge = 0.0
    for place in np.sort(away):
        edge = place if 0 < place - edge < COUNT else edge
    return edge


def _key(axes, series, styles, up: float) -> None:
    """The marks of the series with their names, above the axes."""
    for name, place in zip(series, np.linspace(0, 0.99, len(series) + 1)[:-1], strict=True):
        name_line(axes, place, 1, name, xycoords="axes fraction", xytext=(10, up))
        name_line(axes, place, 1, GLYPHS[styles[name][2]], styles[name][0], xycoords="axes fraction", xytext=(0, up))


def _histogram(axes, name: str, edges, counts, floor: float) -> None:
    """What chance gives, as a grey hill that stands on the line ``floor``."""
    axes.stairs(floor - 1.1 * counts / max(1, counts.max()), edges, baseline=floor, fill=True, color=color("other"),
                alpha=0.35)
    name_line(axes, 0.5 * (edges[0] + edges[-1]), floor - 1.15, name, xytext=(0, 0), ha="center", va="bottom")


def _hill(name: str, found) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ShapeError(name, written(found), "(edges, counts)", "Pass both.")
    counts = numbers(name, found[1], ("bins",), low=0)
    return numbers(name, found[0], (len(counts) + 1,)), counts


def _rows(data, panel, row) -> dict:
    """The data as ``{title: {row: {series: values}}}``."""
    return {title: {name: {kind: _values(name or "data", values) for kind, values in by_title("data", found).items()}
                    for name, found in rows.items()} for title, rows in nested("data", data, panel, row).items()}


def _values(name: str, values) -> np.ndarray:
    """The values of a row; a single number is one value."""
    return numbers(name, [values] if isinstance(values, int | float | np.number) else values, ("n",), finite=False)
