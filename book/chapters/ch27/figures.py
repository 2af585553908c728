"""The figure of chapter 27: rules by widths, in each cell the models as dots on a scale of errors."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure
from transformer_lab.plots.dots import swarm
from transformer_lab.plots.figure import laid_out
from transformer_lab.plots.style import empty, name_line
from transformer_lab.theme import color

__all__ = ["table_of_dots"]

DOT, ROW, NAMES = 4.2, 25, 178  # px: a dot, a row, and the room for the rules' names
HEAD = 50                       # px above the first row
WIDTH = 590                     # px, as wide as the text


def table_of_dots(values: dict[str, np.ndarray], columns, parts: dict[str, int], *, level: float = 0.1) -> Figure:
    """A row a rule, a cell a column: each of the values (column, seed), in per cent, is a dot between 0, the thin line,
    and 100; beside them the number of dots that are at most at the ``level``. ``parts`` are headings by the row before
    which they stand.
    """
    def draw(_, width):
        narrow, rows = width < 500, len(values) + len(parts)
        row, names = (ROW + 15, 0) if narrow else (ROW, NAMES)
        drawing, axes = empty(width, tall := HEAD + row * rows)
        axes.set(position=(0, 0, 1, 1), xlim=(0, width), ylim=(tall, 0))
        axes.set_axis_off()
        cell = (width - names) / len(columns)
        for j, column in enumerate(columns):
            name_line(axes, names + j * cell, 26, str(column), xytext=(2, 0), fontweight="bold")
        name_line(axes, names, 8, "numbers a token", "soft", xytext=(2, 0))
        place = HEAD
        for i, (name, found) in enumerate(values.items()):
            if heading := next((words for words, at in parts.items() if at == i), None):
                name_line(axes, 0, place, heading, xytext=(2, 0), fontweight="bold")
                place += row
            name_line(axes, 0, place - (6 if narrow else 0), name, xytext=(2, 0))
            for j, errors in enumerate(found):
                _cell(axes, names + j * cell, place + (11 if narrow else 0), cell - 14, errors, level)
            place += row
        return drawing

    learned = {name: ", ".join(_count(errors, level) for errors in found) for name, found in values.items()}
    said = [f"A table of dots, a row for each of {len(values)} rules, a column for each width: "
            f"{', '.join(map(str, columns))}. In each cell a dot a model, over the share that it gets wrong from 0 to "
            f"100 per cent, and the number of models at most {level:g} per cent wrong: "
            + "; ".join(f"{name} {counts}" for name, counts in learned.items())]
    return laid_out([""], draw, said, WIDTH)


def _count(errors, level: float) -> str:
    return str(int((errors <= level).sum())) if np.isfinite(errors).any() else "not tried"


def _cell(axes, left: float, middle: float, width: float, errors, level: float) -> None:
    """The dots of one cell on their scale, its floor a line, and how many stand at it."""
    errors = np.asarray(errors)
    there, span = errors[np.isfinite(errors)], width - 24
    if not there.size:
        return name_line(axes, left, middle, "–", "soft", xytext=(2, 0))
    axes.plot([left + 2] * 2, [middle - 9, middle + 9], color=color("ink"), linewidth=1)
    axes.plot([left + 2, left + 2 + span], [middle] * 2, color=color("line"), linewidth=1, zorder=0)
    across = there / 100 * span
    steps = swarm.unchecked(across, DOT)
    pressed = min(1.0, 2.2 / max(1, np.abs(steps).max())) * DOT
    good = there <= level
    for which, hue, alpha in ((~good, "soft", 0.55), (good, "link", 0.75)):
        axes.plot(left + 2 + across[which], middle + steps[which] * pressed, "o", color=color(hue), markersize=DOT,
                  alpha=alpha, markeredgewidth=0)
    name_line(axes, left + width + 2, middle, str(int(good.sum())), "ink" if good.any() else "soft", xytext=(0, 0),
              ha="right", fontweight="bold" if good.any() else "normal")
