"""Code in colour: an element for each word that the style draws in its own way, and none for all the others.

Pygments gives every name, sign and space an element of its own, half of what a page's code has.
"""

from __future__ import annotations

from pygments.formatters import HtmlFormatter
from pygments.token import Comment, Generic, Keyword, Name, Operator, String
from sphinx.highlighting import PygmentsBridge

__all__ = ["install"]

#: What ``style/cells.css`` draws in its own way, each with all that is below it.
DRAWN = (Comment, Keyword, String, Operator.Word, Name.Function, Name.Class, Name.Decorator,
         Name.Exception, Generic.Prompt, Generic.Output, Generic.Error, Generic.Traceback)


class Formatter(HtmlFormatter):
    """Pygments' own, for which a kind of word that nothing draws has no class, and so no element."""

    def _get_css_classes(self, ttype) -> str:
        return super()._get_css_classes(ttype) if any(ttype in kind for kind in DRAWN) else ""


def install() -> None:
    """Sphinx's highlighter uses it from now on."""
    PygmentsBridge.html_formatter = Formatter
