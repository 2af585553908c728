"""A figure as a file: its panels on one sheet, in the colours of the light theme, as SVG, PDF or PNG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_pdf import Op
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from ..errors import UnknownNameError
from ..places import written_whole
from ..theme import color
from .style import HOUSE
from .svg import CELLS

#: How each kind is written: vectors without a background; a picture of points twice as fine as a page, on paper.
KINDS = {"svg": {"metadata": {"Date": None, "Creator": None}, "transparent": True},
         "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}, "transparent": True},
         "png": {"metadata": {"Software": None}, "dpi": 144, "facecolor": color("page")}}
GAP = 14  # px between two panels


def save(panels: Sequence[Drawing], path: Path, widest: float, across: float | None = None) -> None:
    """Write the panels to a file of the kind that its ending names, ``across`` mm wide at most: whole or not at all."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise UnknownNameError("path", repr(path.name), "a name that ends in .svg, .pdf or .png",
                               f"Pass {path.stem + '.svg'!r}.")
    with written_whole(path) as half, matplotlib.rc_context(HOUSE):
        Sheet(panels, widest, across).savefig(half, format=kind, **KINDS[kind])


class Sheet(Drawing):
    """Several drawings as one: it draws each of them in its place, on whatever it is drawn on itself.

    A sheet that has to be narrower is drawn as it is and made smaller as a whole, its type and lines with it.
    """

    def __init__(self, panels: Sequence[Drawing], widest: float, across: float | None = None):
        sizes = [panel.bbox_inches.size for panel in panels]
        places, width, height = placed([size * 72 for size in sizes], widest)
        self.scale = min(1.0, across / 25.4 * 72 / width) if across else 1.0
        super().__init__(figsize=(width / 72 * self.scale, height / 72 * self.scale), layout="none")
        self.panels, self.whole = panels, height
        for panel, (left, top), (across, down) in zip(panels, places, sizes, strict=True):
            expand_cells(panel)
            panel.set_layout_engine("none")      # it was laid out when the figure was made
            foot = (height - top) / 72 - down
            panel.bbox_inches.set_points(np.array([[left / 72, foot], [left / 72 + across, foot + down]]))

    def draw(self, renderer) -> None:
        super().draw(renderer)
        with shrunk(renderer, self.scale, self.whole):
            for panel in self.panels:
                panel.dpi = self.dpi
                panel.patch.set_visible(False)
                panel.draw(renderer)


@contextmanager
def shrunk(renderer, scale: float, height: float):
    """All that is drawn meanwhile is smaller by the scale, in SVG and PDF; ``height`` is that of the sheet before."""
    inner = getattr(renderer, "_renderer", renderer)
    if scale == 1.0 or not (hasattr(inner, "writer") or hasattr(inner, "file")):
        yield
    elif hasattr(inner, "writer"):
        inner.height, small = height, inner.height
        inner.writer.start("g", transform=f"scale({scale:.6g})")
        yield
        inner.writer.end("g")
        inner.height = small
    else:
        inner.file.output(scale, 0, 0, scale, 0, 0, Op.concat_matrix)
        yield


def placed(sizes, widest: float) -> tuple[list[tuple[float, float]], float, float]:
    """Where the left upper corner of each panel stands when lines are filled one after the other, and the sheet's size.

    >>> placed([(280, 200), (280, 240), (500, 100)], 868)
    ([(0.0, 0.0), (294.0, 0.0), (0.0, 254.0)], 574.0, 354.0)
    """
    places, left, top, line, right = [], 0.0, 0.0, 0.0, 0.0
    for width, height in sizes:
        if left and left + width > widest:
            left, top, line = 0.0, top + line + GAP, 0.0
        places.append((left, top))
        right, line = max(right, left + width), max(line, height)
        left += width + GAP
    return places, float(right), float(top + line)


def expand_cells(panel: Drawing) -> None:
    """Replace each patch that stands for many cells by the cells themselves."""
    for axes in panel.axes:
        for box in [patch for patch in axes.patches if str(patch.get_gid()).startswith(CELLS)]:
            box.remove()
            _, _, _, thickness, strokes = box.get_gid().split(" ", 4)
            cells = PathPatch(_rectangles(strokes, float(thickness)), facecolor=box.get_facecolor(), linewidth=0,
                              clip_on=False, antialiased=False, zorder=box.get_zorder())
            axes.add_patch(cells)


def _rectangles(strokes: str, thickness: float) -> Outline:
    """The strokes ``M0 .5h2m1 0h1``, in units of a cell, as rectangles about the centres of the cells."""
    x = y = 0.0
    corners = []
    for command, text in re.findall(r"([Mmh])([^Mmh]*)", strokes):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", text)]
        if command == "h":
            low, high, end = y - thickness / 2, y + thickness / 2, x + numbers[0]
            corners += [(x, low), (end, low), (end, high), (x, high), (x, low)]
            x = end
        else:
            x, y = numbers if command == "M" else (x + numbers[0], y + numbers[1])
    codes = [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY] * (len(corners) // 5)
    return Outline(np.array(corners) - 0.5, codes)
