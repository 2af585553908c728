"""A soft lookup in the plane: a query among keys, the values, and the gradient that reaches each key."""

from __future__ import annotations

from traitlets import Bool, Float, Int, List, validate

from ..checks import check_array, check_number
from .base import Explorable

__all__ = ["SoftLookup"]


class SoftLookup(Explorable, draws="soft-lookup"):
    """A query, some keys and as many values in the plane, each a pair of numbers.

    Parameters
    ----------
    q, target : list of 2 numbers
        The query, and where the returned value should be (the gradient is that of half the squared distance).
    k, v : list of pairs
        The keys, and as many values.
    temperature : float
        Above 0; towards 0 the lookup becomes hard.
    d_head : int
        Width of the head: 1 to 1024. The query is as long as in a head this wide.
    scaled : bool
        Whether the scores are divided by the root of ``d_head``.

    Examples
    --------
    >>> SoftLookup(d_head=1024, scaled=False).state()["d_head"]
    1024
    >>> SoftLookup(temperature=0.0)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.RangeError: temperature: got 0.0; allowed is a number above 0. Choose a value in this range.
    """

    q = List(Float(), [1.1, 0.75]).tag(sync=True)
    k = List(List(Float()), [[1.5, -0.35], [1.15, 1.25], [-0.4, 1.4], [-1.6, 0.1], [-0.3, -1.3]]).tag(sync=True)
    v = List(List(Float()), [[1.7, 0.5], [0.4, 1.35], [-1.4, 1.0], [-1.3, -1.0], [0.9, -1.2]]).tag(sync=True)
    target = List(Float(), [1.5, -0.5]).tag(sync=True)
    temperature = Float(1.0).tag(sync=True)
    d_head = Int(64, min=1, max=1024).tag(sync=True)
    scaled = Bool(True).tag(sync=True)

    @validate("q", "k", "v", "target")
    def _in_the_plane(self, proposal):
        shape = (2,) if proposal["trait"].name in ("q", "target") else ("key", 2)
        return check_array(proposal["trait"].name, proposal["value"], shape=shape).tolist()

    @validate("temperature")
    def _above_zero(self, proposal):
        return check_number("temperature", proposal["value"], above=0)
