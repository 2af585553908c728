"""The explorable of chapter 03: a head with two numbers, its exact loss, and the ways down."""

from __future__ import annotations

from ..byhand import small_head
from ..tasks.patterns import PatternTask
from .base import Explorable, Number, OneOf, Whole

__all__ = ["LossWalk"]

STEPS = 400


class LossWalk(Explorable, draws="loss-walk"):
    """The loss of :mod:`transformer_lab.byhand.small_head` for distinct letters, and descent on it from any start.

    Parameters
    ----------
    look, write : float
        Where to start: -6 to 6, and -9 to 12.
    order : str
        ``"joint"``, ``"write"`` (writing is trained first) or ``"look"``.
    phase : int
        Steps for which one of the two is trained while the other waits.
    rate : float
        The learning rate.
    step : int
        The step that is shown, 0 to 400.

    Examples
    --------
    >>> walk = LossWalk(look=1.0, write=-1.0, order="look", step=400)
    >>> round(walk.here["loss"], 2), round(LossWalk(look=1.0, write=-1.0, order="write", step=400).here["loss"], 2)
    (3.13, 0.0)
    """

    look = Number(1.0, low=-6, high=6)
    write = Number(-1.0, low=-9, high=12)
    order = OneOf("joint", "write", "look", default="look")
    phase = Whole(20, low=1, high=STEPS)
    rate = Number(2.0, low=0.01, high=10)
    step = Whole(120, high=STEPS)

    task = PatternTask(distinct=True)

    @property
    def here(self) -> dict[str, float]:
        """``look``, ``write`` and ``loss`` after ``step`` steps, computed by the package."""
        numbers = {"look": self.look, "away": 0.0, "write": self.write}
        for step in range(self.step):
            slopes = small_head.backward(numbers, self.task)
            numbers |= {name: numbers[name] - self.rate * float(slopes[name]) for name in self._moved(step)}
        return {"look": numbers["look"], "write": numbers["write"], "loss": float(small_head.loss(numbers, self.task))}

    def _moved(self, step: int) -> tuple[str, ...]:
        if self.order == "joint":
            return ("look", "write")
        first = step // self.phase % 2 == 0
        return ("look",) if first == (self.order == "look") else ("write",)
