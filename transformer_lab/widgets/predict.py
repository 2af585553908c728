"""Predict: a choice to commit to, a curve to draw, before the chapter gives its answer away."""

from __future__ import annotations

from traitlets import Int, List, Unicode

from .base import Explorable

__all__ = ["Choice"]


class Choice(Explorable, draws="choice"):
    """One question with several answers. The reader's answer stays in the browser and reaches nobody.

    Parameters
    ----------
    id : str
        Unique in the book: the answer is kept under it.
    question, explanation : str
        The explanation is shown once the reader has committed.
    answers : list of str
        Two to six.
    right : int
        Which answer holds, counted from 0.
    """

    id = Unicode("choice").tag(sync=True)
    question = Unicode("Which one?").tag(sync=True)
    answers = List(Unicode(), ["This", "That"]).tag(sync=True)
    right = Int(0).tag(sync=True)
    explanation = Unicode("").tag(sync=True)
