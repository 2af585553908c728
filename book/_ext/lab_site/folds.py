"""What folds: the code of claims, by rule, and admonitions, as ``<details>``. And a lone sign becomes a token."""

from __future__ import annotations

import json
import re
from html import escape

from docutils import nodes

__all__ = ["box_tokens", "fold", "fold_claims"]


def fold_claims(app, docname: str, source: list[str]) -> None:
    """Fold the code of every cell that states a claim: the claim is one line, and its code stands behind it."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and re.search(r"\bclaim\(", "".join(cell["source"])):
            cell["metadata"]["tags"] = [*dict.fromkeys([*cell["metadata"].get("tags", []), "hide-input"])]
            cell["metadata"].setdefault("mystnb", {}).setdefault("code_prompt_show", "Code of the claim")
    source[0] = json.dumps(notebook)


def fold(app, doctree: nodes.document, docname: str) -> None:
    """Write each admonition, solution or exercise of class ``dropdown`` as a ``<details>``, which needs no script."""
    for node in list(doctree.findall(nodes.Admonition)):
        if "dropdown" in node["classes"]:
            node.parent.replace(node, _details(node))


def _details(node: nodes.Element) -> list[nodes.Node]:
    title = node[0] if isinstance(node[0], nodes.title) else None
    kinds = ["admonition", node.tagname.split("_")[0], *node["classes"]]
    anchor = f' id="{escape(node["ids"][0])}"' if node["ids"] else ""
    return [_raw(f'<details class="{escape(" ".join(dict.fromkeys(kinds)))}"{anchor}><summary>'), _words(title),
            _raw("</summary>"), *(node.children[1:] if title else node.children), _raw("</details>")]


def _words(title: nodes.title | None) -> nodes.Node:
    """What the fold is called. It opens the fold, so a link within it becomes plain words."""
    if title is None:
        return nodes.Text("More")
    for link in list(title.findall(nodes.reference)):
        link.parent.replace(link, link.children)
    return nodes.inline("", "", *title.children)


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def box_tokens(app, doctree: nodes.document, docname: str) -> None:
    """Set code of one capital, figure or sign, such as `` `A` ``, as a token; other tokens say so with ``{.token}``.

    A single small letter is most often the name of a variable.
    """
    for node in doctree.findall(nodes.literal):
        if len(node.astext()) == 1 and not node.astext().islower():
            node["classes"].append("token")
