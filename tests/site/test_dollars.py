"""A price is no formula: what the book's own settings make of dollars."""

from pathlib import Path

import pytest
import yaml
from docutils.core import publish_doctree
from docutils.nodes import math
from myst_parser.docutils_ import Parser

SETTINGS = yaml.safe_load((Path(__file__).parents[2] / "_config.yml").read_text("utf-8"))["sphinx"]["config"]


@pytest.mark.parametrize(("text", "formulas"), [("It costs $5 or $6.", []), ("Of $30 and $4.50 the first", []),
                                                ("A width of $d$ and $2^n$ keys", ["d", "2^n"])])
def test_a_price_stays_text(text, formulas):
    settings = {name: value for name, value in SETTINGS.items() if name.startswith("myst_")}
    settings["myst_enable_extensions"] = ["dollarmath"]
    tree = publish_doctree(text, parser=Parser(), settings_overrides=settings)
    assert [node.astext() for node in tree.findall(math)] == formulas
    assert formulas or tree.astext() == text
