"""The house style: quiet axes, lines and bounds that carry their own names, colours with one meaning.

Sizes are in pixels of the page (matplotlib's points, at 72 to the inch). A panel is drawn
at the width of a phone, so that it is never shrunk; see :class:`.figure.Figure`.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ..checks import check_choice, check_number
from ..rules import Number
from ..signatures import checked
from ..theme import color
from .labelled import numbers, short
from .svg import plain

__all__ = ["HOUSE", "bounded", "empty", "label", "looks", "name_ends", "name_line", "raised", "room", "scaled",
           "shaded", "spread", "told_bounds"]

ROLES = {"query": "query", "key": "key", "value": "value", "residual stream": "residual", "feed-forward": "mlp"}
GRAYS = ("ink", "soft", "other")
DASHES = ("solid", (0, (5, 2)), (0, (1.2, 1.6)), (0, (7, 2, 1.2, 2)), (0, (10, 3)))
MARKERS = ("o", "s", "^", "D", "v")
GLYPHS = dict(zip(MARKERS, "●■▲◆▼", strict=True))  # the markers, as letters
BOUND = {"linewidth": 1, "linestyle": (0, (4, 3))}  # of what cannot be passed: thin and dashed, in ink
NAME = 14  # px from one bound's name to the next above
LINE = 16  # px from one line's name to the next

HOUSE = {
    "figure.dpi": 72, "savefig.dpi": 72, "svg.fonttype": "none", "svg.hashsalt": "transformer-lab",
    "path.simplify": True, "path.simplify_threshold": 1.0,
    "font.family": "DejaVu Sans", "font.size": 11.5, "xtick.labelsize": 11, "ytick.labelsize": 11,
    "text.color": color("ink"),
    "axes.edgecolor": color("line"), "xtick.color": color("soft"), "ytick.color": color("soft"),
    "axes.spines.top": False, "axes.spines.right": False, "xtick.bottom": False, "ytick.left": False,
    "axes.linewidth": 1.0, "lines.linewidth": 2.0, "axes.facecolor": "none", "figure.facecolor": "none",
    "axes.prop_cycle": cycler(color=[color("ink"), color("soft"), color("other")]),
    "figure.constrained_layout.use": True, "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03, "axes.unicode_minus": True,
}


@checked
def empty(width: Number(above=0) = 330, height: Number(above=0) = 240) -> tuple[Drawing, Axes]:
    """An empty drawing in the house style, with its axes; up to 340 wide fits a phone, the text column is about 700.

    >>> drawing, axes = empty(300, 200)
    >>> axes.spines["top"].get_visible()
    False
    """
    with matplotlib.rc_context(HOUSE):
        drawing = Drawing(figsize=(width / 72, height / 72))
        return drawing, drawing.subplots()


LONGEST = 500  # letters: more are no label


def shown(text: str) -> str:
    """A label as a page can show it."""
    return plain(text if len(text) <= LONGEST else text[:LONGEST - 1] + "…")


def label(axes: Axes, title: str = "", x: str = "", y: str = "", pad: float = 8) -> None:
    """A title over the left end, and axis labels: words, with units where there are any."""
    title, x, y = shown(title), shown(x), shown(y)
    axes.set_title(title, loc="left", fontsize=12.5, fontweight="bold", color=color("ink"), pad=pad)
    axes.set_xlabel(x, color=color("soft"), labelpad=4, fontsize=11.5)
    axes.set_ylabel(y, color=color("soft"), labelpad=4, fontsize=11.5)


def name_line(axes: Axes, x: float, y: float, name: str, hue: str = "ink", **options) -> None:
    """Write a line's name at its end, instead of a legend; options as in matplotlib's ``annotate``."""
    options = {"xytext": (5, 0), "textcoords": "offset points", "ha": "left", "va": "center",
               "annotation_clip": False, **options}
    axes.annotate(shown(name), (x, y), color=color(hue), fontsize=11, **options)


def looks(names, accent: str | None = None) -> dict[str, tuple[str, object, str]]:
    """A colour, a dash and a marker for each name: ink and greys, one accent; a role's colour only for that role.

    >>> looks(["Adam", "SGD", "query"], accent="SGD")["SGD"]
    ('link', (0, (5, 2)), 's')
    """
    names, found = list(dict.fromkeys(names)), {}
    if accent is not None:
        check_choice("accent", accent, names)
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


def raised(exponent: int) -> str:
    """A whole number as superscript, for powers of ten: ``10`` and ``raised(-3)`` is 10⁻³."""
    return str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def room(values, log: bool, below: float, above: float, factor: float) -> tuple[float, float]:
    """Ends of an axis with a little room about all values: parts of their range, or a factor."""
    values = np.concatenate([np.ravel(part) for part in values])
    values = values[np.isfinite(values) & ((values > 0) if log else True)]
    low, high = (values.min(), values.max()) if values.size else (0.1, 1.0)
    size = (high - low) or abs(high) or 1.0
    return (low / factor, high * factor) if log else (low - below * size, high + above * size)


def scaled(axes: Axes, direction: str, log: bool, ends) -> None:
    """A linear or logarithmic axis from end to end; powers of ten are written out where they are short."""
    low, high = ends
    if log:
        check_number(f"{direction}_range", min(low, high), above=0)
        getattr(axes, f"set_{direction}scale")("log")
        axis, decades = getattr(axes, f"{direction}axis"), abs(np.log10(high / low))
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.8 else (1,), numticks=8))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(_power))
    getattr(axes, f"set_{direction}lim")(low, high)


def _power(value: float, _) -> str:
    power = np.log10(value)
    return f"{value:g}" if 1e-3 <= value < 1e4 or abs(power - round(power)) > 1e-6 else f"10{raised(round(power))}"


def bounded(axes: Axes, bounds: dict, x=None, upright: bool = False) -> None:
    """Ceilings, floors, chance: thin dashed lines with their names; an array of levels follows the axis."""
    middle = sum(axes.get_xlim() if upright else axes.get_ylim()) / 2
    for rank, (name, level) in enumerate(bounds.items()):
        if np.ndim(level):
            level = numbers(name, level, (0 if x is None else len(x),))
            axes.plot(x, level, color=color("ink"), **BOUND)
            name_line(axes, x[-1], level[-1], name, xytext=(0, -3), ha="right", va="top")
        elif upright:
            up = 2 + NAME * (rank if len(bounds) > 2 else 0)  # then each name has a line of its own
            axes.axvline(level, color=color("ink"), zorder=1, **BOUND)
            name_line(axes, level, 1, name, xycoords=axes.get_xaxis_transform(), va="bottom",
                      xytext=(-3 if level > middle else 3, up), ha="right" if level > middle else "left")
        else:
            axes.axhline(level, color=color("ink"), zorder=1, **BOUND)
            name_line(axes, 1, level, name, xycoords=axes.get_yaxis_transform(), ha="right",
                      xytext=(0, -4 if level > middle else 3), va="top" if level > middle else "bottom")


def shaded(axes: Axes, spans: dict) -> None:
    """Stretches of the axis in a light grey, the first of each kind with its name: phases, what was trained on."""
    for name, stretches in spans.items():
        stretches = numbers(name, stretches, ("stretches", 2))
        for low, high in stretches:
            axes.axvspan(low, high, color=color("other"), alpha=0.15, linewidth=0, zorder=0)
        across = (axes.transData - axes.transAxes).transform((stretches[0].mean(), 1))[0]
        side = round(2 * min(max(across, 0), 1))
        place = (stretches[0][0], stretches[0].mean(), stretches[0][1])[side]  # words at an edge stay inside
        name_line(axes, place, 1, name, "soft", xycoords=axes.get_xaxis_transform(), xytext=(3 - 3 * side, -2),
                  ha=("left", "center", "right")[side], va="top")


def name_ends(axes: Axes, ends: dict, styles: dict, height: float) -> None:
    """The names of the lines at their right ends, each after a piece of its line, apart where the ends meet."""
    to_axes, several = axes.transData + axes.transAxes.inverted(), len(ends) > 1
    places = spread([to_axes.transform(end)[1] for end in ends.values()], LINE / height, top=1.0)
    for name, place in zip(ends, places, strict=True):
        hue, dash, _ = styles[name]
        if several:
            axes.plot([1.01, 1.07], [place, place], color=color(hue), linestyle=dash, linewidth=2.2,
                      transform=axes.transAxes, clip_on=False, scalex=False, scaley=False)
        name_line(axes, 1.085 if several else 1.01, place, name, xycoords="axes fraction", xytext=(0, 0))


def told_bounds(limits: dict) -> list[str]:
    """Each panel's bounds in words, with their levels; once, where all panels have the same."""
    said = {title: "; ".join(f"{name}, a curve" if np.ndim(level) else f"{name} at {short(level, '.4g')}"
                             for name, level in bounds.items()) for title, bounds in limits.items()}
    if len(set(said.values())) == 1:
        said = {"": next(iter(said.values()))}
    return [f"{title + ': thin' if title else 'Thin'} dashed: {words}" for title, words in said.items() if words]
