"""Explorables: pictures that the reader moves, in JupyterLab and on the built page alike.

>>> from transformer_lab.widgets import Choice
>>> Choice(id="doc", question="Is it?", answers=["yes", "no"])
Choice()
"""

from importlib import import_module

from ..errors import installed
from .bundle import names

#: ``js/soft-lookup.js`` draws ``SoftLookup``. A class is loaded when it is first asked for, so that building the pages
#: needs no anywidget.
__all__ = sorted(["Explorable", *(name.title().replace("-", "") for name in names())])


def __getattr__(name: str):
    if name in __all__:
        installed("anywidget", "The explorables")
        return getattr(import_module(".explorables", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
