"""Mathematics becomes HTML while the book is built: KaTeX, in one Node process that lives as long as the build.

The page then needs no script for its mathematics, nothing moves after it has loaded, and a
formula that KaTeX cannot read is a warning with its place in the source, which fails a strict build.
"""

from __future__ import annotations

import atexit
import html
import json
import subprocess
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from transformer_lab.errors import DataError, LabError
from transformer_lab.widgets.bundle import node_binary

from .roles import marks

__all__ = ["FormulaError", "render", "visit_block", "visit_inline"]

MODULES = Path(__file__).resolve().parents[3] / "node_modules"
log = logging.getLogger(__name__)


class FormulaError(LabError):
    """KaTeX cannot read a formula."""


@cache
def _process() -> subprocess.Popen:
    katex = MODULES / "katex" / "dist" / "katex.min.js"
    if not katex.exists():
        raise DataError("KaTeX is not installed: run `npm ci`, or `make book`, which does it.")
    process = subprocess.Popen([node_binary(), Path(__file__).with_name("katex.cjs"), katex], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, encoding="utf-8")
    atexit.register(_stop, process)
    return process


def _stop(process: subprocess.Popen) -> None:
    process.stdin.close()
    process.wait()
    process.stdout.close()


@cache
def render(tex: str, display: bool = False) -> str:
    """The HTML of a formula, with MathML beside it for screen readers; KaTeX says itself what it cannot read.

    >>> render("x")
    '<span class="katex">x</span>'
    """
    process = _process()
    process.stdin.write(json.dumps({"tex": tex, "display": display, "marks": marks(tex) if display else {}}) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if "error" in answer:
        raise FormulaError(answer["error"])
    return answer["html"]


def _rendered(node: nodes.Element, display: bool) -> str:
    try:
        return render(node.astext(), display)
    except FormulaError as error:
        log.warning("%s", error, location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def visit_inline(self, node: nodes.math) -> None:
    """A formula within a line."""
    self.body.append(_rendered(node, False))
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    """A formula of its own: numbered if it has a label, and scrollable where it is too wide (``book.js``)."""
    number = get_node_equation_number(self, node) if node.get("number") else ""
    anchor = f' id="{node["ids"][0]}"' if node["ids"] else ""
    name = f"Equation {number}" if number else "Equation"
    formula = _rendered(node, True)
    self.body.append(f'<div class="math-block"{anchor}><div class="math-scroll" role="group" '
                     f'aria-label="{name}">{formula}</div>')
    if number:
        self.body.append(f'<span class="eqno">({number})</span>')
    self.body.append("</div>")
    raise nodes.SkipNode
