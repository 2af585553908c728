"""Which code a reader meets, and which stands folded behind what it shows: one rule, for the page and for JupyterLab.

A cell is named by what it shows: a figure, a check (a claim), a question, an explorable, an exercise, or a value. Its
code is open only where the code is the point: a few lines that compute something, and then at most a short look at it.
All else is folded under a title. An author can fold more, by the tag ``hide-input`` or ``hide-cell`` and a title of
their own, but can open nothing.

This module needs nothing but Python, so that ``make execute`` can use it where no Sphinx is installed.
"""

from __future__ import annotations

import ast

__all__ = ["LONGEST", "TITLES", "computes", "hide_sources", "is_open", "kind", "title"]

#: What an output's HTML holds, and what its cell is called; the first that is found counts.
SIGNS = (('data-lab="choice"', "question"), ('data-lab="curve"', "question"), ('class="lab-static"', "explorable"),
         ('class="lab-verdict', "exercise"), ('class="lab-claim"', "check"), ('class="lab-fig"', "figure"))
TITLES = {"check": "Code of this check", "exercise": "The stub and its checker", "question": "Code of this question",
          "explorable": "Code of this explorable", "figure": "Code of this figure", "value": "Code of this result",
          "set-up": "Set-up"}
FOLDED = {"hide-input", "hide-cell"}
LONGEST = 10    # lines of an open cell
LOOK = 2        # lines of the call that draws what an open cell computed
GLANCE = 3      # lines of a cell that only asks for a value
ARITHMETIC = (ast.MatMult, ast.Mult, ast.Div, ast.Pow, ast.Add, ast.Sub)
BY_HAND = {"attend", "diag", "layer_norm", "outer", "softmax"}


def kind(cell) -> str:
    """What a code cell shows: a key of TITLES.

    >>> kind({"source": "x = 3", "outputs": []})
    'set-up'
    """
    html = "".join(_joined(output.get("data", {}).get("text/html", "")) for output in cell["outputs"])
    found = next((name for sign, name in SIGNS if sign in html), "")
    return found or ("value" if cell["outputs"] else "set-up")


def is_open(cell) -> bool:
    """Whether the code of a cell is the point, so that it stands open.

    >>> cell = {"source": "s = q @ k.T\\ns", "outputs": [{"output_type": "execute_result"}], "metadata": {}}
    >>> is_open(cell), is_open(cell | {"outputs": []}), is_open(cell | {"metadata": {"tags": ["hide-input"]}})
    (True, False, False)
    """
    if FOLDED & set(cell["metadata"].get("tags", [])):
        return False
    source, shows = _joined(cell["source"]), kind(cell)
    lines = sum(bool(line.strip()) for line in source.splitlines())
    if shows == "value" and lines <= GLANCE:
        return True
    return lines <= LONGEST and shows in ("figure", "value", "set-up") and computes(source, shows)


def computes(source: str, shows: str) -> bool:
    """Whether a cell has arithmetic of its own. Where its last statement draws, that is short and does not count;
    where it shows nothing, two statements compute, and at least half of all: its own, or those of its one function.
    """
    body = ast.parse(source).body
    if shows == "set-up" and len(body) == 1 and isinstance(body[0], ast.FunctionDef):
        body = body[0].body
    if shows == "figure" and (look := body.pop()).end_lineno - look.lineno >= LOOK:
        return False
    count = sum(any(map(_is_arithmetic, ast.walk(statement))) for statement in body)
    return count >= max(2, len(body) / 2) if shows == "set-up" else count > 0


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        sides = (node.left, node.right)
        return isinstance(node.op, ARITHMETIC) and not any(isinstance(side, ast.Constant) for side in sides)
    if isinstance(node, ast.Call):
        return getattr(node.func, "attr", getattr(node.func, "id", "")) in BY_HAND
    return isinstance(node, ast.AugAssign)


def title(cell) -> str:
    """What the fold of a cell's code is called: by its author, or by what it shows."""
    return cell["metadata"].get("mystnb", {}).get("code_prompt_show") or TITLES[kind(cell)]


def hide_sources(notebook) -> None:
    """Fold in JupyterLab what the page folds; the stub of an exercise stays open there, for it is to be filled in."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            hidden = not is_open(cell) and kind(cell) != "exercise"
            _set_hidden(cell["metadata"], hidden)


def _set_hidden(metadata, hidden: bool) -> None:
    settings = {name: value for name, value in metadata.get("jupyter", {}).items() if name != "source_hidden"}
    if hidden:
        settings["source_hidden"] = True
    metadata.pop("jupyter", None)
    if settings:
        metadata["jupyter"] = settings


def _joined(text) -> str:
    return text if isinstance(text, str) else "".join(text)
