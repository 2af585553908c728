"""Vectors written out in lines of cells."""

from __future__ import annotations

import numpy as np

from ..checks import check_choice, check_type, check_whole
from .figure import Figure
from .labelled import by_title, listed, numbers, span, told
from .layout import laid_out
from .style import label, strip
from .style import panel as empty

__all__ = ["strips"]


def strips(vectors: dict, names, *, kind: str = "signed", wrap: int = 5, digits: int = 2, alt: str = "") -> Figure:
    """Vectors, each written as lines of ``wrap`` cells; with the period as ``wrap``, what repeats stands in a column.

    Parameters
    ----------
    vectors : dict of array (n,)
        By title.
    names : str or sequence of str
        A letter, or a word, for each entry.
    kind : {"signed", "amount"}
    wrap : int
        Cells in a line.
    digits : int
        Decimals of the written numbers.

    Examples
    --------
    >>> strips({"p": [0.25, 0.75]}, "AB", kind="amount").alt
    'p: 2 cells in lines of 5, from 0.25 to 0.75, the largest for B, number 2.'
    """
    given = by_title("vectors", check_type("vectors", vectors, dict))
    n = np.size(next(iter(given.values())))
    names, wrap = listed("names", names, n), check_whole("wrap", wrap, low=1)
    drawn = {title: numbers(title or "vectors", values, (n,)) for title, values in given.items()}
    check_whole("digits", digits, low=0, high=15), check_choice("kind", kind, ["signed", "amount"])

    def drawer(title):
        def draw(width):
            drawing, axes = empty(min(width, 62 * wrap + 20), 30 + 36 * -(-n // wrap))
            strip(axes, drawn[title], kind, names=names, wrap=min(wrap, n), digits=digits)
            label(axes, title)
            return drawing
        return draw

    said = [f"{title}: {n} cells in lines of {wrap}, from {span(values)}, the largest for {names[values.argmax()]}, "
            f"number {values.argmax() + 1}" for title, values in drawn.items()]
    return laid_out([drawer(title) for title in drawn], told(alt, *said))
