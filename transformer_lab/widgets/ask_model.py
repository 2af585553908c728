"""Ask the trained model, at any point of its training."""

from __future__ import annotations

from traitlets import Bool, Int, Unicode

from ..checks import check_whole
from ..errors import RangeError
from ..tasks.digits import DigitTask, check_expression
from ..tasks.expressions import parse, spell, tokenize
from .base import Explorable, shipped_bytes
from .page_data import page_data

__all__ = ["AskModel"]


class Asked(Unicode):
    """A synced expression of the task, as the model reads it."""

    def validate(self, obj, value):
        """The expression, or an error that says where it stops being one."""
        return spell(tokenize(check_expression(DigitTask(), parse(value))))


class Kept(Int):
    """A synced step of training, one of those in the explorable's bytes."""

    def validate(self, obj, value):
        """The step, or an error that names them all."""
        steps = page_data(obj.data)[1]["steps"].tolist()
        if check_whole(self.name, value) in steps:
            return int(value)
        raise RangeError(self.name, str(value), "one of " + ", ".join(map(str, steps)),
                         "Choose a step at which the weights were kept.")


class AskModel(Explorable, draws="ask-model"):
    """The digit model of ``data/digits/digits-0``, run on the page with its weights in half precision.

    Parameters
    ----------
    expression : str
        One of the five operations on three digits; spaces and capitals do not matter.
    step : int
        The step of training: 0, 10, 25, 50, 75, 100, 150, 200, 300 and so on to 800, 1000 or 2000.
    held_out : bool
        Whether the map marks the inputs that training never saw.

    Examples
    --------
    >>> AskModel(expression="min(5, 3, 9)", step=2000).expression
    'Min ( 5 , 3 , 9 )'
    >>> AskModel(expression="Add(5, 3, 9)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: operation: got 'Add'; allowed is one of 'First', ...
    """

    data = shipped_bytes("ask")
    expression = Asked("Max ( 5 , 3 , 9 )").tag(sync=True)
    step = Kept(50).tag(sync=True)
    held_out = Bool(False).tag(sync=True)
