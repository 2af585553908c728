"""The whole machine: one question through the trained digit model, at three zooms, every number asked what made it."""

from ..rules import By, Choice, Whole
from .asked import of_digits
from .base import Explorable, Synced, WithModel, shipped_bytes

__all__ = ["ASKED", "WholeMachine"]

ENDS = ("embed", "pos_embed", "logits", "probs")
INSIDE = ("resid_pre", "ln1", "q", "k", "v", "scores", "pattern", "z", "written", "attn_out", "resid_mid", "ln2",
          "mlp_post", "mlp_out", "resid_post")
#: What can be asked, by its full name: ``written`` is what one head writes, the rest are activations.
ASKED = (*ENDS, *(f"blocks.{layer}.{name}" for layer in range(2) for name in INSIDE))


def of_digits_or_none(argument, value) -> str:
    """An expression as the digit model reads it, or no text where none is chosen."""
    return value if value == "" else of_digits(argument, value)


class WholeMachine(WithModel, Explorable, draws="whole-machine"):
    """One question through the digit model (the record ``digits/digits-0``, run on the page in half precision).

    At ``zoom`` "model" the rows of all tokens are shown between the layers, at "block" one ``layer``, at "head" one
    ``head`` of it. The number at ``row`` and ``column`` of what is ``asked`` (beyond an edge: at it) says what it was
    made from. An expression is one of five operations on three digits; spaces and capitals do not matter. Where
    ``show`` is "changes", each number is less what it is for the question ``versus``; without one, for another that
    has a different last digit.

    >>> WholeMachine(expression="max(5, 3, 9)", zoom="head", asked="blocks.0.pattern", row=0, column=6).expression
    'Max ( 5 , 3 , 9 )'
    """

    data = shipped_bytes("whole-machine")
    expression = Synced("Max ( 5 , 3 , 9 )", By(of_digits))
    zoom = Synced("model", Choice(("model", "block", "head")))
    layer = Synced(0, Whole(0, 1))
    head = Synced(2, Whole(0, 3))
    asked = Synced("probs", Choice(ASKED))
    row = Synced(0, Whole(0, 7))
    column = Synced(11, Whole(0, 255))
    show = Synced("numbers", Choice(("numbers", "changes")))
    versus = Synced("", By(of_digits_or_none))
