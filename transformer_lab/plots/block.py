"""Figures of chapter 05: what heads look at, the stream as it grows, the answer as it appears, what ablation costs."""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_type
from ..theme import color
from .figure import Figure
from .style import color_bar, heatmap, label, panel

__all__ = ["arms", "emerging", "patterns", "stream"]


def patterns(pattern, tokens, alt: str) -> Figure:
    """The patterns of a layer's heads on one sequence, side by side.

    Parameters
    ----------
    pattern : array (n_heads, pos, pos)
    tokens : list of str (pos,)
    """
    tokens = check_type("tokens", tokens, list)
    pattern, panels = check_array("pattern", pattern, shape=("n_heads", len(tokens), len(tokens))), []
    for head, table in enumerate(pattern):
        drawing, axes = panel(152, 180)
        heatmap(axes, table, "amount", 1.0)
        axes.set_xticks(range(len(tokens)), [token[0] for token in tokens], fontsize=10)
        axes.set_yticks(range(len(tokens)), tokens, fontsize=10)
        label(axes, f"head {head}", "key (a row: query)")
        panels.append(drawing)
    return Figure(panels, alt)


def stream(rows: dict, tokens, alt: str) -> Figure:
    """The stream, or what is added to it, at several stages: a row a token, all with one scale.

    Parameters
    ----------
    rows : dict of array (pos, d_model)
        By the stage's name.
    tokens : list of str (pos,)
    """
    tokens, panels = check_type("tokens", tokens, list), []
    tables = {name: check_array(name, table, shape=(len(tokens), "d_model"))
              for name, table in check_type("rows", rows, dict).items()}
    limit = max((float(np.abs(table).max()) for table in tables.values()), default=1.0)
    for name, table in tables.items():
        drawing, axes = panel(345, 175)
        heatmap(axes, table, "signed", limit, signs=False)
        axes.set_aspect("auto")
        axes.set_yticks(range(len(tokens)), tokens, fontsize=10)
        color_bar(drawing, axes, limit, "entry")
        label(axes, name)
        panels.append(drawing)
    return Figure(panels, alt)


def emerging(probs, stages, answers, right: int, alt: str) -> Figure:
    """What would be answered if the stream were read out at each stage: a row a stage, a column an answer.

    Parameters
    ----------
    probs : array (stages, answers)
    stages, answers : list of str
    right : int
        The column of the right answer, which is marked.
    """
    check_type("stages", stages, list), check_type("answers", answers, list)
    probs = check_array("probs", probs, shape=(len(stages), len(answers)), low=0, high=1)
    check_array("right", [right], shape=(1,), kind="whole", low=0, high=len(answers) - 1)
    drawing, axes = panel(345, 80 + 30 * len(stages))
    heatmap(axes, probs, "amount", 1.0, gap=0.06)
    axes.set_aspect("auto")
    for (row, column), share in np.ndenumerate(probs):
        if share >= 0.1:
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=10.5,
                      color=color("page" if share > 0.55 else "ink"))
    axes.set_yticks(range(len(stages)), stages, fontsize=10.5)
    axes.set_xticks(range(len(answers)), answers)
    axes.get_xticklabels()[right].set(fontweight="bold", color=color("ink"))
    label(axes, "", "answer, in percent; the right one is bold")
    return Figure(drawing, alt)


def arms(groups: dict, bounds: dict, alt: str) -> Figure:
    """Accuracy of every seed (a dot) and the median (a bar) in each arm (a row); one panel for each title.

    Parameters
    ----------
    groups : dict of dict of array (n_seeds,)
        ``groups[title][arm]``, 0 to 1.
    bounds : dict of float
        Thin lines in all panels, by name: chance, ceiling, ...
    """
    panels, levels = [], check_type("bounds", bounds, dict)
    for title, values in check_type("groups", groups, dict).items():
        drawing, axes = panel(345, 84 + 27 * len(check_type(title, values, dict)))
        for row, (arm, shares) in enumerate(values.items()):
            shares = check_array(arm, shares, shape=("n_seeds",))
            axes.plot(shares, row + np.linspace(-0.2, 0.2, len(shares)), "o", color=color("value"), markersize=4,
                      alpha=0.6, markeredgewidth=0)
            axes.plot([np.median(shares)] * 2, [row - 0.32, row + 0.32], color=color("ink"), linewidth=1.8)
        for name, level in levels.items():
            axes.axvline(check_array(name, [level], shape=(1,))[0], color=color("ink"), linewidth=1,
                         linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(name, (level, -0.75), xytext=(-3 if level > 0.5 else 3, 0), textcoords="offset points",
                          ha="right" if level > 0.5 else "left", va="bottom", fontsize=10.5, color=color("ink"),
                          annotation_clip=False)
        axes.set(xlim=(0, 1.03), ylim=(len(values) - 0.4, -0.7), xticks=[0, 0.25, 0.5, 0.75, 1])
        axes.set_yticks(range(len(values)), list(values), fontsize=10.5)
        label(axes, "", "share of held-out inputs answered right")
        axes.set_title(title, loc="left", fontsize=12.5, fontweight="bold", color=color("ink"), pad=22)
        panels.append(drawing)
    return Figure(panels, alt)
