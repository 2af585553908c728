"""The explorable of chapter 05: one expression through all stages of a small trained model, and back."""

from __future__ import annotations

from .base import Explorable, OneOf, Whole, shipped_bytes

__all__ = ["BlockTrace"]


class BlockTrace(Explorable, draws="block-trace"):
    """The full model of :mod:`chapters.ch05.study`, run on the page in double precision.

    Parameters
    ----------
    question : int
        The expression, 0 to 7.
    stage : int
        What is shown: the stages 0 (tokens become rows) to 16 (the answer), the loss (17), and the gradients at the
        same stages from 18 (the answer) back to 34 (tokens).
    target : str
        The loss is that of ``"answer"``, the right one, or of a digit, ``"0"`` to ``"9"``.

    Examples
    --------
    >>> BlockTrace(stage=35)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: stage: got 35; allowed is a whole number from 0 to 34. ...
    """

    data = shipped_bytes("block-trace")
    question = Whole(0, high=7)
    stage = Whole(3, high=34)
    target = OneOf("answer", *"0123456789")
