"""The explorables in Python: the state of each, and what every part of it may be. A new one is a class here and
js/NAME.js; those that calculate beside the page stand in :mod:`.by_hand`, those that are asked expressions in
:mod:`.asked` and :mod:`.machine`, the visualiser of heads in :mod:`.attention`.
"""

from ..rules import Choice as Names
from ..rules import Each, Number, Whole
from .asked import AskModel, Decoding
from .attention import AttentionHeads
from .base import Explorable, OneOf, Synced, WithModel, numbers, shipped_bytes
from .by_hand import BackwardReplay, GradientGraph
from .char_writer import CharWriter
from .clipped_norms import ClippedNorms
from .cost_of_attention import CostOfAttention
from .draw_digit import DrawDigit
from .machine import WholeMachine
from .mask_painter import MaskPainter
from .norm_placement import NormPlacement
from .plane_model import PlaneModel
from .rotary_turns import RotaryTurns
from .scaling_fit import ScalingFit
from .seen_unseen import SeenUnseen
from .valley_walk import ValleyWalk

__all__ = ["AskModel", "AttentionHeads", "BackwardReplay", "BlockTrace", "CharWriter", "Choice", "ClippedNorms",
           "CostOfAttention", "Curve", "Decoding", "DrawDigit", "Explorable", "GradientGraph", "LossWalk",
           "MaskPainter", "NormPlacement", "PhaseScrubber", "PlaneModel", "Positions", "RotaryTurns", "ScalingFit",
           "SeenUnseen", "SoftLookup", "ValleyWalk", "WholeMachine"]


class Choice(Explorable, draws="choice"):
    """Predict by choosing one of several answers. What is chosen stays in the browser and reaches nobody.

    It is kept under ``id``, which must be unique in the book; ``right`` is the answer that holds, counted from 0, and
    the ``explanation`` is shown once the reader has committed.
    """

    id = Synced("choice", str)
    question = Synced("Which one?", str)
    answers = Synced(["This", "That"], Each(str, 2))
    right = Synced(0, Whole())
    explanation = Synced("", str)


class Curve(Explorable, draws="curve"):
    """Predict by drawing, before the true curves are shown. What is drawn stays in the browser and reaches nobody.

    It is kept under ``id``, which must be unique in the book; the ``explanation`` is shown once the reader has
    committed. ``curves`` has one true curve a seed, as long as ``x``; their median is drawn strong. Labels are words
    with units; ``limits`` are ceilings and floors, each a value and its name.

    >>> drawing = Curve(id="doc", x=[0, 1, 2], curves=[[0, 0.5, 1]], x_range=[0, 2], limits=[[0.9, "ceiling"]])
    >>> drawing.state()["limits"]
    [[0.9, 'ceiling']]
    """

    id = Synced("curve", str)
    question = Synced("Draw the curve that you expect.", str)
    explanation = Synced("", str)
    x = Synced([0.0, 1.0], numbers("x"))
    curves = Synced([[0.0, 1.0]], numbers("seed x"))
    x_range = Synced([0.0, 1.0], numbers("2"))
    y_range = Synced([0.0, 1.0], numbers("2"))
    x_label = Synced("step", str)
    y_label = Synced("value", str)
    limits = Synced([], Each(Each(Number() | str, 2), 0))


class SoftLookup(Explorable, draws="soft-lookup"):
    """A soft lookup in the plane (chapter 1): a query, some keys and as many values, each a pair of numbers.

    The gradient is that of half the squared distance between what is returned and ``target``. The query is as long as
    in a head ``d_head`` wide; towards temperature 0 the lookup becomes hard.

    >>> SoftLookup(temperature=0.0)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: temperature: got 0.0; allowed is a number above 0. Choose a value in this range.
    """

    q = Synced([1.1, 0.75], numbers("2"))
    k = Synced([[1.5, -0.35], [1.15, 1.25], [-0.4, 1.4], [-1.6, 0.1], [-0.3, -1.3]], numbers("key 2"))
    v = Synced([[1.7, 0.5], [0.4, 1.35], [-1.4, 1.0], [-1.3, -1.0], [0.9, -1.2]], numbers("key 2"))
    target = Synced([1.5, -0.5], numbers("2"))
    temperature = Synced(1.0, Number(above=0))
    d_head = Synced(64, Whole(1, 1024))
    scaled = Synced(True, bool)  # whether the scores are divided by the root of d_head


class LossWalk(Explorable, draws="loss-walk"):
    """The exact loss of a head with two numbers (chapter 3), and descent on it from any start.

    It is that of :mod:`transformer_lab.byhand.small_head` for distinct letters. ``order`` says which of the two is
    trained first, for ``phase`` steps, while the other waits.
    """

    look = Synced(1.0, Number(-6, 6))
    write = Synced(-1.0, Number(-9, 12))
    order = Synced("look", Names(("joint", "write", "look")))
    phase = Synced(20, Whole(1, 400))
    rate = Synced(2.0, Number(0.01, 10))
    step = Synced(120, Whole(0, 400))


class PhaseScrubber(Explorable, draws="phase-scrubber"):
    """The heads of :mod:`chapters.ch03.study`, trained on the page from the same random numbers.

    One of the 50 seeds is followed; ``example`` is the pattern whose attention and answer are shown at ``step``. With
    ``used`` other than "both", the matrix that does not "look" or "write" is put back to what it was at first.
    """

    data = shipped_bytes("phases")
    seed = Synced(7, Whole(0, 49))
    order = Synced("write-first", Names(("joint", "write-first", "look-first")))
    positions = Synced("one_hot", Names(("one_hot", "none")))
    step = Synced(80, Whole(0, 500))
    example = Synced(0, Whole(0, 5))
    used = Synced("both", Names(("both", "look", "write")))


class Positions(Explorable, draws="positions"):
    """Positions as a bank of waves and as clock hands (chapter 4), and what a dot product makes of two among 64.

    The query stands at ``position``, the key ``offset`` behind it (negative: before it; beyond an end, at the end);
    ``turned`` turns the query by the offset first.
    """

    d_model = Synced(8, OneOf((4, 8, 16)))
    base = Synced(10000.0, OneOf((10.0, 100.0, 10000.0)))
    position = Synced(12, Whole(0, 63))
    offset = Synced(7, Whole(-63, 63))
    turned = Synced(False, bool)


class BlockTrace(WithModel, Explorable, draws="block-trace"):
    """One expression through all stages of the full model of :mod:`chapters.ch05.study`, and back.

    The stages go from 0 (tokens become rows) to 16 (the answer), the loss (17), and the gradients at the same stages
    from 18 (the answer) back to 34 (tokens). The loss is that of the right answer, or of a digit, ``target``.
    """

    data = shipped_bytes("block-trace")
    question = Synced(0, Whole(0, 7))
    stage = Synced(3, Whole(0, 34))
    target = Synced("answer", Names(("answer", *"0123456789")))
