"""The explorables that are asked expressions: a trained model at any point of its training, and one that writes."""

from traitlets import validate

from ..checks import check_choice, check_whole
from ..rules import By, Choice, Number, Whole
from ..tasks.digits import DigitTask, check_expression
from ..tasks.expressions import parse, spell, tokenize
from .base import Explorable, OneOf, Synced, WithModel, shipped_bytes

__all__ = ["STEPS", "AskModel", "Decoding"]

#: The steps of training whose weights :class:`AskModel` has: more where more happens.
STEPS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 700, 800, 1000, 2000)
SIMPLE = ("First", "Second", "Last", "Max", "Min")
#: The operations that each model of :class:`Decoding` has a token for, trained or not.
OPERATIONS = {"nested": SIMPLE, "two-digits": SIMPLE, "arithmetic": (*SIMPLE, "Add")}
LARGEST, FEWEST, MOST, LONGEST = 199, 2, 4, 24


def of_digits(argument, value) -> str:
    """An expression as the digit model reads it, or an error that says where it stops being one."""
    return spell(tokenize(check_expression(DigitTask(), parse(value))))


class AskModel(WithModel, Explorable, draws="ask-model"):
    """The digit model of chapter 8 (the record ``digits/digits-0``), run on the page in half precision.

    An expression is one of the five operations on three digits; spaces and capitals do not matter. ``held_out`` marks
    the inputs that training never saw.

    >>> AskModel(expression="min(5, 3, 9)", step=2000).expression
    'Min ( 5 , 3 , 9 )'
    """

    data = shipped_bytes("ask")
    expression = Synced("Max ( 5 , 3 , 9 )", By(of_digits))
    step = Synced(50, OneOf(STEPS))
    held_out = Synced(False, bool)

    @property
    def shown(self) -> str:
        """The name of the model in the page's data."""
        return str(self.step)


class Decoding(WithModel, Explorable, draws="decoding"):
    """Three models of chapter 10 that write their answers (the records ``digits/MODEL-0``), run in half precision.

    An expression has 2 to 4 arguments an operation, numbers up to 199 and at most 24 tokens; spaces and capitals do not
    matter. ``selected`` is a number or operation, counted from the left; ``step`` the token of the answer that comes
    next (where the answer is shorter, its last one); ``draw`` says how often Shuffle was pressed. ``pick`` is how the
    next token is taken; where it is drawn, from :func:`~transformer_lab.tasks.answers.shares`, ``draws`` counts the
    draws, and a ``top_k`` of 24 keeps all tokens.

    >>> Decoding(expression="max(first(2, 8), 5)").expression
    'Max ( First ( 2 , 8 ) , 5 )'
    >>> Decoding(expression="Add(2, 8)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: operation: got 'Add'; allowed is one of 'First', ...
    """

    data = shipped_bytes("decode")
    model = Synced("nested", Choice(OPERATIONS))
    expression = Synced("Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )", str)
    selected = Synced(2, Whole(0, LONGEST - 1))
    step = Synced(0, Whole(0, LONGEST - 1))
    draw = Synced(0, Whole())
    pick = Synced("likeliest", Choice(("likeliest", "drawn")))
    temperature = Synced(1.0, Number(0.1, 3))
    top_k = Synced(24, Whole(1, 24))
    top_p = Synced(1.0, Number(0.05, 1))
    draws = Synced(0, Whole())

    @property
    def shown(self) -> str:
        """The name of the model in the page's data."""
        return self.model

    @validate("model", "expression")
    def _fits(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        given = {"model": self.model, "expression": self.expression} | {name: value}
        tokens = tokenize(_checked(parse(given["expression"]), given["model"]))
        check_whole("the number of tokens", len(tokens), high=LONGEST)
        return spell(tokens) if name == "expression" else value


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
