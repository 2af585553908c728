"""What the figures of chapter 03 draw beside their data: when looking is trained, and which start ends where."""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_choice
from transformer_lab.plots import Figure, plane
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked

__all__ = ["basins", "surface", "turns"]

COPIES = 1.5  # nats; below this loss a walk has ended in the valley where the target is copied


@checked
def turns(order: str, length: Whole(1), steps: Whole(1)) -> list[tuple[int, int]]:
    """The stretches of steps in which looking is trained, phases of ``length`` in turn.

    >>> turns("write first", 50, 200)
    [(50, 100), (150, 200)]
    """
    first = {"look first": 0, "write first": length}
    first = first[check_choice("order", order, first)]
    return [(start, min(start + length, steps)) for start in range(first, steps, 2 * length)]


def surface(look, write, loss, paths: dict, saddle: dict) -> Figure:
    """``plane``: heights with walks and their saddle."""
    walks = {name: np.stack([path["look"], path["write"]], axis=-1) for name, path in paths.items()}
    return plane(paths=walks, heights={"": (look, write, loss)}, levels=(0.2, 0.5, 1, 2, 3, 4, 6),
                 marks={"saddle": (saddle["look"], saddle["write"])}, x_label="look: preference for the target",
                 y_label="write: strength of copying")


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
