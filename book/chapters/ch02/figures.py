"""Figures of many heads at once: what was measured on them, every seed shown, and what is possible at best.

Their alternative texts are made from the data.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_array, check_number, check_type
from transformer_lab.plots.figure import Figure
from transformer_lab.plots.style import ceiling, label, name_line, panel, raised, seed_lines
from transformer_lab.theme import color

__all__ = ["attention_by_position", "error_by_step", "learning_curves", "unseen_letters"]

TINY = 1e-300  # what a logarithm can take


def error_by_step(steps, errors: dict) -> Figure:
    """How wrong a numerical derivative is, by the size of its step; both axes in powers of ten.

    Parameters
    ----------
    steps : array (n,)
        From large to small.
    errors : dict of array (n,)
        Relative errors, above 0, by the name of the method: up to three, from the worst to the best.
    """
    drawing, axes = panel(460, 270)
    exponents, told = np.log10(check_array("steps", steps, shape=("n",), low=TINY)), []
    looks = (("other", "D", 3, (8, 6), "left"), ("negative", ">", 2, (-8, -8), "right"),
             ("ink", "o", -1, (7, 0), "left"))
    for (name, values), (hue, marker, at, shift, side) in zip(check_type("errors", errors, dict).items(), looks,
                                                              strict=False):
        levels = np.log10(check_array(name, values, shape=(len(exponents),), low=TINY))
        at = min(at, len(levels) - 1)
        axes.plot(exponents, levels, color=color(hue), marker=marker, markersize=4.5, linewidth=1.6)
        name_line(axes, exponents[at], levels[at], name, xytext=shift, ha=side)
        told.append(f"{name}: best near a step of 1e{exponents[levels.argmin()]:.0f}, where the error is about "
                    f"1e{levels.min():.0f}; at the smallest step about 1e{levels[-1]:.0f}.")
    for direction, low, high in (("x", exponents.min(), exponents.max()), ("y", -16, 0)):
        ticks = range(int(np.floor(low)), int(high) + 1, 2 if direction == "x" else 4)
        axes.set(**{f"{direction}ticks": ticks, f"{direction}ticklabels": [f"10{raised(tick)}" for tick in ticks]})
    axes.invert_xaxis()
    label(axes, x="size of the step", y="relative error")
    return Figure(drawing, "Relative error against the size of the step. " + " ".join(told))


def learning_curves(steps, arms: dict, bounds: dict) -> Figure:
    """Accuracy on fresh patterns while training, every seed of every arm, and what is possible at best.

    Parameters
    ----------
    steps : array (n,)
    arms : dict of array (n_seeds, n)
        Accuracies from 0 to 1, by the name of the arm; up to three.
    bounds : dict of float
        Ceilings, by their names.
    """
    steps = check_array("steps", steps, shape=("n",), kind="whole", low=0)
    check_type("bounds", bounds, dict)
    bounds = {name: check_number(f"bounds[{name!r}]", level) for name, level in bounds.items()}
    drawing, axes = panel(460, 290)
    ends = []
    roles = ("positive", "negative", "soft")
    for (name, runs), role in zip(check_type("arms", arms, dict).items(), roles, strict=False):
        runs = 100 * check_array(name, runs, shape=("n_seeds", len(steps)), low=0, high=1)
        seed_lines(axes, steps, runs, role)
        ends.append((float(np.median(runs[:, -1])), name, float(np.median(runs[:, 0]))))
    height = -np.inf
    for end, name, _ in sorted(ends):
        height = max(end, height + 7)  # names keep apart, where the lines do not
        name_line(axes, steps[-1], end, name, xytext=(steps[-1] * 1.02, height), textcoords="data")
    for name, level in bounds.items():
        ceiling(axes, 100 * level, name, where="right" if level < 0.9 else "left")
    axes.set(xlim=(0, steps[-1]), ylim=(0, 108))
    label(axes, x="training step", y="right on fresh lines (%)")
    told = [f"{name}: the median goes from {first:.0f} to {end:.0f} percent." for end, name, first in ends]
    told += [f"{name}: a dashed line at {100 * level:.1f} percent." for name, level in bounds.items()]
    return Figure(drawing, f"Curves over {steps[-1]} training steps, a thin one for each head. " + " ".join(told))


def attention_by_position(patterns, right) -> Figure:
    """How much the last token attends to each position, a bar for the median and a dash for each seed.

    Parameters
    ----------
    patterns : array (n_seeds, n_ctx)
        Mean attention weights.
    right : sequence of int
        Positions that hold the answer, counted from 0.
    """
    patterns = check_array("patterns", patterns, shape=("n_seeds", "n_ctx"), low=0)
    right = check_array("right", right, shape=("n",), kind="whole", low=0, high=patterns.shape[1] - 1)
    drawing, axes = panel(460, 230)
    places, median = np.arange(1, patterns.shape[1] + 1), 100 * np.median(patterns, axis=0)
    axes.bar(places, median, color=color("query"), alpha=0.3, width=0.7)
    dashes = places + np.array([[-0.35], [0.35], [np.nan]])  # (3, n_ctx): one line with gaps a seed
    for run in patterns:
        axes.plot(dashes.T.ravel(), np.repeat(100 * run, 3), color=color("query"), alpha=0.5, linewidth=1)
    for place in right:
        axes.annotate("▼", (place + 1, 100 * patterns[:, place].max()), xytext=(0, 3), textcoords="offset points",
                      ha="center", color=color("ink"), fontsize=9)
    ceiling(axes, 100 / patterns.shape[1], "the same for all", where="right")
    axes.set_xticks(places)
    axes.set_ylim(0, None)
    label(axes, x="position", y="attention (%)")
    others, chosen = np.delete(median, right), median[list(right)]
    return Figure(drawing, f"{len(places)} bars. Positions {', '.join(str(place + 1) for place in right)} get "
                           f"{chosen.min():.0f} to {chosen.max():.0f} percent of the attention, every other one "
                           f"{others.min():.1f} to {others.max():.1f} percent.")


def unseen_letters(unseen, wrong) -> Figure:
    """For every seed: the share of fresh patterns whose answer never was a target, against the share that is wrong."""
    unseen = check_array("unseen", unseen, shape=("n_seeds",), low=0, high=1)
    wrong = check_array("wrong", wrong, shape=(len(unseen),), low=0, high=1)
    drawing, axes = panel(340, 290)
    top = 112 * max(unseen.max(), wrong.max()) or 1.0
    axes.plot([0, top], [0, top], color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
    name_line(axes, top * 0.62, top * 0.62, "equal", xytext=(8, -8))
    axes.plot(100 * unseen, 100 * wrong, "o", color=color("negative"), alpha=0.6, markersize=7, clip_on=False)
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    label(axes, x="answer never taught (%)", y="answered wrong (%)")
    place = "on" if np.allclose(unseen, wrong) else "about"
    return Figure(drawing, f"{len(unseen)} dots {place} a dashed diagonal, which means equal shares, from "
                           f"{100 * wrong.min():.1f} to {100 * wrong.max():.1f} percent.")
