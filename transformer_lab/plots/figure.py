"""Figure: a drawing as inline SVG that follows the page's theme and says in words what it shows."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text

from ..errors import DtypeError, EmptyError
from ..rules import Each, Number
from ..signatures import checked
from ..wording import written
from .labelled import told
from .save import save
from .style import HOUSE
from .svg import inline, plain

__all__ = ["Figure", "laid_out"]

COLUMN, GAP = 868, 14  # px: the widest row, and between two panels
WIDTHS = {1: 560, 2: 288, 4: 288}  # px, by the number of panels; 280 for all others: two stand side by side in the text
PHONE = 340


class Figure:
    """What a plotting function returns: it shows itself in a notebook and in the built book.

    ``panels`` stand side by side where there is room and wrap where there is none; ``narrow`` are the same for a phone,
    shown where ``panels`` do not fit, so that type is never shrunk. ``alt`` says what is drawn, for readers who do not
    see it. Figures add up: the panels of the second stand after those of the first.

    >>> from transformer_lab.plots.style import empty
    >>> drawing, axes = empty(320, 120)
    >>> line, = axes.plot([0, 1, 2], [0, 1, 4])
    >>> Figure(drawing, "A line that rises ever faster.")
    Figure: A line that rises ever faster.
    """

    def __init__(self, panels: Drawing | Sequence[Drawing], alt: str, narrow: Sequence[Drawing] | None = None):
        if not isinstance(alt, str) or len(alt.split()) < 4:
            raise EmptyError("alt", written(alt), "a sentence", "Say what is drawn.")
        self.alt = plain(alt)
        self.rows = [(_inlined("panels", panels), [] if narrow is None else _inlined("narrow", narrow))]
        self.panels = [panels] if isinstance(panels, Drawing) else list(panels)

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"

    def __add__(self, other: Figure) -> Figure:
        """Both as one figure, the panels of ``other`` after one's own."""
        both = Figure.__new__(Figure)
        both.alt = f"{self.alt} {other.alt}"
        both.rows = [*self.rows, *other.rows]
        both.panels = [*self.panels, *other.panels]
        return both

    @checked
    def save(self, path: str | Path, width: Number(20, 2000) | None = None) -> None:
        """Write the figure to a file, in the colours of the light theme; the ending says which kind: svg, pdf or png.
        An SVG or PDF that would be wider than ``width``, in mm, is made smaller as a whole: two columns of a journal
        are often 183 mm.

        >>> import tempfile
        >>> from transformer_lab.plots import lines
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     lines({"a": [0.0, 1.0]}).save(f"{folder}/line.pdf")
        ...     sorted(path.name for path in Path(folder).iterdir())
        ['line.pdf']
        """
        save(self.panels, Path(path), COLUMN, width)

    @property
    def svgs(self) -> list[str]:
        """The drawings for a wide page."""
        return [svg for wide, _ in self.rows for svg in wide]

    def _repr_html_(self) -> str:
        drawn = "".join(_either(wide, narrow) if narrow else _row(wide) for wide, narrow in self.rows)
        return (f'<figure class="lab-fig" role="img" aria-label="{html.escape(self.alt)}" style="margin:0;'
                f'color:var(--lab-ink,#1c1e21);background:var(--lab-page,#fdfcf9)">{drawn}</figure>')


def _row(svgs: list[str], width: str = "") -> str:
    below = ";margin-bottom:min(1rem,100%)" if width else ""  # nothing, where the row has no width
    boxes = "".join(f'<div style="flex:0 1 {_width(svg)}px;min-width:0{below}">{svg}</div>' for svg in svgs)
    gap = f"{'0' if width else '1rem'} {GAP}px"
    how = f"display:flex;flex-wrap:wrap;gap:{gap};justify-content:center;line-height:0{width}"
    return f'<div style="{how}">{boxes}</div>'


def _either(wide: list[str], narrow: list[str]) -> str:
    """Both drawings; the one that does not suit the room there is gets no width. No style sheet is needed for it."""
    needed = min(COLUMN, sum(float(_width(svg)) for svg in wide) + GAP * (len(wide) - 1)) - 1
    return (_row(wide, f";overflow:hidden;width:clamp(0px,(100% - {needed:g}px)*9999,100%)")
            + _row(narrow, f";overflow:hidden;width:clamp(0px,({needed:g}px - 100%)*9999,100%)"))


def _inlined(argument: str, panels) -> list[str]:
    drawings = [panels] if isinstance(panels, Drawing) else panels if isinstance(panels, list | tuple) else []
    if not drawings or not all(isinstance(drawing, Drawing) for drawing in drawings):
        raise DtypeError(argument, written(panels), "a matplotlib Figure, or several", "Make one with style.empty().")
    return [inline(_saved(drawing)) for drawing in drawings]


def _saved(drawing: Drawing) -> str:
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    for text in drawing.findobj(Text):
        text.set_text(plain(text.get_text()))
    with matplotlib.rc_context(HOUSE):
        drawing.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return buffer.getvalue()


def _width(svg: str) -> str:
    return re.search(r'viewBox="0 0 ([\d.]+)', svg)[1]


@checked
def laid_out(titles: Iterable, draw: Callable, said: Each(str, low=0), width: Number(low=50) | None = None) -> Figure:
    """Each panel drawn for its place by ``draw(title, width)``, and once more for a phone where it is wider than one;
    ``said`` are the sentences of the alternative text.

    >>> from transformer_lab.plots.style import empty
    >>> laid_out(["left", "right"], lambda title, width: empty(width, 90)[0], ["Two panels with nothing in them"])
    Figure: Two panels with nothing in them.
    """
    titles = list(titles)
    width = width or WIDTHS.get(len(titles), 280)
    narrow = [draw(title, PHONE) for title in titles] if width > PHONE else None
    return Figure([draw(title, width) for title in titles], told(*said), narrow)
