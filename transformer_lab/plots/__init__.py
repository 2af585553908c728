"""A few general figures from labelled arrays; each returns a :class:`.figure.Figure`. Nothing is computed here.

======== ==================================================================================================
curves   runs over an axis: seeds thin, the median strong, a band; bounds, shaded stretches, log axes, panels
lines    a few exact lines, with intervals and laws
dots     a row an arm, every seed a dot; series with their marks; what chance gives above
bars     a bar an entry, with its number; each run a tick
cells    matrices: amounts or signed, names on both axes, numbers written where there are few
film     one matrix at several steps, on one scale
strips   vectors written out in lines of cells
plane    points, vectors, walks, moves, heights and regions over two quantities
======== ==================================================================================================

Beside them stands :func:`attention_heads`: where every head of a model looks, and one head with lines between tokens.

All others take an ``xarray.DataArray``, an array, or a dict of arrays: by name, or by title and name for several
panels. These arguments mean the same everywhere:

================ ==========================================================================================
panel            of a DataArray: the dimension whose entries become panels
x_label, y_label words with units; without them the data's own
x_range, y_range both ends of an axis; without them what holds all values, the same in all panels
bounds           ceilings, floors, chance: numbers (or, over an axis, arrays) by name, or by title and name
log              a logarithmic axis: "x", "y" or "xy" for curves; True for dots
accent           the line, row or series that the text is about; all others are ink and grey
alt              a sentence in front of the alternative text, which tells what is drawn
================ ==========================================================================================
"""

from ..errors import installed

installed("matplotlib", "The figures")

from .cells import cells, film, strips
from .curves import curves, lines
from .dots import bars, dots
from .figure import Figure
from .heads import attention_heads
from .plane import plane

__all__ = ["Figure", "attention_heads", "bars", "cells", "curves", "dots", "film", "lines", "plane", "strips"]
