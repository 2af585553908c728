"""Figures of chapter 03: courses of training with their phases shaded, and the exact surface of a head's loss.

The same things have the same colours everywhere: looking that of the query, writing that of the value.
"""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba

from transformer_lab.checks import check_array, check_choice, check_entries, check_number, check_type, check_whole
from transformer_lab.plots.figure import Figure
from transformer_lab.plots.style import ceiling, label, name_line, panel, seed_lines
from transformer_lab.theme import color

__all__ = ["basins", "coin_toss", "courses", "surface"]

ROLE = {"joint": "other", "neither": "other", "look": "query", "look first": "query", "write": "value",
        "write first": "value", "both": "residual", "fresh lines": "value", "known lines": "residual",
        "no positions": "other", "one-hot": "value", "looking": "query", "writing": "value"}
STYLE = {"joint": "solid", "write first": "dashed", "look first": "dotted"}
ORDERS = ("write first", "look first")
LEVELS = (0, 0.2, 0.5, 1, 1.5, 2, 2.5, 3, 3.2, 3.5, 4, 5, 6.5)
HEIGHT, LINE_OF_TEXT = 240, 18
COPIES = 1.5  # below this loss a walk has ended in the valley where the target is copied


def courses(steps, panels: dict, unit: str, alt: str, *, turns: dict | None = None,
            bounds: dict | None = None) -> Figure:
    """Measurements while training: a panel an arm, every seed a thin line, the median strong, the phases shaded.

    Parameters
    ----------
    steps : array (n,)
    panels : dict
        By title: the runs by name, each (n_seeds, n). The names choose the colours; see ``ROLE``.
    unit : str
        What is measured, in words, with its unit.
    alt : str
        What the figure shows.
    turns : dict, optional
        By title: ``("write first", 50)`` or ``("look first", 50)``, what is trained first, and the steps of a phase.
    bounds : dict, optional
        By title: ``(level, name)`` of a ceiling or a floor.
    """
    steps, drawings = check_array("steps", steps, shape=("n",), kind="whole"), []
    turns = {} if turns is None else check_type("turns", turns, dict)
    bounds = {} if bounds is None else check_type("bounds", bounds, dict)
    check_type("unit", unit, str)
    for title, runs in check_type("panels", panels, dict).items():
        drawing, axes = panel(285, HEIGHT)
        for name, values in check_type(f"panels[{title!r}]", runs, dict).items():
            values = check_array(name, values, shape=("n_seeds", len(steps)))
            seed_lines(axes, steps, values, ROLE.get(name, "value"))
        axes.set(xlim=(0, steps[-1]), ylim=_range(panels))
        if title in bounds:
            level, words = check_type(f"bounds[{title!r}]", bounds[title], tuple)
            ceiling(axes, check_number("level", level), words, where="right")
        if title in turns:
            _shade(axes, *check_type(f"turns[{title!r}]", turns[title], tuple), steps[-1])
        _name_ends(axes, {name: np.median(np.asarray(values)[:, -1]) for name, values in runs.items()})
        label(axes, title, "step", unit)
        drawings.append(drawing)
    return Figure(drawings, alt)


def _range(panels: dict) -> tuple[float, float]:
    """One range for all panels, so that heights can be compared."""
    values = np.concatenate([np.ravel(values) for runs in panels.values() for values in runs.values()])
    low, size = values.min(), np.ptp(values) or 1.0
    return low - 0.03 * size, low + 1.09 * size


def _name_ends(axes, ends: dict) -> None:
    """The names of the lines at their right ends, each beside a dash of its colour, apart where the ends meet."""
    (low, high), last = axes.get_ylim(), -1.0
    for name in sorted(ends, key=ends.get):
        last = max((ends[name] - low) / (high - low), last + LINE_OF_TEXT / HEIGHT)
        axes.plot([1.02, 1.06], [last, last], color=color(ROLE.get(name, "value")), linewidth=3,
                  transform=axes.transAxes, clip_on=False)
        axes.annotate(name, (1.08, last), xycoords="axes fraction", va="center", fontsize=11, color=color("ink"),
                      annotation_clip=False)


def _shade(axes, order: str, length: int, end: int) -> None:
    """A band for each phase of looking, the phases of writing between them; the first band is named."""
    check_choice("order", order, ORDERS), check_whole("length", length, low=1)
    for index, start in enumerate(range(0, int(end), length)):
        if (index % 2 == 0) == (order == "look first"):
            axes.axvspan(start, min(start + length, end), color=color("query"), alpha=0.13, linewidth=0, zorder=0)
    middle = length / 2 if order == "look first" else 1.5 * length
    axes.annotate("look", (middle, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, -1), textcoords="offset points",
                  ha="center", va="top", fontsize=10, color=color("ink"))


def coin_toss(copying, before, after) -> Figure:
    """For every seed: how well the first step of ``W_QK`` points to where it will go, against the copying it met.

    Parameters
    ----------
    copying : array (n_seeds,)
        Of the initial ``W_OV``.
    before, after : array (n_seeds,)
        Likeness, from -1 to 1, of the step that is asked for and the way that is gone; before and after writing was
        trained.
    """
    copying = check_array("copying", copying, shape=("n_seeds",))
    drawing, axes = panel(340, 250)
    for cross in (axes.axhline, axes.axvline):
        cross(0, color=color("line"), linewidth=1, zorder=0)
    for values, marker, role in ((before, "o", "query"), (after, "^", "value")):
        axes.plot(copying, check_array("before", values, shape=copying.shape), marker, color=color(role), alpha=0.6,
                  markersize=6, clip_on=False)
    name_line(axes, copying.max(), np.median(after), "after writing was trained", ha="right", xytext=(0, -12))
    name_line(axes, copying.max(), before[copying.argmax()], "at the start", ha="right", xytext=(0, -16))
    axes.set(ylim=(-1, 1.03), yticks=[-1, 0, 1])
    label(axes, x="copying in the random W_OV", y="likeness of the step and the way")
    return Figure(drawing, f"{len(copying)} dots rise along a line from below zero to above zero: the sign of copying "
                           "in the random matrix decides the sign of the first step. As many triangles stand in a row "
                           f"near one: after writing was trained the likeness is at least {np.min(after):.2f}.")


def surface(look, write, loss, paths: dict, saddle: dict) -> Figure:
    """The loss over the plane of looking and writing, the stronger the shade the higher, with walks and its saddle.

    Parameters
    ----------
    look, write : array (n,), (m,)
    loss : array (m, n)
        In nats.
    paths : dict
        By name, ``"joint"``, ``"write first"``, ``"look first"``: a dict of ``look`` and ``write``, each (steps,).
    saddle : dict
        ``look`` and ``write`` of the saddle.
    """
    look, write = check_array("look", look, shape=("n",)), check_array("write", write, shape=("m",))
    loss = check_array("loss", loss, shape=(len(write), len(look)))
    drawing, axes = panel(380, 350)
    shades = [to_rgba(color("amount"), 0.5 * k / len(LEVELS)) for k in range(len(LEVELS) - 1)]
    axes.contourf(look, write, np.minimum(loss, LEVELS[-1]), LEVELS, colors=shades)
    lines = axes.contour(look, write, loss, [0.5, 1, 2, 3, 4, 6], colors=color("soft"), linewidths=0.6)
    axes.clabel(lines, fmt="%g", fontsize=10, colors=color("ink"))
    for name, path in check_type("paths", paths, dict).items():
        check_entries(name, path, ("look", "write"))
        points = [check_array(entry, path[entry], shape=("steps",)) for entry in ("look", "write")]
        hue = color("ink" if name == "joint" else ROLE.get(check_choice("name", name, STYLE), "value"))
        axes.plot(*points, color=hue, linestyle=STYLE[name], linewidth=2.2)
        inside = (points[0] >= look[0]) & (points[0] <= look[-1]) & (points[1] >= write[0]) & (points[1] <= write[-1])
        end = [point[inside][-1] for point in points]
        axes.plot(*end, "o", color=hue, markersize=7)
        name_line(axes, *end, name, **({"xytext": (-9, -14), "ha": "right"} if name == "joint" else {"xytext": (9, 0)}))
        axes.plot(points[0][0], points[1][0], "o", color=color("ink"), markerfacecolor=color("page"), markersize=8)
    _mark_saddle(axes, saddle)
    name_line(axes, saddle["look"], saddle["write"], "saddle", xytext=(-8, -11), ha="right")
    axes.set(xlim=(look[0], look[-1]), ylim=(write[0], write[-1]))
    label(axes, x="look: preference for the target", y="write: strength of copying")
    return Figure(drawing, f"A map of the loss with two valleys. One is where looking and writing are above zero, the "
                           f"other where both are below. Paths by {', '.join(paths)} lead from one start to a valley "
                           "each; a cross marks the saddle between them.")


def _mark_saddle(axes, saddle: dict) -> None:
    check_entries("saddle", saddle, ("look", "write"))
    place = [check_number(name, saddle[name]) for name in ("look", "write")]
    axes.plot(*place, "x", color=color("ink"), markersize=9, markeredgewidth=2)


def basins(look, write, ends: dict, saddle: dict) -> Figure:
    """From where each order of training ends in the valley that copies; a panel an order.

    Parameters
    ----------
    look, write : array (n,), (m,)
        The starts.
    ends : dict of array (m, n)
        By order: the loss at the end of each walk, in nats.
    saddle : dict
        ``look`` and ``write`` of the saddle.
    """
    look, write = check_array("look", look, shape=("n",)), check_array("write", write, shape=("m",))
    drawings, shares = [], []
    for name, loss in check_type("ends", ends, dict).items():
        saved = check_array(name, loss, shape=(len(write), len(look))) < COPIES
        shares.append(f"{name} {saved.mean():.0%}")
        drawing, axes = panel(215, 225)
        axes.contourf(look, write, saved.astype(float), [0.5, 1.5], colors=[to_rgba(color("value"), 0.3)])
        _mark_saddle(axes, saddle)
        for inside, words in ((saved, "copies"), (~saved, "rules out")):
            rows, columns = np.nonzero(inside)
            if len(rows):
                axes.annotate(words, (look[columns].mean(), write[rows].mean()), ha="center", va="center",
                              fontsize=11, color=color("ink"))
        axes.set(xlim=(look[0], look[-1]), ylim=(write[0], write[-1]))
        label(axes, name, "look, at the start", "write, at the start")
        drawings.append(drawing)
    return Figure(drawings, "Maps of the starts, shaded where training ends in the valley that copies the target. "
                            f"Share of the map: {', '.join(shares)}.")
