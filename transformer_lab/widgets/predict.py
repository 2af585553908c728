"""Predict: a choice to commit to, a curve to draw, before the chapter gives its answer away."""

from __future__ import annotations

from traitlets import Float, Int, List, Unicode

from .base import Explorable

__all__ = ["Choice", "Curve"]


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


class Curve(Explorable, draws="curve"):
    """A curve to draw before the true ones are shown. The reader's curve stays in the browser and reaches nobody.

    Parameters
    ----------
    id : str
        Unique in the book: the drawing is kept under it.
    question, explanation : str
        The explanation is shown once the reader has committed.
    x : list of float
        Where the true curves are given.
    curves : list of list of float
        The true curves, one a seed, as long as ``x``; their median is drawn strong.
    x_range, y_range : list of float
        Both ends of each axis.
    x_label, y_label : str
        Words with units.
    limits : list of [float, str]
        Ceilings and floors: a value and its name.

    Examples
    --------
    >>> from transformer_lab.widgets import Curve
    >>> drawing = Curve(id="doc", x=[0, 1, 2], curves=[[0, 0.5, 1]], x_range=[0, 2], limits=[[0.9, "ceiling"]])
    >>> drawing.state()["limits"]
    [[0.9, 'ceiling']]
    """

    id = Unicode("curve").tag(sync=True)
    question = Unicode("Draw the curve that you expect.").tag(sync=True)
    explanation = Unicode("").tag(sync=True)
    x = List(Float(), [0.0, 1.0]).tag(sync=True)
    curves = List(List(Float()), [[0.0, 1.0]]).tag(sync=True)
    x_range = List(Float(), [0.0, 1.0], minlen=2, maxlen=2).tag(sync=True)
    y_range = List(Float(), [0.0, 1.0], minlen=2, maxlen=2).tag(sync=True)
    x_label = Unicode("step").tag(sync=True)
    y_label = Unicode("value").tag(sync=True)
    limits = List(List(), []).tag(sync=True)
