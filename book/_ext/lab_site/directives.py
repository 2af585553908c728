"""The book's own directives (the claims ledger, the vocabulary, the chapter map, explorables on plain pages), and what
folds: code, by rule, and admonitions, as ``<details>``. And a lone sign becomes a token.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.util.docutils import SphinxDirective

from transformer_lab.errors import LabError
from transformer_lab.names import VOCABULARY, Name
from transformer_lab.widgets.bundle import static_html

from . import folding
from .chapters import ROMAN, filled, number_of, read_ledger, read_plan

__all__ = ["DIRECTIVES", "ChapterMap", "ClaimsLedger", "Explorable", "Vocabulary", "box_tokens",
           "code_last", "fold", "fold_code"]

KINDS = {"size": "Sizes", "parameter": "Parameters", "activation": "Activations"}


class ClaimsLedger(SphinxDirective):
    """Every claim of the book: what was measured, its bound, what was found, and the rival that breaks it."""

    def run(self) -> list[nodes.Node]:
        ledger = read_ledger(Path(self.env.srcdir), self.env.found_docs)
        for chapter in ledger:
            self.env.note_dependency(f"data/claims/{chapter}.json")
        self.env.note_reread()                       # a new record is a new file, which no dependency can name
        if not any(ledger.values()):
            return [raw('<p class="lead">No chapter has stated a claim yet.</p>')]
        titles = {name: title.astext() for name, title in self.env.titles.items()}
        chapters = [(name, number_of(f"book/{name}"), titles.get(f"book/{name}", name), claims)
                    for name, claims in ledger.items()]
        return [raw(filled("ledger.html", chapters=chapters, count=sum(map(len, ledger.values()))))]


class Vocabulary(SphinxDirective):
    """The notation, from ``transformer_lab.VOCABULARY``: a section with a table for each kind of name."""

    def run(self) -> list[nodes.Node]:
        return [self._section(kind, title) for kind, title in KINDS.items()]

    def _section(self, kind: str, title: str) -> nodes.section:
        entries = [entry for entry in VOCABULARY.values() if entry.kind == kind]
        columns = ["Symbol", "In the code", *(["Shape"] if kind != "size" else []), "Meaning"]
        section = nodes.section("", nodes.title("", title), ids=[title.lower()], names=[title.lower()])
        section += _table(columns, (_vocabulary_row(entry) for entry in entries))
        self.state.document.note_implicit_target(section)
        return section


def _vocabulary_row(entry: Name) -> list[list[nodes.Node]]:
    shape = [nodes.literal("", " ".join(entry.shape))] if entry.shape else [nodes.Text("one number")]
    meaning = [nodes.Text(entry.meaning + (" (in every layer)" if entry.per_layer else ""))]
    if entry.equation:
        meaning += [nodes.Text(": "), nodes.math("", entry.equation)]
    name = [nodes.literal("", entry.name, classes=[f"role-{entry.role}"])]
    return [[nodes.math("", entry.symbol)], name, *([shape] if entry.kind != "size" else []), meaning]


def _table(titles: list[str], rows) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in titles), cols=len(titles))
    group += nodes.thead("", _row([[nodes.Text(title)] for title in titles]))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["vocabulary", "colwidths-auto"])


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


class Explorable(SphinxDirective):
    """An explorable on a page that is no notebook, in its own first state."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        try:
            return [raw(static_html(self.arguments[0]))]
        except LabError as error:
            raise self.error(str(error)) from None


class ChapterMap(SphinxDirective):
    """The parts of the book and their chapters: those that are ready are links, the others wait quietly."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency("book/parts.json")
        self.env.note_dependency("_toc.yml")
        parts = read_plan(Path(self.env.srcdir))
        return [raw(filled("map.html", parts=parts, documents=self.env.found_docs, ROMAN=ROMAN))]


DIRECTIVES = {"claims-ledger": ClaimsLedger, "vocabulary": Vocabulary, "explorable": Explorable,
              "chapter-map": ChapterMap}


def fold_code(app, docname: str, source: list[str]) -> None:
    """Tag the cells whose code is not the point (:mod:`.folding`), so that MyST-NB folds them under a title."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and not folding.is_open(cell):
            tags = set(cell["metadata"].get("tags", [])) - folding.FOLDED
            cell["metadata"]["tags"] = [*sorted(tags), f"shows-{folding.kind(cell)}", "hide-input"]
            cell["metadata"].setdefault("mystnb", {})["code_prompt_show"] = folding.title(cell)
    source[0] = json.dumps(notebook)


def code_last(app, doctree: nodes.document, docname: str) -> None:
    """Put the code of a cell that is folded behind what the cell shows, as a ``<details>``."""
    for code in list(doctree.findall(HideCodeCellNode)):
        cell = code.parent
        cell.remove(code)
        cell += [raw(f'<details class="code"><summary>{escape(code["prompt_show"])}</summary>'), *code.children,
                 raw("</details>")]


def fold(app, doctree: nodes.document, docname: str) -> None:
    """Write each admonition, solution or exercise of class ``dropdown`` as a ``<details>``, which needs no script."""
    for node in list(doctree.findall(nodes.Admonition)):
        if "dropdown" in node["classes"]:
            node.parent.replace(node, _details(node))


def fold_deeper(app, doctree: nodes.document, docname: str) -> None:
    """Fold each section whose heading begins with *Deeper*: its heading opens it."""
    for section in list(doctree.findall(nodes.section)):
        title = section.next_node(nodes.title)
        if title is not None and title.parent is section and title.astext().startswith("Deeper"):
            section[:] = [raw('<details class="deeper"><summary>'), title, raw("</summary>"), *section.children[1:],
                          raw("</details>")]


def _details(node: nodes.Element) -> list[nodes.Node]:
    title = node[0] if isinstance(node[0], nodes.title) else None
    kinds = ["admonition", node.tagname.split("_")[0], *node["classes"]]
    anchor = f' id="{escape(node["ids"][0])}"' if node["ids"] else ""
    return [raw(f'<details class="{escape(" ".join(dict.fromkeys(kinds)))}"{anchor}><summary>'), _words(title),
            raw("</summary>"), *(node.children[1:] if title else node.children), raw("</details>")]


def _words(title: nodes.title | None) -> nodes.Node:
    """What the fold is called. It opens the fold, so a link within it becomes plain words."""
    if title is None:
        return nodes.Text("More")
    for link in list(title.findall(nodes.reference)):
        link.parent.replace(link, link.children)
    return nodes.inline("", "", *title.children)


def raw(text: str) -> nodes.raw:
    """HTML as it is."""
    return nodes.raw("", text, format="html")


def box_tokens(app, doctree: nodes.document, docname: str) -> None:
    """Set code of one capital, figure or sign, such as `` `A` ``, as a token; other tokens say so with ``{.token}``.

    A single small letter is most often the name of a variable.
    """
    for node in doctree.findall(nodes.literal):
        if len(node.astext()) == 1 and not node.astext().islower():
            node["classes"].append("token")
