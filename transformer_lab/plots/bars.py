"""A bar for each entry, with its number."""

from __future__ import annotations

import numpy as np

from ..checks import check_whole
from ..theme import color
from .figure import Figure
from .labelled import by_title, levels, listed, numbers, pair, several, told, words
from .layout import bounded, laid_out, scaled, told_bounds
from .style import label
from .style import panel as empty

__all__ = ["bars"]


def bars(data, names=None, *, panel: str | None = None, x_label: str | None = None, bounds=None, strong=(),
         digits: int | None = 2, x_range=None, alt: str = "") -> Figure:
    """A horizontal bar for each entry with its number; of several runs the bar is the median, and each run a tick.

    Parameters
    ----------
    data : xarray.DataArray, or array (..., n), or dict of arrays by title
        The last axis is the bars, all before it are runs.
    names : sequence of str, optional
        Of the bars; without them the data's own.
    strong : sequence of str, optional
        Names that are set in bold.
    digits : int, optional
        Decimals of the numbers at the bars; none are written with None.
    others
        As in :func:`dots`.

    Examples
    --------
    >>> bars([0.1, 0.9], ["Max", "("], x_label="attention").alt
    'Bars of attention for Max, (. Max 0.1, ( 0.9.'
    """
    given = by_title("data", data, panel)
    first = next(iter(given.values()))
    if names is None and hasattr(first, "dims") and first.dims[-1] in first.coords:
        names = [str(name) for name in first[first.dims[-1]].values]
    first = numbers("data", first, ("bars",), leading=True)
    names = listed("names", names, first.shape[-1])
    drawn = {title: numbers(title or "data", values, (len(names),), leading=True).reshape(-1, len(names))
             for title, values in given.items()}
    strong = several("strong", strong, str)
    if digits is not None:
        check_whole("digits", digits, low=0, high=15)
    x_words = words(data, None, x_label, "x_label")
    limits = {title: levels(bounds, title) for title in drawn}
    everything = np.concatenate([np.ravel(rows) for rows in drawn.values()])
    ends = pair("x_range", x_range) if x_range is not None else (min(0.0, 1.1 * everything.min()),
                                                                 max(0.0, 1.12 * everything.max()) or 1.0)

    def drawer(title):
        def draw(width):
            drawing, axes = empty(width, 84 + 20 * len(names))
            _bars(axes, drawn[title], digits, ends)
            bounded(axes, limits[title], upright=True)
            axes.set(ylim=(len(names) - 0.4, -0.6))
            axes.set_yticks(range(len(names)), names, fontsize=11)
            for tick, name in zip(axes.get_yticklabels(), names, strict=True):
                tick.set(fontweight="bold" if name in strong else "normal", color=color("ink"))
            label(axes, title, x_words)
            return drawing
        return draw

    said = [alt, f"Bars of {x_words or 'values'} for {', '.join(names)}"]
    for title, rows in drawn.items():
        middle = np.median(rows, axis=0)
        many = f"medians of {len(rows)} runs, each run a tick: " if len(rows) > 1 else ""
        each = [f"{name} {level:.3g}".replace("-", "−") for name, level in zip(names, middle, strict=True)]
        said.append(f"{title + ': ' if title else ''}{many}{', '.join(each)}")
    said += [told_bounds(limit) for limit in {repr(limit): limit for limit in limits.values()}.values()]
    return laid_out([drawer(title) for title in drawn], told(*said))


def _bars(axes, rows, digits, ends) -> None:
    levels = np.median(rows, axis=0)
    axes.barh(range(len(levels)), levels, height=0.62, color=color("other"), alpha=0.45 if len(rows) > 1 else 0.75)
    if len(rows) > 1:
        for place in range(len(levels)):
            axes.plot(rows[:, place], np.full(len(rows), place), "|", color=color("ink"), alpha=0.6, markersize=9)
    scaled(axes, "x", False, ends)
    if digits is not None and len(rows) == 1:
        for place, level in enumerate(levels):
            axes.annotate(f"{level:.{digits}f}".replace("-", "−"), (max(level, 0), place), xytext=(4, 0),
                          textcoords="offset points", va="center", fontsize=11, color=color("ink"))
