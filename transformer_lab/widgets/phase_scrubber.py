"""The explorable of chapter 03: its runs, step by step, with every seed's accuracy."""

from __future__ import annotations

from .base import Explorable, OneOf, Whole, shipped_bytes

__all__ = ["PhaseScrubber"]


class PhaseScrubber(Explorable, draws="phase-scrubber"):
    """The heads of :mod:`chapters.ch03.study`, trained on the page from the same random numbers.

    Parameters
    ----------
    seed : int
        Which of the 50 seeds is followed.
    order : str
        ``"joint"``, ``"write-first"`` or ``"look-first"``.
    positions : str
        ``"one_hot"`` or ``"none"``.
    step : int
        The step that is shown, 0 to 500.
    example : int
        The pattern whose attention and answer are shown, 0 to 5.

    Examples
    --------
    >>> PhaseScrubber(order="look-frst")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: order: got 'look-frst'; ... Did you mean 'look-first'?
    """

    data = shipped_bytes("phases")
    seed = Whole(7, high=49)
    order = OneOf("joint", "write-first", "look-first", default="write-first")
    positions = OneOf("one_hot", "none")
    step = Whole(80, high=500)
    example = Whole(0, high=5)
