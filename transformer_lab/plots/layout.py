"""How wide a panel is, and what all figures on axes share: scales, bounds, shaded spans, names at the lines' ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from ..checks import check_number
from ..theme import color
from .figure import Figure
from .labelled import numbers, pair
from .style import ceiling, raised, spread

__all__ = ["bounded", "laid_out", "name_ends", "scaled", "shaded", "told_bounds"]

WIDTHS = {1: 560, 2: 288, 4: 288}  # px, by the number of panels; 280 for all others: two stand side by side in the text
PHONE = 340
NAME = 14  # px from one bound's name to the next above
LINE = 16  # px from one name to the next


def laid_out(panels: Sequence[Callable[[float], Drawing]], alt: str, width: float | None = None) -> Figure:
    """Each panel drawn for its place, and once more for a phone where it is wider than one."""
    width = width or WIDTHS.get(len(panels), 280)
    narrow = [draw(PHONE) for draw in panels] if width > PHONE else None
    return Figure([draw(width) for draw in panels], alt, narrow)


def scaled(axes: Axes, direction: str, log: bool, ends) -> None:
    """A linear or logarithmic axis from end to end; powers of ten are written out where they are short."""
    low, high = pair(f"{direction}_range", ends)
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
    ends = axes.get_xlim() if upright else axes.get_ylim()
    many = len(bounds) > 2  # then each name has a line of its own
    for rank, (name, level) in enumerate(bounds.items()):
        if np.ndim(level):
            level = numbers(name, level, (0 if x is None else len(x),))
            axes.plot(x, level, color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(name, (x[-1], level[-1]), xytext=(0, -3), textcoords="offset points", ha="right", va="top",
                          fontsize=11, color=color("ink"))
        elif upright:
            _upright(axes, check_number(name, level), name, level > sum(ends) / 2, 2 + NAME * (rank if many else 0))
        else:
            ceiling(axes, check_number(name, level), name, where="right", below=level > sum(ends) / 2)


def _upright(axes: Axes, level: float, name: str, far: bool, up: float) -> None:
    axes.axvline(level, color=color("ink"), linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(name, (level, 1), xycoords=axes.get_xaxis_transform(), xytext=(-3 if far else 3, up), fontsize=11,
                  textcoords="offset points", ha="right" if far else "left", va="bottom", color=color("ink"))


def shaded(axes: Axes, spans: dict) -> None:
    """Stretches of the axis in a light grey, the first of each kind with its name: phases, what was trained on."""
    for name, stretches in spans.items():
        stretches = numbers(name, stretches, ("stretches", 2))
        for low, high in stretches:
            axes.axvspan(low, high, color=color("other"), alpha=0.15, linewidth=0, zorder=0)
        axes.annotate(name, (stretches[0].mean(), 1), xycoords=axes.get_xaxis_transform(), xytext=(0, -2), fontsize=11,
                      textcoords="offset points", ha="center", va="top", color=color("soft"))


def name_ends(axes: Axes, ends: dict, styles: dict, height: float) -> None:
    """The names of the lines at their right ends, each after a piece of its line, apart where the ends meet."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = spread([to_axes.transform(end)[1] for end in ends.values()], LINE / height, top=1.0)
    for name, place in zip(ends, places, strict=True):
        hue, dash, _ = styles[name]
        if len(ends) > 1:
            axes.plot([1.01, 1.07], [place, place], color=color(hue), linestyle=dash, linewidth=2.2,
                      transform=axes.transAxes, clip_on=False, scalex=False, scaley=False)
        axes.annotate(name, (1.085 if len(ends) > 1 else 1.01, place), xycoords="axes fraction", va="center",
                      fontsize=11, color=color("ink"), annotation_clip=False)


def told_bounds(bounds: dict) -> str:
    """The bounds in words, with their levels."""
    levels = [f"{name} at {float(level):.4g}" if not np.ndim(level) else f"{name}, a curve"
              for name, level in bounds.items()]
    return "Thin dashed: " + "; ".join(levels).replace("-", "−") if levels else ""


def fixed(axis, ticks, names=None) -> None:
    """These ticks and no others."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    if names is not None:
        axis.set_ticklabels(names)
