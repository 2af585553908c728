"""The one table of colours, marks and fonts (``theme.json``), for Python, CSS and JavaScript.

Whoever changes a colour changes it there, once. In a style sheet a colour is
``var(--lab-query)``; the same name is the key here.

>>> color("query")
'#26528c'
>>> color("query", "dark")
'#95b6f8'
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from .rules import Choice

__all__ = ["color", "css_variables", "theme"]

# The built site marks the theme on <html>; JupyterLab marks it on <body>.
DARK = 'html[data-theme="dark"], body[data-jp-theme-light="false"]'


@cache
def theme() -> dict:
    """The whole table: ``light``, ``dark``, ``marks`` and ``fonts``."""
    return json.loads((Path(__file__).parent / "theme.json").read_text("utf-8"))


def color(name: str, mode: str = "light") -> str:
    """The hex colour of a name in one of the two themes."""
    colors = theme()[Choice(["light", "dark"])("mode", mode)]
    return colors[Choice(colors)("name", name)]


def css_variables() -> str:
    """A style sheet that sets ``--lab-NAME`` for every colour and font, in both themes."""
    fonts = {"text": "Georgia, serif", "interface": "system-ui, sans-serif", "code": "ui-monospace, monospace"}
    families = [f'--lab-font-{use}: "{name}", {fonts[use]};' for use, name in theme()["fonts"].items()]
    return (":root {" + " ".join(families) + " " + _declared("light") + "}\n"
            + DARK + " {" + _declared("dark") + "}\n")


def _declared(mode: str) -> str:
    return " ".join(f"--lab-{name}: {value};" for name, value in theme()[mode].items())
