"""Lines over an axis: many runs of each (:func:`curves`), or a few exact ones (:func:`lines`)."""

from __future__ import annotations

import numpy as np

from ..checks import check_choice, check_type
from ..theme import color
from .figure import Figure
from .labelled import capital, coordinates, levels, nested, numbers, pair, per_panel, runs, span, told, words
from .layout import bounded, laid_out, name_ends, scaled, shaded, told_bounds
from .style import label, looks
from .style import panel as empty

__all__ = ["curves", "lines"]

HEIGHT = 250
LOGS = ("", "x", "y", "xy")


def curves(data, x=None, *, panel: str | None = None, line: str | None = None, x_label: str | None = None,
           y_label: str | None = None, bounds=None, shade=None, accent: str | None = None, log: str = "",
           x_range=None, y_range=None, alt: str = "") -> Figure:
    """Runs over an axis: every run thin, the median strong and with its name, the middle half of the runs as a band.

    Parameters
    ----------
    data : xarray.DataArray, or dict of array (..., n), by name or by title and name
        The last axis runs along x, all before it are runs. NaN where nothing was measured.
    x : array (n,), or the name of a dimension
    panel, line : str, optional
        Of a DataArray: the dimensions whose entries become panels, and lines with names.
    x_label, y_label : str, optional
        Words with units; without them the data's own.
    bounds : dict of float or of array (n,), optional
        Ceilings, floors, chance, by name; or by title and name.
    shade : dict of array (stretches, 2), optional
        Stretches of x in grey, by name; or by title and name.
    accent : str, optional
        The line that the text is about. All others are ink and grey.
    log : {"", "x", "y", "xy"}
    x_range, y_range : (float, float), optional
        Both ends of an axis; without them what holds all values, the same in all panels.
    alt : str
        A sentence in front of the alternative text, which tells what is drawn.

    Examples
    --------
    >>> runs = {"one head": [[0.5, 0.7, 0.8], [0.5, 0.8, 0.8]]}
    >>> curves(runs, [0, 10, 20], x_label="step", y_label="share right", bounds={"ceiling": 0.8}).alt
    'Share right over step, which goes from 0 to 20. one head: 2 runs, values 0.5 to 0.8. Thin dashed: ceiling at 0.8.'
    """
    given = nested("data", data, panel, line)
    along, dim = coordinates(data, x, given)
    drawn = {title: {name: runs(name or "data", values, len(along), dim) for name, values in named.items()}
             for title, named in given.items()}
    what = (words(data, dim, x_label, "x_label"), words(data, None, y_label, "y_label"))
    return _figure(drawn, along, what, _many, bounds, shade, accent, log, x_range, y_range, alt)


def lines(data, x=None, *, margins=None, laws=None, panel: str | None = None, line: str | None = None,
          x_label: str | None = None, y_label=None, bounds=None, shade=None, accent: str | None = None, log: str = "",
          x_range=None, y_range=None, alt: str = "") -> Figure:
    """A few lines, each with its name: formulas, or means with their intervals and the law that they should keep.

    Parameters
    ----------
    data : xarray.DataArray, or dict of array (n,), by name or by title and name
    margins : dict of array (n,), optional
        Half the width of each interval, by the same names; values then get marks and bars.
    laws : dict of array (n,), optional
        What theory says, by the same names: a thin line.
    y_label : str, or dict of str by title
        With a dict every panel has its own range.
    others
        As in :func:`curves`.

    Examples
    --------
    >>> lines({"d_k = 4": [1.0, 0.2]}, [0, 1], x_label="offset", y_label="dot product").alt
    'Dot product over offset, which goes from 0 to 1. d_k = 4: values 0.2 to 1.'
    """
    given = nested("data", data, panel, line)
    along, dim = coordinates(data, x, given)
    drawn = {title: {name: runs(name or "data", values, len(along), dim)[:1] for name, values in named.items()}
             for title, named in given.items()}
    extra = [{} if more is None else nested(name, more, panel, line)
             for name, more in (("margins", margins), ("laws", laws))]

    def one(axes, name, along, rows, style, title):
        margin, law = (numbers(name, more[title][name], along.shape) if name in more.get(title, {}) else None
                       for more in extra)
        _one(axes, along, rows[0], style, margin, law)

    what = (words(data, dim, x_label, "x_label"), y_label if isinstance(y_label, dict) else
            words(data, None, y_label, "y_label"))
    return _figure(drawn, along, what, one, bounds, shade, accent, log, x_range, y_range, alt)


def _many(axes, name, along, rows, style, title) -> None:
    """All runs thin, their median strong, the middle half as a band; what was not measured is left out."""
    there, (hue, dash, _) = np.isfinite(rows).all(axis=0), style
    along, rows = along[there], rows[:, there]
    if len(rows) > 1:
        gap = np.full((len(rows), 1), np.nan)  # one line with gaps: far fewer bytes than a line a run
        axes.plot(np.tile([*along, np.nan], len(rows)), np.hstack([rows, gap]).ravel(), color=color(hue), alpha=0.35,
                  linewidth=0.7, solid_capstyle="butt")
    if len(rows) > 3:
        axes.fill_between(along, *np.quantile(rows, [0.25, 0.75], axis=0), color=color(hue), alpha=0.15, linewidth=0)
    axes.plot(along, np.median(rows, axis=0), color=color(hue), linestyle=dash, linewidth=2.2,
              marker="o" if len(along) == 1 else None)


def _one(axes, along, values, style, margin, law) -> None:
    hue, dash, mark = style
    if law is not None:
        axes.plot(along, law, color=color("ink"), linewidth=1)
    if margin is None:
        axes.plot(along, values, color=color(hue), linestyle=dash, linewidth=2)
    else:
        axes.errorbar(along, values, margin, fmt=mark, color=color(hue), markersize=4.5, linewidth=1.4,
                      linestyle="none" if law is not None else dash)


def _figure(drawn, along, what, draw_line, bounds, shade, accent, log, x_range, y_range, alt) -> Figure:
    check_choice("log", log, LOGS), check_type("alt", alt, str)
    names = list(dict.fromkeys(name for named in drawn.values() for name in named))
    styles, x_words = looks(names, accent), what[0]
    x_ends = pair("x_range", x_range) if x_range is not None else (along.min(), along.max())
    apart = isinstance(what[1], dict)
    limits = {title: levels(bounds, title) for title in drawn}
    y_words = {title: check_type("y_label", what[1].get(title) if apart else what[1], str) for title in drawn}
    everything = {title: [*named.values()] + [np.atleast_1d(level) for level in limits[title].values()]
                  for title, named in drawn.items()}

    def drawer(title):
        def draw(width):
            drawing, axes = empty(width, HEIGHT)
            seen = everything[title] if apart else [part for parts in everything.values() for part in parts]
            scaled(axes, "x", "x" in log, x_ends)
            scaled(axes, "y", "y" in log, pair("y_range", y_range) if y_range is not None else _room(seen, "y" in log))
            shaded(axes, per_panel("shade", shade, title))
            for name, rows in drawn[title].items():
                draw_line(axes, name, along, rows, styles[name], title)
            bounded(axes, limits[title], along)
            name_ends(axes, _ends(along, drawn[title]), styles, HEIGHT - 60)
            label(axes, title, x_words, y_words[title])
            return drawing
        return draw

    said = _told(drawn, along, x_words, y_words, limits, alt, log)
    return laid_out([drawer(title) for title in drawn], said)


def _room(seen, log: bool) -> tuple[float, float]:
    """Ends of an axis with a little room about all values."""
    values = np.concatenate([np.ravel(part) for part in seen])
    values = values[np.isfinite(values) & ((values > 0) if log else True)]
    low, high = (values.min(), values.max()) if values.size else (0.1, 1.0)
    if log:
        return low / 1.3, high * 1.3
    size = (high - low) or abs(high) or 1.0
    return low - 0.04 * size, high + 0.08 * size


def _ends(along, named: dict) -> dict:
    """Where each line ends, by its name; a line without a name has none."""
    ends = {}
    for name, rows in named.items():
        there = np.flatnonzero(np.isfinite(rows).all(axis=0))
        if name and there.size:
            ends[name] = (along[there[-1]], float(np.median(rows[:, there[-1]])))
    return ends


def _told(drawn, along, x_words, y_words, limits, alt, log) -> str:
    nothing = 0.0 if "y" in log else 1e-6 * max(np.nanmax(abs(rows), initial=0) for named in drawn.values()
                                                for rows in named.values())
    said = [alt, f"{len(drawn)} panels" if len(drawn) > 1 else ""]
    over = f"over {x_words or 'x'}, which goes from {span(along)}"
    if len(set(y_words.values())) == 1:
        said.append(f"{capital(next(iter(y_words.values())) or 'values')} {over}")
    for title, named in drawn.items():
        if len(set(y_words.values())) > 1:
            said.append(f"{title}: {y_words[title]} {over}")
        for name, rows in named.items():
            which = ", ".join(filter(None, [title, name]))
            many = f"{len(rows)} runs, " if len(rows) > 1 else ""
            said.append(f"{which + ': ' if which else ''}{many}values {span(rows, nothing)}")
    common = list(limits.values())
    if all(repr(limit) == repr(common[0]) for limit in common):
        said.append(told_bounds(common[0]))
    else:
        said += [f"{title}: {told_bounds(limit).lower()}" for title, limit in limits.items() if limit]
    return told(*said)
