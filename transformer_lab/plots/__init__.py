"""A few general figures from labelled arrays; each returns a :class:`.figure.Figure`. Nothing is computed here.

======== ==================================================================================================
curves   runs over an axis: seeds thin, the median strong, a band; bounds, shaded stretches, log axes, panels
lines    a few exact lines, with intervals and laws
dots     a row an arm, every seed a dot; series with their marks; what chance gives above
bars     a bar an entry, with its number; each run a tick
cells    matrices: amounts or signed, names on both axes, numbers written where there are few
film     one matrix at several steps, on one scale
strips   vectors written out in lines of cells
plane    points, vectors, walks and heights over two quantities
======== ==================================================================================================
"""

from .bars import bars
from .cells import cells, film
from .curves import curves, lines
from .dots import dots
from .figure import Figure
from .plane import plane
from .strips import strips

__all__ = ["Figure", "bars", "cells", "curves", "dots", "film", "lines", "plane", "strips"]
