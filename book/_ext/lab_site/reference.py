"""The reference of the package, read from its sources: every name in an ``__all__``, its signature, docstring and code.

Nothing is imported, so that the pages need no PyTorch. A function's place is ``transformer_lab.module.name``;
:func:`places` says where each dotted name stands, so that other pages can lead to it.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.utils import new_document
from myst_parser.mocking import MockRSTParser
from sphinx.addnodes import pending_xref
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util.docutils import SphinxDirective

__all__ = ["Entry", "PackageReference", "connect", "entries", "modules", "places"]

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "transformer_lab"
WIDEST = 79     # characters of a signature's line
LONGEST = 60    # lines of code that a fold shows
NUMPY = Config(napoleon_use_param=False, napoleon_use_rtype=False, napoleon_use_ivar=True)


class Entry(NamedTuple):
    """One public name: where it is defined, how it is called, what is said of it, and its code without that."""

    name: str
    signature: str
    doc: str
    code: str


def connect(app) -> None:
    """Add the directive that writes these pages."""
    app.add_directive("package-reference", PackageReference)


@cache
def modules() -> dict[str, Path]:
    """Every module that says in ``__all__`` what it offers, by its dotted name; what only passes names on is left out.

    >>> modules()["transformer_lab.byhand.attention"].name
    'attention.py'
    """
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    return {_dotted(file): file for file in files if {_named(node) for node in _tree(file).body} & {*_exports(file)}}


def _dotted(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _exports(file: Path) -> list[str]:
    """The names in ``__all__``, where they are written out."""
    for node in _tree(file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [each.value for each in getattr(node.value, "elts", []) if isinstance(each, ast.Constant)]
    return []


def entries(module: str) -> list[Entry]:
    """What a module defines and offers, in the order of its source.

    >>> [entry.signature for entry in entries("transformer_lab.theme")][:1]
    ['theme() -> dict']
    """
    file = modules()[module]
    found = [_entry(node, file) for node in _tree(file).body if _named(node) in _exports(file)]
    return found + _methods(file)


def _methods(file: Path) -> list[Entry]:
    """The public methods of the classes that a module offers, each with the name of its class before its own."""
    classes = [node for node in _tree(file).body if isinstance(node, ast.ClassDef) and node.name in _exports(file)]
    return [_entry(node, file)._replace(name=f"{kind.name}.{node.name}") for kind in classes for node in kind.body
            if isinstance(node, ast.FunctionDef) and node.name[0] != "_" and ast.get_docstring(node)]


def _named(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else getattr(node, "name", "")


def _entry(node: ast.stmt, file: Path) -> Entry:
    name, lines = _named(node), file.read_text("utf-8").splitlines()
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return Entry(name, name, _comment_above(node, lines), "\n".join(lines[node.lineno - 1:node.end_lineno]))
    doc = inspect.cleandoc(ast.get_docstring(node) or "")
    return Entry(name, _signature(node), doc, _code(node, lines))


def _comment_above(node: ast.stmt, lines: list[str]) -> str:
    """What the lines ``#:`` above a constant say."""
    found, at = [], node.lineno - 2
    while at >= 0 and lines[at].startswith("#:"):
        found.insert(0, lines[at][2:].strip())
        at -= 1
    return "\n".join(found)


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """How it is called, as its author wrote it; broken after each argument where it is long."""
    back = f" -> {ast.unparse(node.returns)}" if getattr(node, "returns", None) else ""
    if any(ast.unparse(each).endswith("property") for each in node.decorator_list):
        return node.name + back
    made = node
    if isinstance(node, ast.ClassDef):
        made = next((each for each in node.body if getattr(each, "name", "") == "__init__"), None)
    given = _arguments(made.args) if made else _fields(node)
    line, broken = f"{node.name}({', '.join(given)}){back}", ",\n    ".join(given)
    return line if len(line) <= WIDEST or not given else f"{node.name}(\n    {broken}){back}"


def _arguments(args: ast.arguments) -> list[str]:
    """Each argument with its rule and its default; ``*`` and ``/`` stand where they were."""
    placed = args.posonlyargs + args.args
    free = [None] * (len(placed) - len(args.defaults))
    found = [_argument(each, default) for each, default in zip(placed, [*free, *args.defaults], strict=True)]
    if placed and placed[0].arg in ("self", "cls"):
        found.pop(0)
    if args.vararg or args.kwonlyargs:
        found.append(f"*{_argument(args.vararg)}" if args.vararg else "*")
    found += map(_argument, args.kwonlyargs, args.kw_defaults)
    return [*found, *([f"**{_argument(args.kwarg)}"] if args.kwarg else [])]


def _argument(argument: ast.arg, default: ast.expr | None = None) -> str:
    if argument.annotation is None:
        return argument.arg + (f"={ast.unparse(default)}" if default else "")
    return f"{argument.arg}: {ast.unparse(argument.annotation)}" + (f" = {ast.unparse(default)}" if default else "")


def _fields(node: ast.ClassDef) -> list[str]:
    """The fields of a dataclass or a named tuple."""
    return [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign) and each.simple
            and ast.unparse(each.target)[0] != "_"]


def _code(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> str:
    """The lines of a definition without its docstring; of a class nothing, its methods stand by themselves."""
    if isinstance(node, ast.ClassDef) or node.end_lineno - node.lineno > LONGEST + 40:
        return ""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    said = node.body[0] if ast.get_docstring(node) is not None else None
    kept = [line for number, line in enumerate(lines[first - 1:node.end_lineno], first)
            if said is None or not said.lineno <= number <= said.end_lineno]
    return inspect.cleandoc("\n" + "\n".join(kept)) if len(kept) <= LONGEST else ""


def page_of(module: str) -> str:
    """The page, under ``book/reference``, on which a module stands: that of its package.

    >>> page_of("transformer_lab.byhand.attention"), page_of("transformer_lab.claims")
    ('byhand', 'core')
    """
    _, *parts = module.split(".")
    return parts[0] if parts and (ROOT / PACKAGE / parts[0]).is_dir() else "core"


@cache
def places() -> dict[str, str]:
    """Where in the book each name stands, by all of its dotted names, with and without ``transformer_lab.``.

    >>> places()["byhand.attention.attend"]
    'reference/byhand.html#transformer_lab.byhand.attention.attend'
    """
    found = {}
    for module in modules():
        page = f"reference/{page_of(module)}.html"
        found[module] = f"{page}#module-{module}"
        found |= {f"{module}.{entry.name}": f"{page}#{module}.{entry.name}" for entry in entries(module)}
    for module in modules():
        found |= {f"{_package(module)}.{name}": found[f"{module}.{name}"] for name in _passed_on(module)}
    return found | {name.removeprefix(f"{PACKAGE}."): place for name, place in found.items()}


def _package(module: str) -> str:
    return module.rpartition(".")[0]


def _passed_on(module: str) -> list[str]:
    """The names of a module that its package offers too; of a package that works its names out, all."""
    init = ROOT.joinpath(*_package(module).split("."), "__init__.py")
    offered = _exports(init) if init.is_file() else []
    works_out = init.is_file() and not offered and "__all__" in init.read_text("utf-8")
    return [entry.name for entry in entries(module) if entry.name in offered or (works_out and "." not in entry.name)]


class PackageReference(SphinxDirective):
    """The reference of one package: a section for each of its modules, and in it one for each name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        mine = [module for module in modules() if page_of(module) == self.arguments[0]]
        if not mine:
            raise self.error(f"There is no package {self.arguments[0]!r} with names to show.")
        for module in mine:
            self.env.note_dependency(str(modules()[module]))
        self.env.note_reread()       # a module may be new
        return [*map(_overview, mine), *map(self._module, mine)]

    def _module(self, module: str) -> nodes.section:
        made = self._section(module.removeprefix(f"{PACKAGE}."), f"module-{module}")
        made += self._read(ast.get_docstring(_tree(modules()[module])) or "", module)
        for entry in entries(module):
            made += self._entry(entry, module)
        return made

    def _section(self, title: str, anchor: str) -> nodes.section:
        made = nodes.section("", nodes.title("", "", nodes.literal("", title)), ids=[anchor], names=[anchor])
        self.state.document.note_explicit_target(made)
        return made

    def _entry(self, entry: Entry, module: str) -> nodes.section:
        made = self._section(entry.name, f"{module}.{entry.name}")
        made["classes"].append("api")
        if entry.signature != entry.name:
            made += nodes.literal_block("", entry.signature, language="python", classes=["signature"])
        made += self._read(entry.doc, module)
        if entry.code:
            made += [nodes.raw("", '<details class="code"><summary>Source</summary>', format="html"),
                     nodes.literal_block("", entry.code, language="text"), nodes.raw("", "</details>", format="html")]
        return made

    def _read(self, doc: str, module: str) -> list[nodes.Node]:
        """A docstring as nodes; what it names is a link where the book has it."""
        text = str(NumpyDocstring(equations_as_links(doc), NUMPY))
        read = new_document(self.state.document["source"], self.state.document.settings)
        read.reporter = self.state.document.reporter
        MockRSTParser().parse(text, read)
        for cross in list(read.findall(lambda node: isinstance(node, pending_xref) and node["refdomain"] == "py")):
            cross.replace_self(_link(cross, module, depth=self.env.docname.count("/") - 1))
        return read.children


def _overview(module: str) -> nodes.paragraph:
    """A line that leads to all names of a module."""
    made = nodes.paragraph("", "", _to(module.removeprefix(f"{PACKAGE}."), f"module-{module}"), nodes.Text(": "))
    for i, name in enumerate(entry.name for entry in entries(module) if "." not in entry.name):
        made += [*([nodes.Text(", ")] if i else []), _to(name, f"{module}.{name}")]
    return made


def _to(name: str, anchor: str) -> nodes.reference:
    return nodes.reference("", "", nodes.literal("", name), refid=anchor, internal=True)


def equations_as_links(doc: str) -> str:
    """The labels of the book's equations as links, which show their numbers.

    >>> equations_as_links("Attention (Vaswani 2017, eq. 1; here eq-attention). Its mean (eq-mean, eq-sum) is 1.")
    'Attention (Vaswani 2017, eq. 1; here :eq:`eq-attention`). Its mean :eq:`eq-mean`, :eq:`eq-sum` is 1.'
    """
    bare = re.sub(r"\((eq-[\w-]+(?:,\s+eq-[\w-]+)*)\)", r"\1", doc)
    return re.sub(r"(?<![`\w-])eq-[\w-]+", r":eq:`\g<0>`", bare)


def _link(cross: pending_xref, module: str, depth: int) -> nodes.Node:
    words, target = cross.astext(), cross["reftarget"].lstrip(".~")
    found = [name for name in places() if name == f"{module}.{target}" or name == target or name.endswith(f".{target}")]
    literal = nodes.literal("", words.lstrip("."))
    if not found:
        return literal
    best = min(found, key=lambda name: (name != f"{module}.{target}", name != target, len(name)))
    return nodes.reference("", "", literal, refuri="../" * depth + places()[best], internal=True)
