"""A name of our code in the prose, such as ``byhand.attention.attend``, opens its source, in a fold behind it.

The name is looked up in the files, so that building the pages imports nothing. What is not a public function or class
of the package or of the chapters stays plain code.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from docutils import nodes

import transformer_lab

from .reference import places

__all__ = ["Source", "connect", "find"]

PACKAGE = Path(transformer_lab.__file__).parent
#: Where a name without its package may be at home; a chapter writes ``attention.softmax`` of what it imported so.
HOMES = (PACKAGE, PACKAGE / "byhand")
NAME = re.compile(r"([a-z_]\w*(?:\.[A-Za-z]\w*)+)(?:\(\))?")
LONGEST = 80     # lines that a fold shows


class Source(NamedTuple):
    """A function or class: its name from its package on, the file, and its lines."""

    name: str
    file: Path
    text: str


@cache
def find(name: str, chapters: Path) -> Source | None:
    """The public function or class of that dotted name, or None; ``chapters`` is the folder of the chapters' packages.

    >>> find("byhand.attention.attend", Path("chapters")).name
    'transformer_lab.byhand.attention.attend'
    >>> find("np.outer", Path("chapters")) is None
    True
    """
    first, *rest = name.split(".")
    if first == chapters.name:
        return _in(chapters, rest)
    if first == PACKAGE.name:
        return _in(PACKAGE, rest)
    return next(filter(None, (_in(home, [first, *rest]) for home in HOMES)), None)


def _in(home: Path, parts: list[str]) -> Source | None:
    *modules, name = parts or [""]
    folder = home.joinpath(*modules)
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    if not file.is_file():
        return None
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    public = next((_written_out(node.value) for node in tree.body if _assigns_all(node)), None)
    if name.startswith("_") or (public is not None and name not in public):
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return Source(_full_name(file, name), file, _text(text, node))
        named = isinstance(node, ast.ImportFrom) and node.level and node.module
        if named and any(alias.name == name for alias in node.names):
            above = file.parents[node.level - 1]
            return _in(above, [*filter(None, (node.module or "").split(".")), name])
    return None


def _written_out(value: ast.expr) -> list[str] | None:
    """The names of a list, if all of them stand in it."""
    return None if any(isinstance(each, ast.Starred) for each in value.elts) else ast.literal_eval(value)


def _assigns_all(node: ast.stmt) -> bool:
    return (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
            and isinstance(node.value, ast.List))


def _full_name(file: Path, name: str) -> str:
    base = PACKAGE.parent if file.is_relative_to(PACKAGE) else next(
        folder for folder in file.parents if folder.name == "chapters").parent
    parts = file.relative_to(base).with_suffix("").parts
    return ".".join([*(part for part in parts if part != "__init__"), name])


def _text(text: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    """The lines of a definition, without its docstring: that stands in the reference."""
    begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    doc = node.body[0] if ast.get_docstring(node) else None
    hidden = range(doc.lineno, doc.end_lineno + 1) if doc else ()
    lines = enumerate(text.splitlines()[begin - 1:node.end_lineno], start=begin)
    return "\n".join(line for number, line in lines if number not in hidden)


def connect(app) -> None:
    """Link the names when a page is read, and lead to the reference when all pages are known."""
    app.connect("doctree-read", link_names)
    app.connect("doctree-resolved", link_reference)


def link_names(app, doctree: nodes.document) -> None:
    """Make every such name a link to the fold of its source, which stands behind the first sentence that names it."""
    if not app.env.doc2path(app.env.docname).endswith(".ipynb"):
        return
    chapters, folded = Path(app.srcdir) / "book" / "chapters", {}
    for literal in list(doctree.findall(nodes.literal)):
        match = NAME.fullmatch(literal.astext())
        found = find(match[1], chapters) if match else None
        if found is None or found.text.count("\n") >= LONGEST or _is_within(literal, nodes.reference, nodes.title):
            continue
        anchor = f"source-{found.name}"
        if found.name not in folded:
            app.env.note_dependency(str(found.file))
            block = _block(literal)
            place = folded.get(block, block)
            fold = _fold(match[1], found, anchor)
            place.parent.insert(place.parent.index(place) + 1, fold)
            folded[block] = folded[found.name] = fold
        link = nodes.reference("", "", literal.deepcopy(), refuri=f"#{anchor}", internal=True, classes=["source-link"])
        literal.parent.replace(literal, link)


def _is_within(node: nodes.Node, *kinds: type) -> bool:
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def _block(node: nodes.Node) -> nodes.Node:
    """The whole paragraph, list or table that a name stands in."""
    while not isinstance(node.parent, nodes.section | nodes.Admonition | nodes.document):
        node = node.parent
    return node


def _fold(name: str, found: Source, anchor: str) -> nodes.container:
    code = nodes.literal_block(found.text, found.text, language="python")
    tags = ('<details class="code"><summary>Source of ', "</summary>", "</details>")
    begin, middle, end = (nodes.raw("", tag, format="html") for tag in tags)
    return nodes.container("", begin, nodes.literal("", name), middle, nodes.container("", code, ids=[anchor]), end,
                           classes=["source-fold"], source=found.name)


def link_reference(app, doctree: nodes.document, docname: str) -> None:
    """Where the book has reference pages, a fold of source ends in the way there."""
    for fold in doctree.findall(lambda node: isinstance(node, nodes.container) and "source-fold" in node["classes"]):
        page, _, anchor = places().get(fold["source"], "").partition(".html#")
        if f"book/{page}" in app.env.found_docs:
            uri = app.builder.get_relative_uri(docname, f"book/{page}") + f"#{anchor}"
            words = nodes.reference("", "In the reference", refuri=uri, internal=True)
            fold.insert(len(fold) - 1, nodes.paragraph("", "", words))
