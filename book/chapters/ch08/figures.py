"""Figures of chapter 08: where each step of writing looks, what a swap carries, what lies beyond training, sizes."""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_array, check_type
from transformer_lab.plots.figure import Figure
from transformer_lab.plots.style import ROLES, ceiling, color_bar, heatmap, label, name_line, panel, seed_lines, spread
from transformer_lab.theme import color

__all__ = ["beyond", "carried", "per_step", "scores", "side_by_side"]

MARKS = ("o", "s", "D", "^")


def per_step(patterns: dict, tokens, steps, alt: str) -> Figure:
    """Where the heads look while an answer is written: a row a token, a column a head, in groups of one step.

    Parameters
    ----------
    patterns : dict of array (steps, n_heads, pos)
        By the panel's title; amounts from 0 to 1.
    tokens : list of str (pos,)
    steps : list of str (steps,)
        What is written at each step.
    """
    check_type("tokens", tokens, list), check_type("steps", steps, list)
    panels = []
    for title, pattern in check_type("patterns", patterns, dict).items():
        pattern = check_array(title, pattern, shape=(len(steps), "n_heads", len(tokens)), low=0)
        n_heads = pattern.shape[1]
        drawing, axes = panel(298, 90 + 19 * len(tokens))
        heatmap(axes, pattern.reshape(-1, len(tokens)).T, "amount", 1.0)
        axes.set_aspect("auto")
        color_bar(drawing, axes, 1.0, "attention", "amount")
        for step in range(1, len(steps)):
            axes.axvline(n_heads * step - 0.5, color=color("ink"), linewidth=1)
        axes.set_yticks(range(len(tokens)), tokens, fontsize=10)
        axes.set_xticks(n_heads * np.arange(len(steps)) + (n_heads - 1) / 2, steps, fontsize=10.5)
        label(axes, title, f"written next; each column one of {n_heads} heads")
        panels.append(drawing)
    return Figure(panels, alt)


def carried(shares: dict, tokens, alt: str) -> Figure:
    """The share of answers that follow when the stream is swapped at one place: a bar a token, a panel a title.

    Parameters
    ----------
    shares : dict of array (pos,)
        0 to 1, by title.
    tokens : list of str (pos,)
    """
    check_type("tokens", tokens, list)
    panels = []
    for title, values in check_type("shares", shares, dict).items():
        values = check_array(title, values, shape=(len(tokens),), low=0, high=1)
        drawing, axes = panel(298, 84 + 19 * len(tokens))
        axes.barh(range(len(tokens)), values, height=0.7, color=color("residual"))
        for row, value in enumerate(values):
            axes.annotate(f"{100 * value:.0f}", (value, row), xytext=(4, 0), textcoords="offset points", va="center",
                          fontsize=10, color=color("ink"))
        axes.set_yticks(range(len(tokens)), tokens, fontsize=10)
        axes.set(xlim=(0, 1.08), ylim=(len(tokens) - 0.4, -0.6), xticks=[0, 0.5, 1])
        label(axes, title, "share of answers that follow, in percent at the bar")
        panels.append(drawing)
    return Figure(panels, alt)


def beyond(sizes, arms: dict, trained, unit: str, alt: str, *, baseline=None) -> Figure:
    """Accuracy by size (length, depth), a panel for each arm: every seed, their median, and what was trained on.

    Parameters
    ----------
    sizes : array of int (n,)
    arms : dict of array (seeds, n)
        Shares from 0 to 1, by title.
    trained : pair of int
        The smallest and the largest size in training, shaded.
    unit : str
        What the sizes count.
    baseline : array (n,), optional
        What a guess that knows only the operation scores: a thin dashed line.
    """
    sizes, panels = check_array("sizes", sizes, shape=("n",), kind="whole"), []
    low, high = check_array("trained", trained, shape=(2,), kind="whole")
    for (title, runs), role in zip(check_type("arms", arms, dict).items(), ROLES, strict=False):
        runs = check_array(title, runs, shape=("seeds", len(sizes)), low=0, high=1)
        drawing, axes = panel(226, 215)
        axes.axvspan(low - 0.5, high + 0.5, color=color("other"), alpha=0.14, linewidth=0)
        axes.annotate("trained", (low - 0.4, 0.9), va="top", fontsize=11, color=color("soft"))
        axes.plot(sizes, runs.T, color=color(role), alpha=0.5, linewidth=0.9, marker=".", markersize=4)
        axes.plot(sizes, np.median(runs, axis=0), color=color(role), linewidth=2.4)
        ceiling(axes, 1.0, "ceiling", where="right")
        if baseline is not None:
            baseline = check_array("baseline", baseline, shape=sizes.shape)
            axes.plot(sizes, baseline, color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate("best guess per operation", (sizes[-1], baseline.min()), xytext=(0, -3), ha="right", va="top",
                          textcoords="offset points", fontsize=10.5, color=color("ink"))
        axes.set(xlim=(sizes[0] - 0.5, sizes[-1] + 0.5), ylim=(0, 1.12), xticks=sizes, yticks=[0, 0.5, 1])
        label(axes, title, unit, "share answered right")
        panels.append(drawing)
    return Figure(panels, alt)


def scores(steps, panels: dict, bounds: dict, alt: str) -> Figure:
    """Several scores of the same models over the updates, a panel for each way to train them.

    Parameters
    ----------
    steps : array of int (rows,)
    panels : dict of dict of array (rows, seeds)
        Shares from 0 to 1, by the panel's title and the score's name.
    bounds : dict of float
        By name; drawn in every panel.
    """
    steps, drawings = check_array("steps", steps, shape=("rows",), kind="whole"), []
    check_type("bounds", bounds, dict)
    for title, runs in check_type("panels", panels, dict).items():
        drawing, axes = panel(298, 225)
        runs = {name: check_array(name, values, shape=(len(steps), "seeds"), low=0, high=1)
                for name, values in check_type(title, runs, dict).items()}
        ends = spread([float(np.median(values[-1])) for values in runs.values()], 0.1)
        for (name, values), role, end in zip(runs.items(), ROLES, ends, strict=False):
            seed_lines(axes, steps, values.T, role)
            name_line(axes, steps[-1], end, name)
        for name, level in bounds.items():
            ceiling(axes, check_array(name, [level], shape=(1,))[0], name, where="right", below=True)
        axes.set(ylim=(0, 1.08), yticks=[0, 0.5, 1])
        label(axes, title, "updates", "share right")
        drawings.append(drawing)
    return Figure(drawings, alt)


def side_by_side(quantities: dict, models, alt: str) -> Figure:
    """Sizes of several models on one logarithmic scale, a row a quantity; NaN where a model's is not known.

    Parameters
    ----------
    quantities : dict of array (models,)
        Positive numbers, by name.
    models : list of str
    """
    check_type("models", models, list)
    check_type("quantities", quantities, dict)
    drawing, axes = panel(345, 110 + 44 * len(quantities))
    for row, (name, values) in enumerate(quantities.items()):
        values = check_array(name, values, shape=(len(models),), finite=False)
        known = np.log10(values[np.isfinite(values)])
        axes.plot([known.min(), known.max()], [row, row], color=color("line"), linewidth=1, zorder=1)
        axes.annotate(name, (0, row), xytext=(2, 9), textcoords="offset points", fontsize=11, color=color("ink"))
        for value, mark, role in zip(values, MARKS, ROLES, strict=False):
            if np.isfinite(value):
                axes.plot(np.log10(value), row, mark, color=color(role), markersize=7, zorder=2)
    for mark, role, model, place in zip(MARKS, ROLES, models, np.linspace(0.02, 0.68, len(models)), strict=False):
        axes.plot([place], [1.06], mark, color=color(role), markersize=7, transform=axes.transAxes, clip_on=False)
        axes.annotate(model, (place, 1.06), xycoords="axes fraction", xytext=(8, 0), textcoords="offset points",
                      va="center", fontsize=11, color=color("ink"), annotation_clip=False)
    axes.set(xlim=(0, 15), ylim=(len(quantities) - 0.6, -0.8), yticks=[], xticks=[0, 3, 6, 9, 12, 15])
    axes.set_xticklabels(["1", "10³", "10⁶", "10⁹", "10¹²", "10¹⁵"])
    axes.grid(axis="x", color=color("line"), linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    label(axes, "", "how many")
    return Figure(drawing, alt)
