"""The audit that ends each build: nothing external is loaded, and no internal link leads nowhere.

It reads every page, style sheet and script of the built site and warns of what it finds; a strict build fails on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

__all__ = ["POLICY", "faults", "finish"]

log = logging.getLogger(__name__)
EXTERNAL = re.compile(r"(?:https?:)?//", re.IGNORECASE)
CSS_LOAD = re.compile(r"""(?:url\(\s*|@import\s+)["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
SCRIPT_LOAD = re.compile(r"""(?:\b(?:fetch|import|importScripts)\s*\(|\bfrom\b|\bsrc\s*[:=])"""
                         r"""\s*["'`]((?:https?:)?//[^"'`]+)""")
#: What every page asks its browser to hold it to: it runs and loads the files of this site, and no script that stands
#: in it. A page from a disk is no origin that every browser takes for 'self', hence ``file:``, which http never loads.
POLICY = ("default-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:; "
          "object-src 'none'; base-uri 'none'; form-action 'self' file:")
# What a browser loads by itself, as opposed to what it opens when asked.
LOADED = {"src", "srcset", "poster", "data", "xlink:href"}
SCRIPT_ADDRESS = re.compile(r"\s*javascript:", re.IGNORECASE)
CSP = "content-security-policy"
LINK_RELATIONS = {"stylesheet", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch", "icon",
                  "manifest"}


class Page(HTMLParser):
    """What one page loads, links to, and can be linked to."""

    def __init__(self, text: str):
        super().__init__()
        self.loads, self.links, self.anchors, self.styles = [], [], [], []
        self.scripts, self.policies = [], []
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes) -> None:
        values = {name: value or "" for name, value in attributes}
        self._in_style = tag == "style"
        self.anchors += [values["id"]] if "id" in values else []
        self.styles.append(values.get("style", ""))
        self.scripts += ["<script> without a file of its own"] if tag == "script" and not values.get("src") else []
        self.scripts += [f"{tag} {name}" for name in values if name.startswith("on")]
        self.scripts += [f"{tag} {value}" for value in values.values() if SCRIPT_ADDRESS.match(value)]
        self.policies += [values["content"]] if values.get("http-equiv", "").lower() == CSP else []
        self.loads += [values[name] for name in LOADED & values.keys()]
        if (tag == "link" and LINK_RELATIONS & set(values.get("rel", "").split())) or tag in {"use", "image"}:
            self.loads.append(values.get("href", ""))
        elif tag in {"a", "area"} and "href" in values:
            self.links.append(values["href"])

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def faults(folder: Path) -> Iterator[str]:
    """A sentence for each thing that a page would ask of another server, and each link that leads nowhere."""
    opened = cache(lambda path: Page(path.read_text("utf-8")))
    for path in sorted(folder.rglob("*.html")):
        page, name = opened(path), path.relative_to(folder)
        for address in page.loads + CSS_LOAD.findall("\n".join(page.styles)):
            if EXTERNAL.match(address):
                yield f"{name} loads {address}, which is not on this site"
            elif not address.startswith(("data:", "#")):
                yield from _missing(folder, path, address, opened)
        yield from (f"{name} has a script that its policy forbids: {script}" for script in page.scripts)
        if page.policies != [POLICY]:
            yield f"{name} does not carry the policy of this site"
        for anchor, count in Counter(page.anchors).items():
            if count > 1:
                yield f"{name} has the id {anchor!r} {count} times"
        for address in page.links:
            yield from _missing(folder, path, address, opened)
    yield from _sheets_and_scripts(folder)


def _sheets_and_scripts(folder: Path) -> Iterator[str]:
    for pattern, kind in ((CSS_LOAD, "*.css"), (SCRIPT_LOAD, "*.js")):
        for path in sorted(folder.rglob(kind)):
            for address in pattern.findall(path.read_text("utf-8")):
                yield f"{path.relative_to(folder)} loads {address}, which is not on this site"


def _missing(folder: Path, path: Path, address: str, opened) -> Iterator[str]:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or not target.is_relative_to(folder.resolve()):
        yield f"{path.relative_to(folder)} points to {address}, but there is no such file"
    elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in opened(target).anchors:
        yield f"{path.relative_to(folder)} points to {address}, but that page has no such place"


def finish(app, exception) -> None:
    """Warn of every fault in the built site."""
    if exception is None and app.builder.format == "html":
        for fault in faults(Path(app.outdir).resolve()):
            log.warning("audit: %s", fault)
