"""What the search knows: every section of every page as words, every term of the glossary, and other names for things.

It is one script beside the pages, so that searching works from a disk. Code, numbers that cells print and displayed
formulas are no words; what a reader looks for by another name stands in ``synonyms.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from .chapters import number_of

__all__ = ["connect", "entries", "finish", "words"]

SYNONYMS = Path(__file__).with_name("synonyms.json")
SILENT = (nodes.literal_block, nodes.doctest_block, nodes.raw, nodes.math_block, nodes.comment, nodes.image,
          nodes.target, nodes.citation_reference, nodes.footnote_reference)
LONGEST_FORMULA = 12    # letters; a longer formula in a sentence is no word that anyone looks for


def connect(app) -> None:
    """Take the place of Sphinx's own search."""
    app.connect("builder-inited", _replace)
    app.connect("html-collect-pages", lambda app: [("search", {"title": "Search"}, "search.html")])
    app.connect("build-finished", finish, priority=820)


def _replace(app) -> None:
    app.builder.search = False


def finish(app, exception) -> None:
    """Write what the search and the cards of terms read."""
    if exception is not None or app.builder.format != "html":
        return
    env, static = app.env, Path(app.outdir) / "_static"
    trees = {document: env.get_doctree(document) for document in sorted(env.found_docs)}
    pages = [_page(document, tree) for document, tree in trees.items()]
    found = [[page, *entry] for page, tree in enumerate(trees.values()) for entry in entries(tree)]
    synonyms = json.loads(SYNONYMS.read_text("utf-8"))
    _write(static / "search-data.js", "labSearch", {"pages": pages, "entries": found, "synonyms": synonyms})
    terms = {anchor: text for tree in trees.values() for anchor, _, text, kind in entries(tree) if kind == "term"}
    _write(static / "terms.js", "labTerms", terms)


def _write(file: Path, name: str, value) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("\u2028", " ").replace("\u2029", " ")
    file.write_text(f"window.{name} = {text};\n", "utf-8")


def _page(document: str, tree: nodes.document) -> list:
    title = tree.next_node(nodes.title)
    return [f"{document}.html", words(title) if title else document, number_of(document)]


def entries(tree: nodes.document) -> Iterator[tuple[str, str, str, str]]:
    """Each section and each term: where it is, what it is called, its words, and which of both it is."""
    for section in tree.findall(nodes.section):
        title, *rest = section.children
        if not isinstance(title, nodes.title):       # an exercise's content is of its section
            continue
        text = " ".join(filter(None, (words(node) for node in rest)))
        yield section["ids"][0], words(title), text, "section"
    for glossary in tree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            term = item.next_node(nodes.term)
            yield term["ids"][0], words(term), words(item.next_node(nodes.definition)), "term"


def words(node: nodes.Node) -> str:
    """The words of a node, without code, and without the sections and terms in it, which are found by themselves."""
    return " ".join("".join(_words(node)).split())


def _words(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Text):
        yield node.astext()
    elif isinstance(node, nodes.math):
        yield _formula(node.astext())
    elif not isinstance(node, (*SILENT, addnodes.glossary)) and not _is_titled(node) and not _is_number(node):
        for child in node.children:
            yield from _words(child)
        if not isinstance(node, nodes.Inline):
            yield " "


def _is_titled(node: nodes.Node) -> bool:
    return isinstance(node, nodes.section) and isinstance(node.next_node(), nodes.title)


def _is_number(node: nodes.Node) -> bool:
    """A reference whose words only come with its number: a citation, a figure, an equation, an exercise."""
    return isinstance(node, addnodes.pending_xref) and (
        node.get("refdomain") == "cite" or (node["reftype"] in ("ref", "numref", "eq") and not node.get("refexplicit")))


def _formula(tex: str) -> str:
    r"""A short formula as one might type it.

    >>> _formula(r"W_{\text{OV}}"), _formula(r"\sqrt{d}"), _formula(r"\frac{\partial L}{\partial W} = h^\top \delta")
    ('W_OV', '√d', '…')
    """
    plain = re.sub(r"\\sqrt\b", "√", re.sub(r"\\(?:text|mathrm|mathbf|operatorname)\b", "", tex))
    plain = re.sub(r"[{}$\\ ]", "", plain)
    return plain if len(plain) <= LONGEST_FORMULA else "…"
