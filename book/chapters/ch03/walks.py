"""Walks on the exact loss surface of the three-number head: jointly, or looking and writing in turns.

For distinct letters the plane of ``look`` and ``write`` has two valleys. In one the head looks at the target and copies
it, and the loss goes to 0. In the other it looks away from the target and rules out the letters that it reads; of 26
letters 22 are left, and the loss goes to ln 22. Between them stands the saddle at ``write = 0``
(:func:`~transformer_lab.byhand.small_head.saddle`), and the order of the phases decides on which side a start ends.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from transformer_lab.byhand import small_head
from transformer_lab.rules import Choice, Each, Number, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.patterns import PatternTask

from .look_write import alternate

__all__ = ["walk"]

MATRIX = {"look": "W_QK", "away": "W_QK", "write": "W_OV"}


@checked
def walk(start: dict, task: PatternTask, *, order: str = "joint", look: int = 50, write: int = 50,
         steps: Whole(1, 100_000) = 500, learning_rate: Number(above=0) = 1.0,
         plane: Each(Choice(MATRIX)) = ("look", "write"), whole_path: bool = True) -> dict[str, np.ndarray]:
    """Gradient descent on the exact loss, every point of the way.

    ``start`` has ``look``, ``away`` and ``write``: numbers, or arrays of starting points; so has the path, each
    (steps + 1, ...), and the ``loss``. The numbers in ``plane`` move, in turns as in
    :func:`~chapters.ch03.look_write.alternate`; ``("away", "write")`` are those of a head without positions.
    ``whole_path=False`` keeps the last point alone: for a grid of starts its loss is the map of the basins.

    >>> task = PatternTask(distinct=True)
    >>> for order in ("write-first", "look-first"):
    ...     path = walk({"look": 0, "away": 0, "write": -1}, task, order=order, look=1000, write=1000, steps=3000)
    ...     print(order, path["loss"][-1].round(1))
    write-first 0.0
    look-first 3.1
    """
    point = dict(zip(small_head.NUMBERS, np.broadcast_arrays(*small_head.numbers_of(start)), strict=True))
    train, points = alternate(order, look, write), deque([point], maxlen=None if whole_path else 1)
    for step in range(steps):
        slopes = small_head.backward(point, task)
        point = point | {name: point[name] - learning_rate * slopes[name] for name in plane
                         if MATRIX[name] in train(step)}
        points.append(point)
    path = {name: np.stack([point[name] for point in points]) for name in small_head.NUMBERS}
    return path | {"loss": np.stack([small_head.loss(point, task) for point in points])}
