"""Positions: a code as a bank of waves and as clock hands, and what a dot product makes of two of them."""

from __future__ import annotations

from traitlets import Bool, Float, Int

from .base import Explorable

__all__ = ["Positions"]


class Positions(Explorable, draws="positions"):
    """Two places among 64: their sinusoidal codes as hands, and the dot product of the first with every place.

    Parameters
    ----------
    d_model : int
        Width of a code: 4, 8 or 16.
    base : float
        10, 100 or 10000.
    position, offset : int
        Where the query stands, and how far behind it (negative: before it) the key does.
    turned : bool
        Whether the query is turned by the offset first.
    """

    d_model = Int(8).tag(sync=True)
    base = Float(10000.0).tag(sync=True)
    position = Int(12, min=0, max=63).tag(sync=True)
    offset = Int(7).tag(sync=True)
    turned = Bool(False).tag(sync=True)
