"""The book's own directives: the claims ledger, the vocabulary, the map of the chapters, and explorables on plain pages."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from ..names import VOCABULARY, Name
from .chapters import Chapter, Part, number_of, read_plan

__all__ = ["DIRECTIVES", "ChapterMap", "ClaimsLedger", "Explorable", "Vocabulary", "read_ledger"]

KINDS = {"size": "Sizes", "parameter": "Parameters", "activation": "Activations"}
ROMAN = ("I", "II", "III", "IV", "V", "VI")


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def read_ledger(source: Path) -> dict[str, list[dict]]:
    """The claims of every chapter, from ``data/claims/CHAPTER.json``."""
    return {file.stem: json.loads(file.read_text("utf-8")) for file in sorted((source / "data" / "claims").glob("*.json"))}


class ClaimsLedger(SphinxDirective):
    """Every claim of the book with its bound, the value that was found, and a link to where it is checked."""

    def run(self) -> list[nodes.Node]:
        ledger = read_ledger(Path(self.env.srcdir))
        for chapter in ledger:
            self.env.note_dependency(f"data/claims/{chapter}.json")
        self.env.note_reread()                       # a new record is a new file, which no dependency can name
        count = sum(map(len, ledger.values()))
        if not count:
            return [_raw('<p class="lead">No chapter has stated a claim yet.</p>')]
        words = f"{count} claims in {len(ledger)} chapters" if len(ledger) > 1 else f"{count} claims in one chapter"
        head = f'<p class="ledger-count">{words}. <a href="../_static/claims.json" download>Download the ledger</a> as JSON.</p>'
        return [_raw(head + "".join(self._table(*entry) for entry in ledger.items()))]

    def _table(self, chapter: str, claims: list[dict]) -> str:
        name = self.env.titles[f"book/{chapter}"].astext() if f"book/{chapter}" in self.env.titles else chapter
        rows = "".join(_ledger_row(chapter, claim) for claim in claims)
        return (f'<h2 class="ledger-chapter"><a href="{chapter}.html">{number_of(chapter) or ""} {escape(name)}</a></h2>'
                '<table class="ledger"><thead><tr><th scope="col">Claim</th><th scope="col">Must be</th>'
                f'<th scope="col">Was</th><th scope="col">Seeds</th></tr></thead><tbody>{rows}</tbody></table>')


def _ledger_row(chapter: str, claim: dict) -> str:
    record = f' <span class="record">record {escape(claim["record"])}</span>' if claim["record"] else ""
    return (f'<tr id="claim-{claim["id"]}"><th scope="row"><a href="{chapter}.html#claim-{claim["id"]}">'
            f'{escape(claim["statement"])}</a>{record}</th><td>{escape(claim["bound"])}</td>'
            f'<td>{escape(claim["value"])}</td><td>{claim["seeds"]}</td></tr>')


class Vocabulary(SphinxDirective):
    """The notation table, from ``transformer_lab.VOCABULARY``: symbol, name in the code, shape, meaning, equation."""

    def run(self) -> list[nodes.Node]:
        found = []
        for kind, title in KINDS.items():
            entries = [entry for entry in VOCABULARY.values() if entry.kind == kind]
            found.append(nodes.rubric("", title))
            found.append(_table(["Symbol", "In the code", "Shape", "Meaning"], map(_vocabulary_row, entries)))
        return found


def _vocabulary_row(entry: Name) -> list[list[nodes.Node]]:
    symbol = nodes.math("", entry.symbol)
    shape = nodes.literal("", ", ".join(entry.shape)) if entry.shape else nodes.Text("a number")
    meaning = [nodes.Text(entry.meaning + ("; one in every layer" if entry.per_layer else ""))]
    if entry.equation:
        meaning += [nodes.Text(": "), nodes.math("", entry.equation)]
    return [[symbol], [nodes.literal("", entry.name, classes=[f"role-{entry.role}"])], [shape], meaning]


def _table(titles: list[str], rows) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in titles), cols=len(titles))
    group += nodes.thead("", _row([[nodes.Text(title)] for title in titles]))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["vocabulary"])


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


class Explorable(SphinxDirective):
    """An explorable on a page that is no notebook, in its own first state."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        from ..errors import LabError
        from ..widgets import bundle

        try:
            return [_raw(bundle.static_html(self.arguments[0]))]
        except LabError as error:
            raise self.error(str(error)) from None


class ChapterMap(SphinxDirective):
    """The parts of the book and their chapters: those that are ready are links, the others wait quietly."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency("book/parts.json")
        self.env.note_dependency("_toc.yml")
        parts = read_plan(Path(self.env.srcdir))
        ready = frozenset(self.env.found_docs)
        return [_raw('<div class="map">' + "".join(_part(*item, ready) for item in zip(ROMAN, parts)) + "</div>")]


def _part(roman: str, part: Part, ready: frozenset[str]) -> str:
    chapters = "".join(_chapter(chapter, chapter.document in ready) for chapter in part.chapters)
    return (f'<section class="part"><h3><span class="roman">Part {roman}</span> {escape(part.title)}</h3>'
            f'<p>{escape(part.about)}</p><ol start="{part.chapters[0].number}">{chapters}</ol></section>')


def _chapter(chapter: Chapter, ready: bool) -> str:
    words = f'<span class="question">{escape(chapter.question)}</span>'
    if ready:
        return (f'<li class="ready"><a href="{chapter.document.rsplit("/", 1)[-1]}.html">{escape(chapter.title)}</a> {words}</li>')
    return f'<li class="to-come"><span class="title">{escape(chapter.title)}</span> <span class="state">to come</span></li>'


DIRECTIVES = {"claims-ledger": ClaimsLedger, "vocabulary": Vocabulary, "explorable": Explorable, "chapter-map": ChapterMap}
