"""Lines over an axis: many runs of each (:func:`curves`), or a few exact ones (:func:`lines`)."""

from __future__ import annotations

import numpy as np

from ..checks import check_choice, check_type
from ..rules import Choice
from ..signatures import checked
from ..theme import color
from .figure import Figure, laid_out
from .labelled import FAR, Span, capital, coordinates, levels, nested, numbers, per_panel, runs, span, words
from .style import bounded, empty, label, looks, name_ends, room, scaled, shaded, told_bounds

__all__ = ["curves", "lines"]

HEIGHT = 250


@checked
def curves(data, x=None, *, panel: str | None = None, line: str | None = None, margins: dict | None = None,
           laws: dict | None = None, x_label: str | None = None, y_label: str | dict | None = None,
           bounds: dict | None = None, shade: dict | None = None, accent: str | None = None,
           log: Choice(("", "x", "y", "xy")) = "", x_range: Span | None = None, y_range: Span | None = None,
           alt: str = "") -> Figure:
    """Runs over an axis: every run thin, the median strong and with its name, the middle half of the runs as a band.

    The last axis of the data runs along ``x``, all before it are runs; NaN is where nothing was measured. ``line``
    names the dimension whose entries become lines; ``shade`` has stretches of x (n, 2) in grey, by name. With a
    ``y_label`` by title every panel has its own range.

    >>> runs = {"one head": [[0.5, 0.7, 0.8], [0.5, 0.8, 0.8]]}
    >>> curves(runs, [0, 10, 20], x_label="step", y_label="share right", bounds={"ceiling": 0.8}).alt
    'Share right over step, which goes from 0 to 20. one head: 2 runs, values 0.5 to 0.8. Thin dashed: ceiling at 0.8.'
    """
    given = nested("data", data, panel, line)
    along, dim = coordinates(x, given)
    drawn = {title: {name: runs(name or "data", values, len(along), dim) for name, values in named.items()}
             for title, named in given.items()}
    styles = looks([name for named in drawn.values() for name in named], accent)
    limits = {title: levels(bounds, title, drawn) for title in drawn}
    beside = {title: [_beside(what, found, title, drawn, along, low) for what, found, low in
                      (("margins", margins, 0), ("laws", laws, -FAR))] for title in drawn}
    x_words, apart = words(data, dim, x_label), isinstance(y_label, dict)
    for title in y_label if apart else ():
        check_choice("a title in y_label", title, list(drawn))
    y_words = {title: check_type(f"y_label[{title!r}]", y_label.get(title, ""), str)
               if apart else words(data, None, y_label) for title in drawn}

    def draw(title, width):
        drawing, axes = empty(width, HEIGHT)
        seen = [part for each in ([title] if apart else drawn)
                for part in [*drawn[each].values(), *map(np.atleast_1d, limits[each].values())]]
        scaled(axes, "x", "x" in log, x_range or (along.min(), along.max()))
        scaled(axes, "y", "y" in log, y_range or room(seen, "y" in log, 0.04, 0.08, 1.3))
        shaded(axes, per_panel("shade", shade, title, drawn))
        for name, rows in drawn[title].items():
            _line(axes, along, rows, styles[name], *(found.get(name) for found in beside[title]))
        bounded(axes, limits[title], along)
        name_ends(axes, _ends(along, drawn[title]), styles, HEIGHT - 60)
        label(axes, title, x_words, y_words[title])
        return drawing

    return laid_out(drawn, draw, [alt, *_told(drawn, along, x_words, y_words, "y" in log), *told_bounds(limits)])


def lines(data, x=None, *, margins=None, laws=None, **options) -> Figure:
    """A few lines, each with its name: formulas, or means with their intervals and the law that they should keep.

    ``margins`` has half the width of each interval (n,), by the names of the lines, which then get marks and bars;
    ``laws`` what theory says, as thin lines. The options are those of :func:`curves`.

    >>> lines({"d_k = 4": [1.0, 0.2]}, [0, 1], x_label="offset", y_label="dot product").alt
    'Dot product over offset, which goes from 0 to 1. d_k = 4: values 0.2 to 1.'
    """
    return curves(data, x, margins=margins, laws=laws, **options)


def _beside(what, given, title, drawn, along, low) -> dict:
    """Numbers along a panel's lines, by their names; such for a line that is not drawn are refused."""
    known = [name for named in drawn.values() for name in named]
    found = {check_choice(f"a name in {what}", name, known): value
             for name, value in per_panel(what, given, title, drawn).items()}
    return {name: numbers(f"{what}[{name!r}]", found[name], along.shape, low=low)
            for name in drawn[title] if name in found}


def _line(axes, along, rows, style, margin, law) -> None:
    """All runs thin, their median strong, the middle half as a band; what was not measured is left out."""
    there, (hue, dash, mark) = np.isfinite(rows).all(axis=0), style
    here, rows = along[there], rows[:, there]
    middle = np.median(rows, axis=0)
    if law is not None:
        axes.plot(along, law, color=color("ink"), linewidth=1)
    if margin is not None:
        axes.errorbar(here, middle, margin[there], fmt=mark, color=color(hue), markersize=4.5, linewidth=1.4,
                      linestyle="none" if law is not None else dash)
        return
    if len(rows) > 1:
        gap = np.full((len(rows), 1), np.nan)  # one line with gaps: far fewer bytes than a line a run
        axes.plot(np.tile([*here, np.nan], len(rows)), np.hstack([rows, gap]).ravel(), color=color(hue), alpha=0.35,
                  linewidth=0.7, solid_capstyle="butt")
    if len(rows) > 3:
        axes.fill_between(here, *np.quantile(rows, [0.25, 0.75], axis=0), color=color(hue), alpha=0.15, linewidth=0)
    axes.plot(here, middle, color=color(hue), linestyle=dash, linewidth=2.2 if len(rows) > 1 else 2,
              marker="o" if len(here) == 1 else None)


def _ends(along, named: dict) -> dict:
    """Where each line ends, by its name; a line without a name has none."""
    ends = {}
    for name, rows in named.items():
        there = np.flatnonzero(np.isfinite(rows).all(axis=0))
        if name and there.size:
            ends[name] = (along[there[-1]], float(np.median(rows[:, there[-1]])))
    return ends


def _told(drawn, along, x_words, y_words, log: bool):
    """What is drawn, sentence by sentence; on a linear axis rounding errors are told as 0."""
    nothing = 0.0 if log else 1e-6 * max(np.nanmax(abs(rows), initial=0) for named in drawn.values()
                                         for rows in named.values())
    over = f"over {x_words or 'x'}, which goes from {span(along)}"
    yield f"{len(drawn)} panels" if len(drawn) > 1 else ""
    if alike := len(set(y_words.values())) == 1:
        yield f"{capital(next(iter(y_words.values())) or 'values')} {over}"
    for title, named in drawn.items():
        yield "" if alike else f"{title}: {y_words[title]} {over}"
        for name, rows in named.items():
            which, many = ", ".join(filter(None, [title, name])), f"{len(rows)} runs, " if len(rows) > 1 else ""
            yield f"{which + ': ' if which else ''}{many}values {span(rows, nothing)}"
