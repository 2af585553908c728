"""Figures of chapter 03 by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, curves, plane

__all__ = ["basins", "coin_toss", "courses", "phases", "surface"]

LEVELS = (0.2, 0.5, 1, 2, 3, 4, 6)  # nats
COPIES = 1.5  # below this loss a walk has ended in the valley where the target is copied
AXES = {"x_label": "look: preference for the target", "y_label": "write: strength of copying"}


def phases(order: str, length: int, steps: int) -> list[tuple[int, int]]:
    """The stretches of steps in which looking is trained, phases of ``length`` in turn.

    >>> phases("write first", 50, 200)
    [(50, 100), (150, 200)]
    """
    first = {"look first": 0, "write first": length}[order]
    return [(start, min(start + length, steps)) for start in range(first, steps, 2 * length)]


def courses(steps, panels: dict, unit: str, alt: str = "", *, turns: dict | None = None,
            bounds: dict | None = None) -> Figure:
    """``curves`` with the phases of looking shaded."""
    shade = {title: {"look": phases(*turn, int(steps[-1]))} for title, turn in (turns or {}).items()}
    limits = {title: {name: level} for title, (level, name) in (bounds or {}).items()}
    return curves(panels, steps, shade=shade, bounds=limits, x_label="step", y_label=unit)


def coin_toss(copying, before, after) -> Figure:
    """``plane``, two marks a seed."""
    return plane({"at the start": np.stack([copying, before], axis=-1),
                  "after writing was trained": np.stack([copying, after], axis=-1)},
                 x_label="copying in the random W_OV", y_label="likeness of the step and the way")


def surface(look, write, loss, paths: dict, saddle: dict) -> Figure:
    """``plane``: heights with walks and their saddle."""
    walks = {name: np.stack([path["look"], path["write"]], axis=-1) for name, path in paths.items()}
    return plane(paths=walks, heights={"": (look, write, loss)}, levels=LEVELS,
                 marks={"saddle": (saddle["look"], saddle["write"])}, **AXES)


def basins(look, write, ends: dict, saddle: dict) -> Figure:
    """``plane``, a panel an order: the starts that end below ``COPIES`` nats in grey."""
    return plane(heights={name: (look, write, np.asarray(loss) < COPIES) for name, loss in ends.items()}, levels=[0.5],
                 marks={"saddle": (saddle["look"], saddle["write"])}, words=_names(look, write, ends),
                 x_label="look, at the start", y_label="write, at the start")


def _names(look, write, ends: dict) -> dict:
    """"copies" and "rules out" in the middle of their regions."""
    found = {title: {} for title in ends}
    for title, loss in ends.items():
        for word, inside in (("copies", np.asarray(loss) < COPIES), ("rules out", np.asarray(loss) >= COPIES)):
            rows, columns = np.nonzero(inside)
            if len(rows):
                found[title][word] = (look[columns].mean(), write[rows].mean())
    return found
