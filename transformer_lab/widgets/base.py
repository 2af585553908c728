"""What every explorable shares: the module that draws it, its style sheet, and what a page without a kernel shows; and
the traits that check what they are given.
"""

from __future__ import annotations

import anywidget
from traitlets import Bytes, Float, Int, Unicode

from ..checks import check_choice, check_number, check_whole
from ..errors import MissingExtraError
from ..theme import css_variables
from .bundle import bundle, css, static_html
from .page_data import shipped_file

__all__ = ["Explorable", "Number", "OneOf", "Whole", "shipped_bytes"]


class Whole(Int):
    """A synced whole number from ``low``, to ``high`` where there is one: ``stage = Whole(3, high=16)``."""

    def __init__(self, default: int, *, low: int = 0, high: int | None = None):
        self.low, self.high = low, high
        super().__init__(default)
        self.tag(sync=True)

    def validate(self, obj, value):
        """The number, or an error that says what is allowed."""
        return check_whole(self.name, value, low=self.low, high=self.high)


class Number(Float):
    """A synced number from ``low`` to ``high``: ``rate = Number(2.0, low=0.01, high=10)``."""

    def __init__(self, default: float, *, low: float, high: float):
        self.low, self.high = low, high
        super().__init__(default)
        self.tag(sync=True)

    def validate(self, obj, value):
        """The number, or an error that says what is allowed."""
        return check_number(self.name, value, low=self.low, high=self.high)


class OneOf(Unicode):
    """A synced name, one of a few: ``operation = OneOf("Max", "Min")``; the first is the default unless another is."""

    def __init__(self, *allowed: str, default: str | None = None):
        self.allowed = allowed
        super().__init__(default or allowed[0])
        self.tag(sync=True)

    def validate(self, obj, value):
        """The name, or an error with the nearest that is allowed."""
        return check_choice(self.name, value, self.allowed)


def shipped_bytes(name: str) -> Bytes:
    """A trait that holds ``js/data/NAME.bin``, for JupyterLab; the built page loads the same bytes by itself."""
    return Bytes(shipped_file(name).read_bytes(), read_only=True).tag(sync=True)


class Explorable(anywidget.AnyWidget):
    """An explorable: ``class X(Explorable, draws="NAME")``, and a synced trait for each key of the state in js/NAME.js
    (:class:`Whole`, :class:`Number`, :class:`OneOf`, or one of traitlets' own with ``.tag(sync=True)``).

    Where the page loads bytes of its own (``data: "FILE"`` in js/NAME.js), say ``data = shipped_bytes("FILE")``, too.

    In JupyterLab it is a live widget: what the reader does reaches the traits, and assigning
    a trait moves the picture. On the built page the same file runs without a kernel, from the
    state that the traits had when the chapter was executed.

    Examples
    --------
    >>> from transformer_lab.widgets import Choice
    >>> guess = Choice(id="doc", question="Which is larger?", answers=["e^pi", "pi^e"], right=0)
    >>> guess.state()["answers"]
    ['e^pi', 'pi^e']
    """

    def __init_subclass__(cls, draws: str | None = None, **kwargs):
        if draws:  # None where traitlets makes a class of its own behind an instance
            cls._draws, cls._esm, cls._css = draws, bundle(draws), css_variables() + css()
        super().__init_subclass__(**kwargs)

    def state(self) -> dict:
        """The synced traits by name: all that is needed to draw the explorable again."""
        own = set(self.trait_names(sync=True)) - set(Explorable.class_trait_names(sync=True)) - {"data"}
        return {key: getattr(self, key) for key in sorted(own) if not key.startswith("_")}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self._page()}, metadata

    def _page(self) -> str:
        try:
            return static_html(self._draws, self.state())
        except MissingExtraError as error:
            return f"<p>{self!r}: {error}</p>"
