"""The explorable of chapter 03: its runs, step by step, with every seed's accuracy."""

from __future__ import annotations

from traitlets import Int, Unicode, validate

from ..checks import check_choice, check_whole
from .base import Explorable, shipped_bytes

__all__ = ["PhaseScrubber"]

NAMES = {"order": ("joint", "write-first", "look-first"), "positions": ("one_hot", "none")}
HIGHEST = {"seed": 49, "step": 500, "example": 5}


class PhaseScrubber(Explorable, draws="phase-scrubber"):
    """The heads of :mod:`transformer_lab.studies.phases`, trained on the page from the same random numbers.

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
    seed = Int(7).tag(sync=True)
    order = Unicode("write-first").tag(sync=True)
    positions = Unicode("one_hot").tag(sync=True)
    step = Int(80).tag(sync=True)
    example = Int(0).tag(sync=True)

    @validate(*HIGHEST)
    def _in_range(self, proposal):
        name = proposal["trait"].name
        return check_whole(name, proposal["value"], low=0, high=HIGHEST[name])

    @validate(*NAMES)
    def _known(self, proposal):
        name = proposal["trait"].name
        return check_choice(name, proposal["value"], NAMES[name])
