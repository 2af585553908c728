"""What a page is made of: its contents list, its style sheets and scripts, its description, and its polished text."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes

import transformer_lab

from .download import is_clone
from .polish import polish

__all__ = ["TEMPLATES", "claim_ids", "compose", "describe", "version"]

TEMPLATES = Path(__file__).parent / "templates"


def compose(app, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    """Fill in what ``layout.html`` asks for; a page gets the style sheets and scripts that it uses, and no others."""
    context["body"] = polish(context.get("body", ""), pagename, claim_ids(app.srcdir))
    has_math, has_lab = 'class="katex' in context["body"], "lab-static" in context["body"]
    context["lab_styles"] = ["book.css"] + ["katex.css"] * has_math + ["labs/labs.css"] * has_lab
    context["lab_scripts"] = ["_static/book.js"] + ["_static/labs/host.js"] * has_lab
    context["lab_version"] = version()
    context["lab_contents"] = _contents(context, doctree)
    context["lab_description"] = describe(doctree) or app.config.project
    source = context.get("sourcename", "")
    is_notebook = source.endswith(".ipynb")
    context["lab_notebook"] = f"_sources/{source}" if is_notebook else ""
    context["lab_zip"] = f"_downloads/{Path(source).stem}.zip" if is_notebook and is_clone(Path(app.srcdir)) else ""


def describe(doctree: nodes.document | None) -> str:
    """The first paragraph of a page, cut to the length that a list of search results shows."""
    first = doctree.next_node(nodes.paragraph) if doctree else None
    words = " ".join(first.astext().split()) if first else ""
    return words if len(words) <= 160 else words[:157].rsplit(" ", 1)[0] + " …"


def claim_ids(source: str | Path) -> frozenset[str]:
    """The ids of all claims in the records, which is what the ledger page lists."""
    files = sorted((Path(source) / "data" / "claims").glob("*.json"))
    return frozenset(claim["id"] for file in files for claim in json.loads(file.read_text("utf-8")))


def _contents(context: dict, doctree: nodes.document | None) -> str:
    """The parts and their chapters; under the page that is open, its sections."""
    html = context["toctree"](maxdepth=1, collapse=True, includehidden=True, titles_only=True)
    html = html.replace('<p aria-level="2" class="caption" role="heading">', '<p class="caption">')
    return re.sub(r'<a class="current reference internal" href="#">(.*?)</a>',
                  lambda here: f'<a aria-current="page" href="#">{here[1]}</a>{_sections(doctree)}', html)


def _sections(doctree: nodes.document | None) -> str:
    title = doctree.next_node(nodes.section) if doctree else None
    inner = [node for node in title.children if isinstance(node, nodes.section)] if title else []
    links = (f'<li><a href="#{section["ids"][0]}">{escape(section[0].astext())}</a></li>' for section in inner)
    return f"<ul>{''.join(links)}</ul>" if inner else ""


@cache
def version() -> str:
    """A short hash of what every page is made from: when it changes, the pages are made anew and reloaded."""
    package = Path(transformer_lab.__file__).parent
    files = [*sorted(TEMPLATES.parent.rglob("*.*")), *sorted((package / "widgets").rglob("*.[jc]s*")),
             package / "theme.json", package / "names.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.suffix != ".pyc")).hexdigest()[:8]
