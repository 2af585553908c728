"""What every explorable shares: a state that keeps rules, the module that draws it, the page without a kernel."""

from __future__ import annotations

from dataclasses import dataclass

import anywidget
import numpy as np
from traitlets import Any, Bytes

from ..config import ModelConfig
from ..errors import MissingExtraError, RangeError
from ..rules import Array, Rule, Wholes, rule_of
from ..theme import css_variables
from .bundle import bundle, css, picture_css, static_html
from .page_data import page_model, shipped

__all__ = ["Explorable", "OneOf", "Synced", "WithModel"]

#: A still picture in a notebook has no style sheet but its own. The built page takes this off (``lab_site.set_links``).
ASLEEP = """<div class="lab-notebook"><style>{css}
.lab-notebook p {{ color: var(--lab-soft); font: italic 400 0.9rem/1.45 var(--lab-font-interface); }}</style>
<p>This is a still picture. Run the cell (Shift+Enter), and it can be moved.</p></div>"""


@dataclass(frozen=True, repr=False)
class OneOf(Rule):
    """One of a few numbers, in the form that the table has it."""

    numbers: tuple

    def check(self, argument, value, sizes, given):
        found = rule_of(type(self.numbers[0])).check(argument, value, sizes, given)
        if found not in self.numbers:
            allowed = "one of " + ", ".join(map(str, self.numbers))
            raise RangeError(argument, str(value), allowed, "Choose one of these.")
        return self.numbers[self.numbers.index(found)]


def numbers(axes: str) -> Rule:
    """Lists of finite numbers, nested as the axes say: ``numbers("key 2")``."""
    return Array(axes) | Wholes(axes)


class Synced(Any):
    """A part of the state that page and Python share, first ``default``, and what it may be, in the words of
    :mod:`transformer_lab.rules`: ``rate = Synced(2.0, Number(0.01, 10))``.
    """

    allow_none = False

    def __init__(self, default, rule):
        self.rule = rule_of(rule)
        super().__init__(default)
        self.tag(sync=True)

    def validate(self, obj, value):
        return plain(self.rule(self.name, value))


def plain(value):
    """As JSON has it: lists for arrays (of floats) and tuples."""
    if isinstance(value, np.ndarray):
        return value.astype(float).tolist()
    return [plain(entry) for entry in value] if isinstance(value, tuple) else value


class WithModel:
    """What an explorable has whose ``data`` holds the model that it shows, by the name that ``shown`` gives."""

    shown = "model"

    @property
    def config(self) -> ModelConfig:
        """The configuration of the model as shown."""
        return page_model(self.data, self.shown)[1]

    @property
    def params(self) -> dict[str, np.ndarray]:
        """Its parameters, rounded as on the page."""
        return page_model(self.data, self.shown)[0]


def shipped_bytes(name: str) -> Bytes:
    """A trait that holds ``js/data/NAME.bin``, for JupyterLab; the built page loads the same bytes by itself."""
    return Bytes(shipped(name), read_only=True).tag(sync=True)


class Explorable(anywidget.AnyWidget):
    """An explorable: ``class X(Explorable, draws="NAME")`` with a :class:`Synced` trait for each key of ``defaults`` in
    js/NAME.js, and ``data = shipped_bytes("FILE")`` where that file says ``data: "FILE"``.

    In JupyterLab it is a live widget: what the reader does reaches the traits, and assigning a trait moves the picture.
    On the built page the same file runs without a kernel, from the state that the traits had when the chapter was
    executed.

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
        return {name: getattr(self, name) for name, trait in sorted(self.traits().items()) if isinstance(trait, Synced)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self._page()}, metadata

    def _page(self) -> str:
        try:
            return ASLEEP.format(css=css_variables() + picture_css()) + static_html(self._draws, self.state())
        except MissingExtraError as error:
            return f"<p>{self!r}: {error}</p>"
