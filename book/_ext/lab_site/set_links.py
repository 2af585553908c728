"""Sentences that move an explorable: ``[flatten it](set:soft-lookup?temperature=100)`` sets traits of the page's
explorable of that name, ``[the query](part:soft-lookup?query)`` lights up a part of its picture.

Both are plain links in Markdown, so that anything else that reads a chapter shows their words. What they name is held
to the explorable: an unknown one, a trait or a value that its Python class refuses, a part that its still picture does
not have are warnings, and so fail a strict build. Without scripts they lead to the explorable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from html import escape, unescape
from urllib.parse import parse_qsl, unquote

from docutils import nodes
from sphinx.util import logging

from transformer_lab import widgets
from transformer_lab.errors import ArgumentError, LabError
from transformer_lab.rules import Choice
from transformer_lab.widgets.bundle import names, poster

__all__ = ["connect", "options", "part"]

log = logging.getLogger(__name__)
STATIC = re.compile(r'<div class="lab-static" data-lab="([\w-]+)"')
ONLY_IN_NOTEBOOKS = re.compile(r'<div class="lab-notebook">.*?</div>', re.DOTALL)


def options(name: str, query: str) -> dict:
    """The state that ``query`` asks for, as the explorable itself would have it, or the package's error.

    >>> options("soft-lookup", "temperature=100&scaled=false")
    {'temperature': 100.0, 'scaled': False}
    """
    explorable = _explorable(name)
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    with explorable.hold_trait_notifications():  # what is asked for together is judged together
        for key, text in pairs:
            now = explorable.state()[Choice(explorable.state())("option", key)]
            setattr(explorable, key, text if isinstance(now, str) else _value(text))
    return {key: explorable.state()[key] for key, _ in pairs}


def _explorable(name: str):
    return getattr(widgets, Choice(names())("explorable", name).title().replace("-", ""))()


def _value(text: str):
    """A number, a truth value or a list as JSON has them; what is none of these is refused by its rule."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def part(name: str, query: str) -> str:
    """The part of the explorable's picture, which must have it.

    >>> part("soft-lookup", "query")
    'query'
    """
    return Choice(_parts(name))("part", unquote(query))


@cache
def _parts(name: str) -> list[str]:
    return sorted(set(re.findall(r'data-part="([\w-]+)"', poster(name, {}))))


def _link(kind: str, name: str, query: str, there) -> str:
    """The attribute that makes a link one of ours: what ``js/host.js`` does with it."""
    if name not in there:
        raise ArgumentError("explorable", repr(name), f"one on this page: {', '.join(there) or 'there is none'}",
                            "Name the explorable by its file, js/NAME.js.")
    return json.dumps(options(name, query)) if kind == "set" else part(name, query)


def _resolve(app, doctree: nodes.document) -> None:
    """Take off what only notebooks show, give each explorable a place to lead to, and make the links, each to the
    nearest explorable of its name.
    """
    there: dict[str, list[tuple[int, str]]] = {}
    order = {id(node): place for place, node in enumerate(doctree.findall())}
    for node in list(doctree.findall(nodes.raw)):
        if found := STATIC.search(node.astext()):
            text, places = ONLY_IN_NOTEBOOKS.sub("", node.astext()), there.setdefault(found[1], [])
            anchor = f"lab-{found[1]}" + (f"-{len(places) + 1}" if places else "")
            places.append((order[id(node)], anchor))
            text = text.replace(found[0], f'{found[0]} id="{anchor}"', 1)
            node.parent.replace(node, nodes.raw("", text, format="html"))
    for link in list(doctree.findall(_ours)):
        try:
            address = unescape(link["refuri"])
            kind, name, query = re.fullmatch(r"(set|part):([\w-]+)\?(.*)", address).groups()
            data = _link(kind, name, query, there)
        except (LabError, AttributeError, ValueError) as error:
            log.warning("%s: %s", link["refuri"], error, location=link)
            continue
        link["refuri"] = "#" + min(there[name], key=lambda place: abs(place[0] - order[id(link)]))[1]
        link.parent.replace(link, _marked(link, f"data-{kind}", data))


def _ours(node: nodes.Node) -> bool:
    return isinstance(node, nodes.reference) and node.get("refuri", "").startswith(("set:", "part:"))


def _marked(link: nodes.reference, attribute: str, value: str) -> nodes.inline:
    """The link between two tags of its own, since Sphinx writes no other attributes into ``<a>``."""
    tag = f'<a class="lab-link" href="{link["refuri"]}" {attribute}="{escape(value)}"{_name(link)}>'
    return nodes.inline("", "", nodes.raw("", tag, format="html"), *link.children, nodes.raw("", "</a>", format="html"))


def _name(link: nodes.reference) -> str:
    """A link that is nothing but a formula is called by the letters that one sees: not every program that reads pages
    aloud takes mathematics for a name.
    """
    if all(isinstance(child, nodes.math) for child in link.children):
        return f' aria-label="{escape(re.sub(r"[{}_^]", "", link.astext()))}"'
    return ""


def connect(app) -> None:
    """Let the parser take the two kinds of address, and resolve them when a page is read."""
    def allow(app, config) -> None:
        schemes = config.myst_url_schemes
        known: dict[str, Callable | None] = dict.fromkeys(schemes) if not isinstance(schemes, dict) else dict(schemes)
        config.myst_url_schemes = known | {"set": None, "part": None}
    app.connect("config-inited", allow, priority=1)
    app.connect("doctree-read", _resolve)
