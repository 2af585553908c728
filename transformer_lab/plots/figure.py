"""Figure: a drawing as inline SVG that follows the page's theme and says in words what it shows."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure as Drawing

from ..errors import DtypeError, EmptyError
from .style import HOUSE
from .svg import inline

__all__ = ["Figure"]


class Figure:
    """What a plotting function returns: it shows itself in a notebook and in the built book.

    Parameters
    ----------
    panels : matplotlib.figure.Figure, or several
        The drawings. Several stand side by side where there is room and wrap where there is
        none, so that each can be drawn at the width of a phone (:func:`.style.panel`).
    alt : str
        What the figure shows, for readers who do not see it: a full sentence or more.

    Examples
    --------
    >>> from transformer_lab.plots.style import panel
    >>> drawing, axes = panel(320, 120)
    >>> line, = axes.plot([0, 1, 2], [0, 1, 4])
    >>> Figure(drawing, "A line that rises ever faster.")
    Figure: A line that rises ever faster.
    """

    def __init__(self, panels: Drawing | Sequence[Drawing], alt: str):
        drawings = [panels] if isinstance(panels, Drawing) else list(panels)
        if not drawings or not all(isinstance(drawing, Drawing) for drawing in drawings):
            raise DtypeError("panels", repr(panels)[:60], "a matplotlib Figure, or several",
                             "Make one with style.panel().")
        if not isinstance(alt, str) or len(alt.split()) < 4:
            raise EmptyError("alt", repr(alt), "a sentence", "Say what the figure shows.")
        self.alt = alt
        self.svgs = [inline(_saved(drawing)) for drawing in drawings]

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"

    def _repr_html_(self) -> str:
        boxes = "".join(f'<div style="flex:0 1 {_width(svg)}px;min-width:0">{svg}</div>' for svg in self.svgs)
        row = f'<div style="display:flex;flex-wrap:wrap;gap:1rem 1.25rem;justify-content:center">{boxes}</div>'
        return (f'<figure class="lab-fig" role="img" aria-label="{html.escape(self.alt)}" style="margin:0;'
                f'color:var(--lab-ink,#1c1e21);background:var(--lab-page,#fdfcf9)">{row}</figure>')


def _saved(drawing: Drawing) -> str:
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context(HOUSE):
        drawing.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return buffer.getvalue()


def _width(svg: str) -> str:
    return re.search(r'viewBox="0 0 ([\d.]+)', svg)[1]
