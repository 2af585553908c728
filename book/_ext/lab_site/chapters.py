"""The plan of the book (``book/parts.json``), its chapters' numbers and claims.

A chapter's number is the one in its file name, whatever else is written yet, so that "Figure 18.2" stays
"Figure 18.2" while the book grows.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles

__all__ = ["ROMAN", "TEMPLATES", "Chapter", "Part", "filled", "install", "number_of", "read_ledger", "read_plan"]

ROMAN = ("0", "I", "II", "III", "IV", "V")
TEMPLATES = Path(__file__).parent / "templates"
OWN = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)


class Chapter(NamedTuple):
    """A planned chapter: its document, its title and the question that it answers."""

    document: str
    title: str
    question: str

    @property
    def number(self) -> int:
        return number_of(self.document)


class Part(NamedTuple):
    """A part of the book: a name, what it is about, and its chapters."""

    title: str
    about: str
    chapters: tuple[Chapter, ...]


def number_of(document: str) -> int | None:
    """The number of a chapter, or None for a page that is none.

    >>> number_of("book/02-gradients-by-hand"), number_of("book/glossary")
    (2, None)
    """
    match = re.search(r"(?:^|/)(\d\d)-[^/]+$", document)
    return int(match[1]) if match else None


def read_plan(source: Path) -> list[Part]:
    """The parts, as ``book/parts.json`` plans them."""
    plan = json.loads((source / "book" / "parts.json").read_text("utf-8"))
    return [Part(part["title"], part["about"], tuple(Chapter(**entry) for entry in part["chapters"])) for part in plan]


def read_ledger(source: Path, documents: set[str]) -> dict[str, list[dict]]:
    """The claims of those chapters that are in the book (``documents``), from ``data/claims/CHAPTER.json``."""
    files = sorted((source / "data" / "claims").glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files if f"book/{file.stem}" in documents}


def filled(template: str, **values) -> str:
    """One of the templates of this site as HTML; what is filled in is escaped."""
    return OWN.get_template(template).render(**values)


def install(app) -> None:
    """Number by file name instead of by place in the table of contents."""
    TocTreeCollectorWithStyles.assign_section_numbers = _assign


def _assign(self, env: BuildEnvironment) -> list[str]:
    """Give the title of each chapter its number; Sphinx then numbers figures and equations under it."""
    before, env.toc_secnumbers = env.toc_secnumbers, {}
    for document in sorted(env.found_docs):
        if (number := number_of(document)) is not None:
            _number(env, document, (number,))
    return [document for document in env.found_docs if env.toc_secnumbers.get(document) != before.get(document)]


def _number(env: BuildEnvironment, document: str, number: tuple[int]) -> None:
    entries = [node for node in env.tocs[document].findall() if node.tagname == "reference"]
    numbers = {entry["anchorname"]: () for entry in entries}          # sections carry no number of their own
    title = env.get_doctree(document).next_node(lambda node: node.tagname == "section")
    env.toc_secnumbers[document] = {**numbers, "": number, f"#{title['ids'][0]}": number}
    entries[0]["secnumber"] = env.titles[document]["secnumber"] = number
