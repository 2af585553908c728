"""Figures of chapter 07: how optimisers walk, what is learned from how much, what is confused, what chance gives."""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_array, check_flag, check_number, check_type
from transformer_lab.errors import EmptyError
from transformer_lab.plots.figure import Figure
from transformer_lab.plots.gradients import some
from transformer_lab.plots.style import ceiling, heatmap, label, name_line, panel, seed_lines, spread
from transformer_lab.theme import color

__all__ = ["confusions", "curves", "orders", "scatter", "valley"]

ROLES = ("value", "key", "query", "residual", "mlp", "other")
MARKS = ("o", "D", "s")


def valley(walks: dict, curvature, alt: str) -> Figure:
    r"""Walks through the valley :math:`\tfrac12 (a x^2 + b y^2)`, a panel each; the ellipses are lines of equal loss.

    Parameters
    ----------
    walks : dict of array (steps, 2)
        By title.
    curvature : (float, float)
        a and b, above 0.
    """
    panels, (a, b) = [], (check_number("curvature", number, above=0) for number in _two(curvature))
    for (title, walk), role in zip(some("walks", walks).items(), ROLES, strict=False):
        walk, turn = check_array(title, walk, shape=("steps", 2)), np.linspace(0, 2 * np.pi, 90)
        drawing, axes = panel(215, 180)
        for level in (0.03, 0.2, 0.7, 2.0, 5.0, 12.0):
            axes.plot(np.sqrt(2 * level / a) * np.cos(turn), np.sqrt(2 * level / b) * np.sin(turn),
                      color=color("line"), linewidth=0.8)
        axes.plot(*walk.T, color=color(role), linewidth=1.4)
        axes.plot(*walk.T, "o", color=color(role), markersize=3.2, markeredgewidth=0)
        axes.plot(*walk[0], "o", color=color("ink"), markersize=5.5)
        axes.plot(0, 0, "+", color=color("ink"), markersize=9)
        axes.set(xlim=(-1.35, 1.35), ylim=(-0.6, 0.6), xticks=[-1, 0, 1], yticks=[-0.5, 0, 0.5])
        label(axes, title, "the flat direction", "the steep direction")
        panels.append(drawing)
    return Figure(panels, alt)


def curves(panels: dict, x, alt: str, *, x_label: str, y_label: str, bounds: dict | None = None, log: bool = False,
           y_range=None) -> Figure:
    """Runs against one quantity, a panel for each title: every seed thin, the median strong and with its name.

    Parameters
    ----------
    panels : dict of dict of array (n, seeds)
        ``panels[title][name]``; NaN where nothing was measured.
    x : array (n,)
    x_label, y_label : str
        Words with units.
    bounds : dict of float, optional
        Ceilings and floors by name, drawn in every panel.
    log : bool
        Whether the axis of x is logarithmic.
    y_range : (float, float), optional
        Both ends of the axis; from 0 to 1 without it.
    """
    x, drawings = check_array("x", x, shape=("n",)), []
    low, high = (0.0, 1.0) if y_range is None else (check_number("y_range", end) for end in _two(y_range))
    check_type("x_label", x_label, str), check_type("y_label", y_label, str)
    bounds = {} if bounds is None else check_type("bounds", bounds, dict)
    for title, runs in some("panels", panels).items():
        drawing, axes = panel(345 if len(panels) < 3 else 215, 250)
        runs = {name: check_array(name, values, shape=(len(x), "seeds"), finite=False)
                for name, values in some(title, runs).items()}
        there = {name: np.isfinite(values).all(axis=1) for name, values in runs.items()}
        ends = [np.median(values[there[name]][-1:]) for name, values in runs.items()]
        for (name, values), role, end in zip(runs.items(), ROLES, spread(ends, 0.09 * (high - low)), strict=False):
            seed_lines(axes, x[there[name]], values[there[name]].T, role)
            name_line(axes, x[there[name]][-1], end, name)
        for name, level in bounds.items():
            high_up = level > (low + high) / 2
            ceiling(axes, level, name, where="right" if high_up else "left", below=high_up)
        axes.set(ylim=(low, high + 0.04 * (high - low)))
        if check_flag("log", log):
            axes.set(xscale="log")
            powers = range(int(np.ceil(np.log10(x[0]))), int(np.log10(x[-1])) + 1)
            axes.set_xticks([10.0**power for power in powers], [f"{10.0**power:g}" for power in powers])
            axes.minorticks_off()
        label(axes, title, x_label, y_label)
        drawings.append(drawing)
    return Figure(drawings, alt)


def confusions(counts: dict, alt: str) -> Figure:
    """What was said (columns) where each digit was right (rows), wrong answers only, a table for each title.

    Parameters
    ----------
    counts : dict of array (10, 11)
        How often; the last column is "no digit". The diagonal, what is right, stays empty.
    """
    panels = []
    for title, table in some("counts", counts).items():
        table = check_array(title, table, shape=(10, 11), kind="whole", low=0)
        wrong = np.where(np.eye(10, 11, dtype=bool), 0, table)
        drawing, axes = panel(300, 305)
        heatmap(axes, wrong / max(1, table.sum(axis=1).max()), "amount", None if wrong.any() else 1.0, gap=0.08)
        for digit in range(10):
            axes.plot([digit - 0.25, digit + 0.25], [digit - 0.25, digit + 0.25], color=color("line"), linewidth=1)
        for (row, column), number in np.ndenumerate(wrong):
            if number >= 0.3 * wrong.max() and number:
                axes.text(column, row, f"{number}", ha="center", va="center", fontsize=9.5,
                          color=color("page" if number > 0.55 * wrong.max() else "ink"))
        axes.set_xticks(range(11), [*map(str, range(10)), "–"], fontsize=10.5)
        axes.set_yticks(range(10), map(str, range(10)), fontsize=10.5)
        label(axes, title, "said (–: no digit)", "right")
        panels.append(drawing)
    return Figure(panels, alt)


def scatter(panels: dict, alt: str, *, x_label: str, y_label: str) -> Figure:
    """Two measurements against each other, a dot for each pair; one panel for each title.

    Dots that would cover each other are moved apart, by at most 0.03.

    Parameters
    ----------
    panels : dict of (array (n,), array (n,))
        x and y by title.
    x_label, y_label : str
        Words with units.
    """
    drawings = []
    check_type("x_label", x_label, str), check_type("y_label", y_label, str)
    for title, pair in some("panels", panels).items():
        x, y = (check_array(title, values, shape=("n",)) for values in _two(pair))
        turn, far = 2.4 * np.arange(len(x)), 0.03 * np.sqrt(np.arange(len(x)) / len(x))
        drawing, axes = panel(345 if len(panels) < 3 else 215, 250)
        axes.plot(x + far * np.cos(turn), y + far * np.sin(turn), "o", color=color("value"), markersize=4, alpha=0.55,
                  markeredgewidth=0)
        label(axes, title, x_label, y_label)
        drawings.append(drawing)
    return Figure(drawings, alt)


def orders(counts, groups: dict, alt: str, *, x_label: str) -> Figure:
    """What chance gives, as a histogram, and under it what was found: a row of dots for each group.

    Parameters
    ----------
    counts : array of int (bins,)
        Of all correlations from -1 to 1.
    groups : dict of array (seeds,)
        Correlations by name.
    """
    counts = check_array("counts", counts, shape=("bins",), kind="whole", low=0)
    check_type("x_label", x_label, str)
    drawing, axes = panel(345, 190 + 34 * len(some("groups", groups)))
    axes.stairs(counts / max(1, counts.max()), np.linspace(-1, 1, len(counts) + 1), fill=True, color=color("other"),
                alpha=0.35)
    name_line(axes, 0, 1.06, "every order of the ten digits", xytext=(0, 0), ha="center")
    for row, ((name, values), role, mark) in enumerate(zip(groups.items(), ROLES, MARKS, strict=False)):
        values = check_array(name, values, shape=("seeds",), low=-1, high=1)
        axes.plot(values, -0.28 - 0.36 * row + np.linspace(-0.06, 0.06, len(values)), mark, color=color(role),
                  markersize=4.5, alpha=0.6, markeredgewidth=0)
        axes.annotate(name, (0.98, -0.28 - 0.36 * row), xycoords=("axes fraction", "data"), fontsize=11, va="center",
                      ha="right", color=color("ink"))
    axes.set(xlim=(-1, 1), ylim=(-0.2 - 0.36 * len(groups), 1.15), yticks=[], xticks=[-1, -0.5, 0, 0.5, 1])
    axes.spines["left"].set_visible(False)
    label(axes, "", x_label)
    return Figure(drawing, alt)


def _two(pair):
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise EmptyError("pair", f"{pair!r}"[:60], "a pair", "Pass two values, as (a, b).")
    return pair

