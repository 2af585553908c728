"""Positions by code (chapter 14): pairs that turn, and losses in windows longer than those of training."""

from __future__ import annotations

import numpy as np

from ..rules import Choice as Names
from ..rules import Whole
from .base import Explorable, OneOf, Synced, shipped_bytes
from .page_data import shipped_data

__all__ = ["RotaryTurns"]

CODES = ("none", "learned", "sinusoidal", "rotary", "alibi", "relative")
WAYS = ("plain", "near", "last", "again", "squeezed")
GROUP = 4


class RotaryTurns(Explorable, draws="rotary-turns"):
    """Two views. "turn": a ``query`` and a ``key``, 16 numbers each, whose pairs are turned by their places, or to
    which sinusoidal rows are added (``how``); places that are turned are divided by ``squeeze`` first. "length": what
    models that were trained on windows of 32 characters lose in windows of a ``length``, a multiple of four, with every
    code, and with one ``code`` changed in a ``way``.

    >>> lab = RotaryTurns(query=50, key=10, squeeze=4)
    >>> round(lab.score, 4) == round(RotaryTurns(query=110, key=70, squeeze=4).score, 4)
    True
    >>> RotaryTurns(view="length", code="rotary").mean > RotaryTurns(view="length", code="rotary", length=32).mean
    np.True_
    """

    data = shipped_bytes("rotary-turns")
    view = Synced("turn", Names(("turn", "length")))
    query = Synced(40, Whole(0, 127))
    key = Synced(33, Whole(0, 127))
    how = Synced("turned", Names(("turned", "added")))
    squeeze = Synced(1, OneOf((1, 2, 4)))
    length = Synced(128, Whole(32, 128))
    code = Synced("rotary", Names(CODES))
    way = Synced("plain", Names(WAYS))

    @property
    def score(self) -> float:
        """What the query scores against the key."""
        from ..byhand.positions import frequencies, sinusoids

        key = min(self.key, self.query)
        if self.how == "turned":
            return float(np.cos(frequencies(16) * (self.query - key) / self.squeeze).sum())
        rows = np.tile([1.0, 0.0], 8) + sinusoids(128, 16)
        return float(rows[self.query] @ rows[key])

    @property
    def mean(self) -> np.floating:
        """What the code loses in windows of the length, nats a character, in the way that it is changed."""
        arrays, at = shipped_data("rotary-turns")[1], CODES.index(self.code)
        curve = arrays["plain"][at] if self.way == "plain" else arrays["changed"][WAYS.index(self.way), at]
        return curve[:round(self.length / GROUP)].mean(dtype=float)
