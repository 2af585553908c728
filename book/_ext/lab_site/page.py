"""What a page is made of: its contents list, its style sheets and scripts, its description, and its polished text.

An accessible page needs some corrections to the HTML that Sphinx and its extensions write. Each names a sign by which
its case is recognised. Where the sign is there but the pattern does not match, a new version of an extension writes
something else: that is a warning, and so fails a strict build.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from docutils import nodes
from sphinx.util import logging

import transformer_lab

from .audit import POLICY
from .chapters import ROMAN, TEMPLATES, read_ledger, read_plan
from .download import is_clone
from .strips import note

__all__ = ["CORRECTIONS", "Correction", "compose", "describe", "polish", "version"]

log = logging.getLogger(__name__)


def compose(app, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    """Fill in what ``layout.html`` asks for; a page gets the style sheets and scripts that it uses, and no others."""
    ledger = read_ledger(Path(app.srcdir), app.env.found_docs)
    claims = {claim["id"]: claim for claims in ledger.values() for claim in claims}
    context["body"] = polish(context.get("body", ""), pagename, claims)
    has_lab = "lab-static" in context["body"]
    context["lab_scripts"] = ["_static/book.js"] + ["_static/labs/host.js"] * has_lab
    context["lab_version"], context["lab_policy"] = version(), POLICY
    context["lab_contents"] = _contents(context, doctree)
    context["lab_description"] = describe(doctree) or app.config.html_title
    inside = pagename in app.env.found_docs - {app.config.root_doc}
    context["lab_trail"] = trail(Path(app.srcdir), pagename) if inside else ""
    source = context.get("sourcename", "")
    is_notebook = source.endswith(".ipynb")
    context["lab_notebook"] = f"_sources/{source}" if is_notebook else ""
    context["lab_zip"] = f"_downloads/{Path(source).stem}.zip" if is_notebook and is_clone(Path(app.srcdir)) else ""


def trail(source: Path, document: str) -> str:
    """The part of the book that a page belongs to."""
    parts = enumerate(read_plan(source))
    found = (f"Part {ROMAN[index]}: {part.title}" for index, part in parts
             if document in {chapter.document for chapter in part.chapters})
    return next(found, "Back matter")


def describe(doctree: nodes.document | None) -> str:
    """The first paragraph of a page, cut to the length that a list of search results shows."""
    first = doctree.next_node(nodes.paragraph) if doctree else None
    words = " ".join(first.astext().split()) if first else ""
    return words if len(words) <= 160 else words[:157].rsplit(" ", 1)[0] + " …"


def _contents(context: dict, doctree: nodes.document | None) -> str:
    """The parts and their chapters; under the page that is open, its sections."""
    html = context["toctree"](maxdepth=1, collapse=True, includehidden=True, titles_only=True)
    html = html.replace('<p aria-level="2" class="caption" role="heading">', '<p class="caption">')
    return re.sub(r'<a class="current reference internal" href="#">(.*?)</a>',
                  lambda here: f'<a aria-current="page" href="#">{here[1]}</a>{_sections(doctree)}', html)


def _sections(doctree: nodes.document | None) -> str:
    title = doctree.next_node(nodes.section) if doctree else None
    inner = [node for node in title.children if isinstance(node, nodes.section)] if title else []
    links = (f'<li><a href="#{section["ids"][0]}">{escape(section[0].astext())}</a></li>' for section in inner)
    return f"<ul>{''.join(links)}</ul>" if inner else ""


@cache
def version() -> str:
    """A short hash of what every page is made from: when it changes, the pages are made anew and reloaded."""
    package = Path(transformer_lab.__file__).parent
    files = [*sorted(TEMPLATES.parent.rglob("*.*")), *sorted((package / "widgets").rglob("*.[jc]s*")),
             package / "theme.json", package / "names.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.suffix != ".pyc")).hexdigest()[:8]


#: What Pygments marks and no style sheet shows: names, operators, brackets, spaces, numbers. It is most of a page.
UNSEEN = "n|o|p|w|mi|mf|mh|mb|il|nb|nn|bp|na|nv|vm|err"
#: A run of marks of one kind with nothing but space between them, and the one that stands for them.
RUN = re.compile(r'<span class="(\w+)">[^<]*</span>(?:\s*<span class="\1">[^<]*</span>)+')


def joined(run: re.Match) -> str:
    """One mark for a run of one kind.

    >>> RUN.sub(joined, '<span class="s2">"a"</span> <span class="s2">"b"</span>')
    '<span class="s2">"a" "b"</span>'
    """
    inner = re.sub(r"</?span[^>]*>", "", run[0])
    return f'<span class="{run[1]}">{inner}</span>'


class Correction(NamedTuple):
    """Wherever ``sign`` stands in a page, ``pattern`` must match, and is replaced."""

    why: str
    sign: str
    pattern: str
    replacement: str | Callable[[re.Match], str]

    def apply(self, html: str, page: str) -> str:
        corrected, count = re.subn(self.pattern, self.replacement, html, flags=re.DOTALL)
        if self.sign in html and not count:
            log.warning("%s: found %r, but not what should be corrected (%s)", page, self.sign, self.why)
        return corrected


CORRECTIONS = (
    Correction("the page asks no notebook service for a kernel", "thebe",
               r'<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName = .*?</script>', ""),
    Correction("a widget's state is in its own output", "application/vnd.jupyter.widget-state+json",
               r'<script type="application/vnd\.jupyter\.widget-state\+json">.*?</script>', ""),
    Correction("who still wants to guess need not read the answer first", "<strong>In one minute:</strong>",
               r"<li>\s*<p><strong>In one minute:</strong>\s*(.*?)</p>\s*</li>",
               r'<li><details class="minute"><summary>In one minute<span class="visually-hidden">:</span></summary>'
               r" <p>\1</p></details></li>"),
    Correction("an exercise is not failed by who reads it", 'class="lab-verdict lab-not-yet"',
               r'<p class="lab-verdict lab-not-yet">.*?</p>',
               '<p class="lab-verdict lab-not-yet">To try it, run the notebook: <code>make lab</code>.</p>'),
    Correction("code keeps the marks that the style shows, and no others", '<span class="n">',
               rf'<span class="(?:{UNSEEN})">([^<]*)</span>|<span></span>', r"\1"),
    Correction("neighbours of one colour are one mark", "<pre>", r"<pre>.*?</pre>",
               lambda code: RUN.sub(joined, code[0])),
    Correction("a table that is too wide can be scrolled", "<table", r"(<table[^>]*>.*?</table>)",
               r'<div class="table-scroll" role="group" aria-label="Table">\1</div>'),
    Correction("a sidenote's number stands close to its word", "class='margin-toggle'><span",
               r"(<label for='sidenote[^>]*>)<span[^>]*>\s*<sup>(\d+)</sup></span>\s*</label>",
               r'\1<span class="visually-hidden">Note </span><sup>\2</sup></label>'),
    Correction("an id names one place", '-content">', r'<section id="((?:exercise|solution)-content)">',
               r'<section class="\1">'),
    Correction("a bibliography is no list of list items", "citation-list", r'<div role="list" class="citation-list">',
               '<div class="citation-list">'),
    Correction("an entry of the bibliography has no role", "doc-biblioentry", r' role="doc-biblioentry"', ""),
    Correction("the sign that links to a heading has a name", 'class="headerlink"',
               r'<a class="headerlink" href="([^"]*)" title="([^"]*)">[^<]*</a>',
               r'<a class="headerlink" href="\1" aria-label="\2" tabindex="-1">#</a>'),
    Correction("a heading that opens a fold holds no link", "<summary><h",
               r'(<summary><h\d>(?:(?!</summary>).)*?)<a class="headerlink"[^>]*>[^<]*</a>', r"\1"),
)


def polish(html: str, page: str, claims: Mapping[str, dict] = MappingProxyType({})) -> str:
    """The body of a page, corrected; each claim of the book gets its strip or its value, and a link to the ledger."""
    for correction in CORRECTIONS:
        html = correction.apply(html, page)
    return _finish_claims(html, page, claims)


def _finish_claims(html: str, page: str, claims: Mapping[str, dict]) -> str:
    def finish(match: re.Match) -> str:
        if match[2] not in claims:
            log.warning("%s shows the claim %r, which no record in data/claims holds: run make execute", page, match[2])
            return match[0]
        return f"{match[1]} {note(claims[match[2]])}</p>"

    finished, count = re.subn(r'(<p class="lab-claim" id="claim-([\w-]+)">.*?)(?: <span class="lab-claim-source">'
                              r"[^<]*</span>)?</p>", finish, html, flags=re.DOTALL)
    if html.count('class="lab-claim"') != count:
        log.warning("%s: a claim's line could not be linked to the ledger", page)
    return finished
