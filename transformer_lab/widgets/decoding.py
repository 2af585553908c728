"""The explorable of chapter 08: build a nested expression and watch a trained model write its value."""

from __future__ import annotations

from traitlets import Unicode, validate

from ..checks import check_choice, check_whole
from ..tasks.expressions import parse, spell, tokenize
from .base import Explorable, OneOf, Whole, shipped_bytes

__all__ = ["Decoding"]

SIMPLE = ("First", "Second", "Last", "Max", "Min")
OPERATIONS = {"nested": SIMPLE, "two-digits": SIMPLE, "arithmetic": (*SIMPLE, "Add")}
LARGEST, FEWEST, MOST, LONGEST = 199, 2, 4, 24


class Decoding(Explorable, draws="decoding"):
    """One of three models that write their answers, run on the page with its weights in half precision.

    Parameters
    ----------
    model : str
        ``"nested"``, ``"two-digits"`` or ``"arithmetic"``: the record ``data/digits/MODEL-0``.
    expression : str
        What to ask, of operations that the model has a token for (trained or not), with 2 to 4 arguments and numbers
        up to 199, of at most 24 tokens; spaces and capitals do not matter.
    selected : int
        The number or operation that is selected, counted from the left, 0 to 23.
    step : int
        The token of the answer that comes next, from 0; where the answer is shorter, its last one.
    draw : int
        How often Shuffle was pressed.

    Examples
    --------
    >>> Decoding(expression="max(first(2, 8), 5)").expression
    'Max ( First ( 2 , 8 ) , 5 )'
    >>> Decoding(expression="Add(2, 8)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: operation: got 'Add'; allowed is one of 'First', ...
    """

    data = shipped_bytes("decode")
    model = OneOf(*OPERATIONS)
    expression = Unicode("Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )").tag(sync=True)
    selected = Whole(2, high=LONGEST - 1)
    step = Whole(0, high=LONGEST - 1)
    draw = Whole(0)

    @validate("model")
    def _fits(self, proposal):
        _checked(parse(self.expression), proposal["value"])
        return proposal["value"]

    @validate("expression")
    def _readable(self, proposal):
        tokens = tokenize(_checked(parse(proposal["value"]), self.model))
        check_whole("the number of tokens", len(tokens), high=LONGEST)
        return spell(tokens)


def _checked(expression, model):
    """The expression, if the page can show it and the model has its tokens."""
    if not isinstance(expression, tuple):
        return check_whole("number", expression, low=0, high=LARGEST)
    operation, arguments = expression
    check_choice("operation", operation, OPERATIONS[model])
    check_whole(f"the number of {operation}'s arguments", len(arguments), low=FEWEST, high=MOST)
    for argument in arguments:
        _checked(argument, model)
    return expression
