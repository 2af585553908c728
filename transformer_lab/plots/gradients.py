"""Figures of chapter 06: errors of all gradients, how far wrong ones turn away, and what training makes of them."""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_entries, check_type
from ..errors import EmptyError
from ..theme import color
from .figure import Figure
from .style import ceiling, heatmap, label, name_line, panel, raised, seed_lines

__all__ = ["cosine_tables", "errors", "learning", "missed"]

MARKS = {"key": "D", "other": "o", "query": ">"}  # one a witness
ROLES = ("value", "query", "key", "mlp", "other")
ROW = 17  # pixels


def errors(found: dict, tolerances: dict, alt: str) -> Figure:
    """The largest relative error of each tensor before each witness, and what each witness allows.

    Parameters
    ----------
    found : dict of dict of float
        ``found[witness][tensor]``, at least 0.
    tolerances : dict of float
        By witness.
    """
    tensors = [name for by_tensor in some("found", found).values() for name in check_type("found", by_tensor, dict)]
    tensors = list(dict.fromkeys(tensors))
    check_entries("tolerances", tolerances, found)
    drawing, axes = panel(345, 110 + ROW * len(tensors))
    for i, ((witness, by_tensor), (role, mark)) in enumerate(zip(found.items(), MARKS.items(), strict=False)):
        values = check_array(witness, [by_tensor.get(name) for name in tensors], shape=(len(tensors),), low=0)
        axes.plot(np.maximum(values, 1e-17), range(len(tensors)), mark, color=color(role), markersize=4.5)
        axes.axvline(tolerances[witness], color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
        name_line(axes, tolerances[witness], -1 - i, witness.replace("_", " "), xytext=(-3, 0), ha="right")
    axes.set(xscale="log", xlim=(1e-17, 1e-6), ylim=(len(tensors) - 0.4, -1 - len(found)), xticks=[1e-16, 1e-12, 1e-8])
    axes.set_yticks(range(len(tensors)), tensors, fontsize=10)
    axes.set_xticklabels([f"10{raised(power)}" for power in (-16, -12, -8)])
    axes.minorticks_off()
    label(axes, "", "largest relative error of all draws")
    return Figure(drawing, alt)


def cosine_tables(tables: dict, tensors, mistakes, alt: str) -> Figure:
    """Cosines from -1 to 1 as cells with their numbers, a row a tensor, a column a mistake; one table for each title.

    Parameters
    ----------
    tables : dict of array (tensors, mistakes)
        By title; NaN where there is nothing to compare.
    tensors, mistakes : list of str
    """
    panels = []
    check_type("tensors", tensors, list), check_type("mistakes", mistakes, list)
    for title, values in some("tables", tables).items():
        values = check_array(title, values, shape=(len(tensors), len(mistakes)), finite=False)
        drawing, axes = panel(288, 74 + ROW * len(tensors))
        heatmap(axes, np.nan_to_num(values), "signed", 1.0, gap=0.04, signs=False, strength=0.4)
        axes.set_aspect("auto")
        for (row, column), value in np.ndenumerate(values):
            text = "none" if np.isnan(value) else f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
            axes.text(column, row, text, ha="center", va="center", fontsize=10.5, color=color("ink"))
        axes.set_yticks(range(len(tensors)), tensors, fontsize=10)
        axes.set_xticks(range(len(mistakes)), mistakes)
        axes.xaxis.tick_top()
        for side in axes.spines.values():
            side.set_visible(False)
        label(axes, title)
        panels.append(drawing)
    return Figure(panels, alt)


def learning(steps, arms: dict, bounds: dict, alt: str) -> Figure:
    """Accuracy over the steps, a panel for each arm: all seeds, their median, and named bounds.

    Parameters
    ----------
    steps : array of int (rows,)
    arms : dict of array (rows, seeds)
        Accuracies from 0 to 1, by title.
    bounds : dict of float
        By name; drawn in every panel.
    """
    steps, panels = check_array("steps", steps, shape=("rows",), kind="whole"), []
    check_type("bounds", bounds, dict)
    for (title, runs), role in zip(some("arms", arms).items(), ROLES, strict=False):
        drawing, axes = panel(288, 200)
        seed_lines(axes, steps, check_array(title, runs, shape=(len(steps), "seeds")).T, role)
        for name, level in bounds.items():
            ceiling(axes, level, name, where="right", below=level > 0.5)
        axes.set(ylim=(0, 1.04), yticks=[0, 0.5, 1], xticks=np.linspace(steps[0], steps[-1], 4).round())
        label(axes, title, "updates", "share of held-out inputs right")
        panels.append(drawing)
    return Figure(panels, alt)


def missed(arms: dict, n_inputs: int, alt: str) -> Figure:
    """How many held-out inputs each seed (a dot) still answers wrongly, a row an arm.

    Parameters
    ----------
    arms : dict of array (seeds,)
        Accuracies from 0 to 1, by arm.
    n_inputs : int
        Held-out inputs of a seed.
    """
    drawing, axes = panel(345, 70 + 44 * len(some("arms", arms)))
    check_array("n_inputs", n_inputs, shape=(), kind="whole", low=1)
    for row, ((arm, values), role) in enumerate(zip(arms.items(), ROLES, strict=False)):
        wrong = n_inputs * (1 - check_array(arm, values, shape=("seeds",), low=0, high=1))
        axes.plot(wrong, row + np.linspace(-0.1, 0.2, len(wrong)), "o", color=color(role), markersize=5, alpha=0.6,
                  markeredgewidth=0)
        axes.plot([np.median(wrong)] * 2, [row - 0.15, row + 0.25], color=color("ink"), linewidth=1.6)
        axes.annotate(arm, (0.02, row - 0.28), xycoords=("axes fraction", "data"), fontsize=11, color=color("ink"))
    axes.set(ylim=(len(arms) - 0.5, -0.75), yticks=[])
    axes.set_xlim(left=-0.02 * axes.get_xlim()[1])
    label(axes, "", f"wrong answers to {n_inputs:,} held-out inputs")
    return Figure(drawing, alt)


def some(argument, entries):
    if not check_type(argument, entries, dict):
        raise EmptyError(argument, "nothing", "at least one entry", "Pass arrays by name.")
    return entries
