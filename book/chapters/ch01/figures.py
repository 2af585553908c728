"""Figures of chapter 01: a lookup that softens, gaps and ties, the width of a head, masks, and heads that compare."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from transformer_lab.checks import check_array, check_number, check_type
from transformer_lab.errors import ShapeError
from transformer_lab.plots.figure import Figure
from transformer_lab.plots.style import ceiling, color_bar, heatmap, label, name_line, panel, seed_lines
from transformer_lab.theme import color

__all__ = ["circuits", "laws", "learning", "near_ties", "patterns", "rare_gradients", "temperatures"]

ARMS = ("other", "query")  # without the scale, and with it
STYLES = ("solid", "dashed", "dotted")
HALF, THIRD = 285, 182     # widths of a panel: two or three fit beside each other


def temperatures(values, weights, returned, hard: float, names) -> Figure:
    """Weights of some keys, and what comes back, against the temperature; ``hard`` is what a hard lookup returns.

    Parameters
    ----------
    values : array (n,)
        Temperatures above 0.
    weights : array (n, key)
    returned : array (n,)
    names : sequence of str
        A name for each key.
    """
    values, names = check_array("values", values, shape=("n",), low=1e-300), _texts("names", names)
    weights = check_array("weights", weights, shape=(len(values), len(names)))
    returned, hard = check_array("returned", returned, shape=values.shape), check_number("hard", hard)
    left, axes = panel(HALF, 230)
    axes.semilogx(values, weights, color=color("query"), linewidth=1.8)
    for group in _alike(weights[0]):
        name_line(axes, values[0], weights[0, group[0]], ", ".join(names[i] for i in group), xytext=(0, 8))
    axes.set(ylim=(-0.02, 0.6), yticks=[0, 0.25, 0.5])
    label(axes, "Weights", "temperature", "weight of each name")
    right, axes = panel(HALF, 230)
    axes.semilogx(values, returned, color=color("value"), linewidth=2.4)
    axes.set(ylim=(hard - 0.35, np.max(returned) + 0.1))
    ceiling(axes, hard, "hard: the mean of those that tie", where="right", below=True)
    label(axes, "What comes back", "temperature", "price")
    for drawing in (left, right):
        _plain(drawing.axes[0].xaxis, [0.01, 0.1, 1, 10, 100])
    return Figure([left, right], "Two curves over the temperature. At low temperature the two names that fit best have "
                                 "a weight of one half each and the others none, and the returned price is their mean; "
                                 "at high temperature all weights meet, and the price is the mean of the list.")


def _texts(argument: str, value) -> list[str]:
    """A list of words."""
    return [check_type(argument, word, str) for word in check_type(argument, value, list)]


def _parts(argument: str, arm, n: int, shape) -> list[np.ndarray]:
    """The arrays of an arm: mean, margin and, where it has one, the derived curve."""
    if not isinstance(arm, (tuple, list)) or len(arm) != n:
        raise ShapeError(argument, repr(arm)[:60], f"{n} arrays", "Give mean and margin, and for a law its curve.")
    return [check_array(argument, part, shape=shape) for part in arm]


def _plain(axis, ticks=None) -> None:
    """Ticks of a logarithmic axis as plain numbers: these, or 1, 2, 5, 10, ..."""
    axis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _alike(heights) -> list[list[int]]:
    """Indices in groups of (nearly) equal height, so that one name is written for each group."""
    groups: dict[float, list[int]] = {}
    for i, height in enumerate(heights):
        groups.setdefault(round(float(height), 2), []).append(i)
    return list(groups.values())


def patterns(patterns: dict, names) -> Figure:
    """Attention patterns (query, key) by title, one beside the other, with the names of the tokens."""
    panels, names = [], _texts("names", names)
    for title, pattern in check_type("patterns", patterns, dict).items():
        drawing, axes = panel(THIRD, 205)
        heatmap(axes, check_array(title, pattern, shape=(len(names), len(names))), "amount", 1.0)
        color_bar(drawing, axes, 1.0, "weight", "amount")
        axes.set_xticks(range(len(names)), names, fontsize=9.5, rotation=90)
        axes.set_yticks(range(len(names)), names, fontsize=9.5)
        label(axes, title, "read from", "read by")
        panels.append(drawing)
    return Figure(panels, f"Tables of attention weights, row by row, under {len(panels)} masks: {', '.join(patterns)}. "
                          "Cells that the mask hides are empty, and the others share each row between them.")


def near_ties(gaps, let_through, densities: dict) -> Figure:
    """How much gradient passes at each gap between two scores, and how often each gap occurs.

    Parameters
    ----------
    gaps, let_through : array (n,)
    densities : dict of array (n,)
        By name: the density of the gap.
    """
    gaps = check_array("gaps", gaps, shape=("n",))
    left, axes = panel(HALF, 220)
    axes.fill_between(gaps, check_array("let_through", let_through, shape=gaps.shape), color=color("value"), alpha=0.25,
                      linewidth=0)
    axes.plot(gaps, let_through, color=color("value"))
    axes.set_yticks([0, 0.1, 0.2])
    label(axes, "What passes", "gap between the two scores", "squared size of the Jacobian")
    right, axes = panel(HALF, 220)
    for style, (name, density) in zip(STYLES, check_type("densities", densities, dict).items(), strict=False):
        axes.plot(gaps, check_array(name, density, shape=gaps.shape), color=color("query"), linestyle=style)
        shoulder = np.flatnonzero(density > 0.8 * np.max(density))[-1]
        name_line(axes, gaps[shoulder], density[shoulder], name, xytext=(6, 4))
    axes.set_yticks([0, 0.1, 0.2])
    label(axes, "How often", "gap between the two scores", "density")
    return Figure([left, right], "Left, a narrow hump: only queries whose two scores are nearly equal let a gradient "
                                 "through. Right, bell curves of the gap, wider and flatter the wider the head, so "
                                 "that ever fewer queries fall under the hump.")


def laws(widths, panels: dict, alt: str) -> Figure:
    """Measured means against the width of a head, both axes logarithmic, with the derived curves.

    Parameters
    ----------
    widths : array (n,)
    panels : dict
        By title: ``(unit, arms)``, and ``arms`` by name: ``(mean (n,), margin (n,), derived (n,))``.
    """
    widths = check_array("widths", widths, shape=("n",))
    drawings = []
    for title, content in check_type("panels", panels, dict).items():
        unit, arms = check_type(title, content, tuple)
        drawing, axes = panel(HALF, 220)
        for (name, arm), role, marker in zip(check_type(title, arms, dict).items(), ARMS, "Do", strict=False):
            mean, margin, derived = _parts(name, arm, 3, widths.shape)
            axes.loglog(widths, derived, color=color("ink"), linewidth=1)
            axes.errorbar(widths, mean, margin, fmt=marker, color=color(role), markersize=4.5, linewidth=1.4)
            _name_arm(axes, widths, mean, name)
        _plain(axes.xaxis, [1, 4, 16, 64, 256, 1024])
        _plain(axes.yaxis, None if np.ptp(axes.get_ylim()) < 100 else [1, 10, 100, 1000])
        label(axes, title, "d_head", unit)
        drawings.append(drawing)
    return Figure(drawings, alt)


def _name_arm(axes, widths, mean, name: str) -> None:
    """The name beside a rising or falling line, or over a level one."""
    turn = len(mean) * 2 // 3
    rises, level = mean[-1] > mean[turn], np.ptp(mean) <= 0.1 * np.max(mean)
    if level:
        name_line(axes, widths[2], mean[2], name, xytext=(0, 10 if axes.get_yscale() == "log" or not mean[2] else -12))
    else:
        name_line(axes, widths[turn], mean[turn], name, xytext=(-6 if rises else 6, 8), ha="right" if rises else "left")


def rare_gradients(widths, asleep: dict, gradient: dict) -> Figure:
    """The share of queries that get next to no gradient, and the mean gradient; an arm is ``(mean, margin)``."""
    widths = check_array("widths", widths, shape=("n",))
    panels = []
    for title, unit, arms in [("Queries that learn nothing", "share of queries", asleep),
                              ("Mean gradient", "squared size of the Jacobian", gradient)]:
        drawing, axes = panel(HALF, 220)
        for (name, arm), role, marker in zip(check_type(title, arms, dict).items(), ARMS, "Do", strict=False):
            mean, margin = _parts(name, arm, 2, widths.shape)
            axes.errorbar(widths, mean, margin, fmt=f"{marker}-", color=color(role), markersize=4.5, linewidth=1.4)
            _name_arm(axes, widths, mean, name)
        axes.set_xscale("log")
        axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
        _plain(axes.xaxis, [1, 4, 16, 64, 256, 1024])
        label(axes, title, "d_head", unit)
        panels.append(drawing)
    return Figure(panels, "Left: without the scale the share of queries that get next to no gradient climbs with the "
                          "width of the head; with it, it stays at zero. Right: without the scale the mean gradient "
                          "first rises and then falls slowly; with it, it is level.")


def learning(steps, runs: dict, bound: float, bound_name: str) -> Figure:
    """Accuracy against the step, a line a seed, by arm; the bound of the first arm is drawn in."""
    steps = check_array("steps", steps, shape=("n",), kind="whole")
    check_number("bound", bound, low=0, high=1), check_type("bound_name", bound_name, str)
    drawing, axes = panel(440, 250)
    for (name, accuracy), role in zip(check_type("runs", runs, dict).items(), ("other", "value"), strict=False):
        seed_lines(axes, steps, accuracy, role, name)
    ceiling(axes, bound, bound_name, where="right")
    axes.set(ylim=(0.4, 1.03), xlim=(steps[0], steps[-1]))
    axes.set_yticks([0.4, 0.6, 0.8, 1], ["40 %", "60 %", "80 %", "100 %"])
    label(axes, "", "training step", "questions answered right")
    return Figure(drawing, "Share of right answers while training, one line a seed. Every run with one head climbs to "
                           "the dashed ceiling at four fifths and stays; every run with two heads goes to the top.")


def circuits(patterns: dict, written: dict, questions, names) -> Figure:
    """Where each head looks for each question (questions, names), and what it writes for each price (prices,)."""
    panels, questions, names = [], _texts("questions", questions), _texts("names", names)
    for title, pattern in check_type("patterns", patterns, dict).items():
        drawing, axes = panel(THIRD, 200)
        heatmap(axes, check_array(title, pattern, shape=(len(questions), len(names))), "amount", 1.0)
        color_bar(drawing, axes, 1.0, "weight", "amount")
        axes.set_xticks(range(len(names)), names, fontsize=10)
        axes.set_yticks(range(len(questions)), questions, fontsize=10)
        label(axes, title)
        panels.append(drawing)
    drawing, axes = panel(340, 220)
    for (name, line), style in zip(check_type("written", written, dict).items(), STYLES, strict=False):
        prices = np.arange(1, len(check_array(name, line, shape=("price",))) + 1)
        axes.plot(prices, line, color=color("value"), linestyle=style, marker="o",
                  markersize=4)
        name_line(axes, prices[-1], line[-1], name)
    axes.axhline(0, color=color("line"), linewidth=1, zorder=0)
    label(axes, "What to write", "price", "added to the logit of “dearer”")
    return Figure([*panels, drawing], "Tables of where each head looks: one row a question, nearly all weight on one "
                                      "of the two names asked about. Beside them, what the heads write for each price: "
                                      "one line rises with the price, the line of the other of two heads falls.")
