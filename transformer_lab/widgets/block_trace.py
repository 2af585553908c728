"""The explorable of chapter 05: one expression through all stages of a small trained model."""

from __future__ import annotations

from .base import Explorable, Whole, shipped_bytes

__all__ = ["BlockTrace"]


class BlockTrace(Explorable, draws="block-trace"):
    """The full model of :mod:`transformer_lab.studies.ablation`, run on the page in double precision.

    Parameters
    ----------
    question : int
        The expression, 0 to 7.
    stage : int
        The stage that is shown, 0 (tokens become rows) to 16 (the answer).

    Examples
    --------
    >>> BlockTrace(stage=17)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: stage: got 17; allowed is a whole number from 0 to 16. ...
    """

    data = shipped_bytes("block-trace")
    question = Whole(0, high=7)
    stage = Whole(3, high=16)
