"""A chapter as the rules see it: its headings, directives, claims, and the text that a reader meets."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
FREE = ("card", "quiz")  # admonition classes whose numbers are their wording
FREE_DIRECTIVES = ("exercise", "solution", "math", "code", "code-block", "bibliography")
NUMBER = re.compile(r"(?<![\w.])[−-]?\d+(?:[.,]\d+)*(?:e[−-]?\d+)?(?:\s?%)?(?!\w)")

spec = importlib.util.spec_from_file_location("execute", ROOT / "tools" / "execute.py")
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)


@dataclass(frozen=True)
class Directive:
    name: str
    argument: str
    options: dict
    body: str

    @property
    def classes(self) -> list[str]:
        return self.options.get("class", "").split()


@dataclass
class Chapter:
    """A notebook with what the rules ask of it."""

    notebook: nbformat.NotebookNode
    name: str
    ledger: list | None = None

    @classmethod
    def read(cls, path: Path) -> Chapter:
        ledger = ROOT / "data" / "claims" / f"{path.stem}.json"
        entries = json.loads(ledger.read_text("utf-8")) if ledger.exists() else None
        return cls(nbformat.read(path, as_version=4), path.stem, entries)

    @property
    def code(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def prose(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def module(self) -> str:
        return f"ch{self.name[:2]}"

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        text = "\n".join(without_fences(cell.source) for cell in self.prose)
        return [(len(marks), words.strip()) for marks, words in re.findall(r"^(#+) (.+)$", text, re.M)]

    @cached_property
    def directives(self) -> list[Directive]:
        return [found for cell in self.prose for found in directives(cell.source)]

    @cached_property
    def html(self) -> list[str]:
        pages = [data(output).get("text/html") for cell in self.code for output in cell.outputs]
        return [page for page in pages if page]

    @cached_property
    def claims(self) -> dict[str, str]:
        pattern = (r'<p class="lab-claim" id="claim-([^"]+)"><span[^>]*>.</span> '
                   r'(.*?)(?: <span class="lab-claim-source">.*?</span>)?</p>')
        return {name: unescape(statement) for page in self.html for name, statement in re.findall(pattern, page, re.S)}

    def directive(self, name: str) -> list[Directive]:
        return [entry for entry in self.directives if entry.name == name]

    def of_class(self, name: str) -> list[Directive]:
        return [entry for entry in self.directives if name in entry.classes]


def data(output) -> dict:
    return output.get("data", {})


FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.M | re.S)


def directives(text: str):
    """All directives of a text, outer before inner."""
    for match in FENCE.finditer(text):
        head = re.match(r"\{([\w:-]+)\}\s*(.*)", match["info"].strip())
        if head is None:
            continue
        lines, options = match["body"].splitlines(), {}
        while lines and (option := re.match(r":([\w-]+):\s*(.*)", lines[0])):
            options[option[1]] = option[2]
            lines.pop(0)
        body = "\n".join(lines)
        yield Directive(head[1], head[2].strip(), options, body)
        yield from directives(body)


def without_fences(text: str, keep_free: bool = False) -> str:
    """The text without code and directives; with ``keep_free`` without those alone whose numbers are free."""
    def replaced(match):
        found = next(directives(match[0]), None)
        if found is None or not keep_free or found.name in FREE_DIRECTIVES or set(found.classes) & set(FREE):
            return ""
        return f"{found.argument}\n\n{without_fences(found.body, keep_free)}"

    return FENCE.sub(replaced, text)


def reading_text(text: str) -> str:
    """What a reader meets as prose: no math, code, citations, targets, addresses."""
    text = without_fences(text, keep_free=True)
    text = re.sub(r"\$\$.*?\$\$(\s*\([\w-]+\))?", " ", text, flags=re.S)
    text = re.sub(r"(?<!\\)\$[^$]+\$", " ", text)
    text = re.sub(r"\{(cite[\w:]*|eq|numref|ref|doc|term|math)\}`[^`]*`", " ", text)
    text = re.sub(r"(`+).*?\1", " ", text, flags=re.S)
    text = re.sub(r"\]\(\S*\)", "]", text)   # an address has no space, and may hold brackets
    text = re.sub(r"<https?://[^>]*>", " ", text)
    text = re.sub(r"^\([\w-]+\)=\s*$", " ", text, flags=re.M)
    return re.sub(r"^\s*\d+\. ", " ", text, flags=re.M)


def numbers(text: str) -> list[str]:
    return [re.sub(r"\s", " ", found).replace("-", "−") for found in NUMBER.findall(text)]


def figure(cell) -> dict:
    return cell.metadata.get("mystnb", {}).get("figure", {})


def caption(cell) -> str:
    return figure(cell).get("caption", "")
