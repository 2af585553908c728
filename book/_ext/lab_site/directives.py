"""The book's own directives: the claims ledger, the vocabulary, the chapter map, and explorables on plain pages."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from transformer_lab.names import VOCABULARY, Name

from .chapters import Chapter, Part, number_of, read_plan

__all__ = ["DIRECTIVES", "ChapterMap", "ClaimsLedger", "Explorable", "Vocabulary", "read_ledger"]

KINDS = {"size": "Sizes", "parameter": "Parameters", "activation": "Activations"}
ROMAN = ("I", "II", "III", "IV", "V", "VI")


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def read_ledger(source: Path, documents: set[str]) -> dict[str, list[dict]]:
    """The claims of those chapters that are in the book (``documents``), from ``data/claims/CHAPTER.json``."""
    files = sorted((source / "data" / "claims").glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files if f"book/{file.stem}" in documents}


class ClaimsLedger(SphinxDirective):
    """Every claim of the book: what was measured, its bound, what was found, and the rival that breaks it."""

    def run(self) -> list[nodes.Node]:
        ledger = read_ledger(Path(self.env.srcdir), self.env.found_docs)
        for chapter in ledger:
            self.env.note_dependency(f"data/claims/{chapter}.json")
        self.env.note_reread()                       # a new record is a new file, which no dependency can name
        count = sum(map(len, ledger.values()))
        if not count:
            return [_raw('<p class="lead">No chapter has stated a claim yet.</p>')]
        head = (f'<p class="ledger-count">{_counted(count, "claim")} in {_counted(len(ledger), "chapter")}. '
                '<a href="../_static/claims.json" download>Download the ledger</a> as JSON.</p>')
        return [_raw(head + "".join(self._table(*entry) for entry in ledger.items()))]

    def _table(self, chapter: str, claims: list[dict]) -> str:
        title = self.env.titles[f"book/{chapter}"].astext() if f"book/{chapter}" in self.env.titles else chapter
        rows = "".join(_ledger_rows(chapter, claim) for claim in claims)
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("Claim", "Measured", "Must be", "Was", "Rival"))
        return (f'<h2><a href="{chapter}.html">{number_of(chapter) or ""} {escape(title)}</a></h2>'
                f'<table class="ledger"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _ledger_rows(chapter: str, claim: dict) -> str:
    """A row for each bound of the claim; its statement stands beside the first."""
    notes = [claim["sample"], f"{claim['seeds']} seeds" * (claim["seeds"] > 1),
             f"record {claim['record']}" * bool(claim["record"])]
    note = "".join(f' <span class="record">{escape(words)}</span>' for words in notes if words)
    head = (f'<th scope="rowgroup" rowspan="{len(claim["bounds"])}"><a href="{chapter}.html#claim-{claim["id"]}">'
            f'{escape(claim["statement"])}</a>{note}</th>')
    cells = [(bound["name"], bound["bound"], bound["value"], _rival(bound)) for bound in claim["bounds"]]
    rows = [head * (i == 0) + "".join(f"<td>{escape(cell)}</td>" for cell in row) for i, row in enumerate(cells)]
    return f'<tr id="claim-{claim["id"]}">' + "</tr><tr>".join(rows) + "</tr>"


def _rival(bound: dict) -> str:
    return f'{bound["rival"]}: {bound["rival_value"]}' if bound["rival"] else ""


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
        from transformer_lab.errors import LabError
        from transformer_lab.widgets import bundle

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
        rows = (_part(roman, part, ready) for roman, part in zip(ROMAN, parts, strict=False))
        return [_raw(f'<div class="map">{"".join(rows)}</div>')]


def _part(roman: str, part: Part, ready: frozenset[str]) -> str:
    chapters = "".join(_chapter(chapter, chapter.document in ready) for chapter in part.chapters)
    return (f'<section class="part"><div><h3><span class="roman">Part {roman}</span> {escape(part.title)}</h3>'
            f'<p>{escape(part.about)}</p></div><ol>{chapters}</ol></section>')


def _chapter(chapter: Chapter, ready: bool) -> str:
    title, question = escape(chapter.title), escape(chapter.question)
    name = (f'<a href="{Path(chapter.document).name}.html">{title}</a>' if ready
            else f'<span class="title">{title}</span><span class="visually-hidden"> (to come)</span>')
    return (f'<li class="{"ready" if ready else "to-come"}"><span class="number">{chapter.number}</span> '
            f'<span>{name} <span class="question">{question}</span></span></li>')


DIRECTIVES = {"claims-ledger": ClaimsLedger, "vocabulary": Vocabulary, "explorable": Explorable,
              "chapter-map": ChapterMap}
