"""One block, every tensor beside its gradient, right or with a planted mistake."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..byhand.transformer import forward
from .base import Explorable, OneOf, Whole, shipped_bytes
from .page_data import page_data, shipped_file
from .small_block import CONFIG

__all__ = ["BackwardReplay"]


@cache
def shipped() -> dict[str, np.ndarray]:
    """The weights that the explorable shows."""
    arrays = page_data(shipped_file("small-block").read_bytes())[1]
    return {name.removeprefix("model/"): value for name, value in arrays.items()}


class BackwardReplay(Explorable, draws="backward-replay"):
    """Forward beside backward through a transformer of one block and one head, which is asked for a larger digit.

    The properties compute the same values with :mod:`transformer_lab.byhand.transformer`.

    Parameters
    ----------
    operation : {"Max", "Min"}
    first, second : int
        The digits, 0 to 3.
    gradient : str
        ``"right"``, or a mistake in :data:`~chapters.ch06.planted.PLANTED`: ``"copied"``,
        ``"twice"`` or ``"both"``.
    step : int
        How many activations the backward pass has reached, 0 to 17.

    Examples
    --------
    >>> replay = BackwardReplay(first=3, second=0)
    >>> replay.target.tolist(), replay.acts["logits"].shape
    ([3], (1, 6))
    """

    data = shipped_bytes("small-block")
    operation = OneOf("Max", "Min")
    first = Whole(2, high=3)
    second = Whole(1, high=3)
    gradient = OneOf("right", "copied", "twice", "both", default="copied")
    step = Whole(17, high=17)

    config = CONFIG

    @property
    def params(self) -> dict[str, np.ndarray]:
        """The weights as shown, under their full names."""
        return {name: value.copy() for name, value in shipped().items()}

    @property
    def target(self) -> np.ndarray:
        """The right answer, (1,)."""
        return np.array([(max if self.operation == "Max" else min)(self.first, self.second)])

    @property
    def acts(self):
        """Every activation, by the package."""
        return forward(self.params, np.array([[4 if self.operation == "Max" else 5, self.first, self.second]]), CONFIG)
