"""Corrections to the HTML that Sphinx and its extensions write: what an accessible page needs and they do not give.

Each correction names a sign by which its case is recognised. Where the sign is there but the pattern does not
match, a new version of an extension writes something else: that is a warning, and so fails a strict build.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sphinx.util import logging

__all__ = ["CORRECTIONS", "Correction", "polish"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Correction:
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
    Correction("code that is too wide can be scrolled from the keyboard", "<pre", r"<pre>", '<pre tabindex="0">'),
    Correction("a table that is too wide can be scrolled from the keyboard", "<table", r"(<table[^>]*>.*?</table>)",
               r'<div class="table-scroll" tabindex="0" role="group" aria-label="Table">\1</div>'),
    Correction("a sidenote's number stands close to its word", "class='margin-toggle'><span",
               r"(<label for='sidenote[^>]*>)<span[^>]*>\s*<sup>(\d+)</sup></span>\s*</label>",
               r'\1<span class="visually-hidden">Note </span><sup>\2</sup></label>'),
    Correction("an id names one place", '-content">', r'<section id="((?:exercise|solution)-content)">',
               r'<section class="\1">'),
    Correction("a fold is called what it says", "Toggle hidden content",
               r'<summary aria-label="Toggle hidden content">', "<summary>"),
    Correction("a bibliography is no list of list items", "citation-list", r'<div role="list" class="citation-list">',
               '<div class="citation-list">'),
    Correction("an entry of the bibliography has no role", "doc-biblioentry", r' role="doc-biblioentry"', ""),
    Correction("the sign that links to a heading has a name", 'class="headerlink"',
               r'<a class="headerlink" href="([^"]*)" title="([^"]*)">[^<]*</a>',
               r'<a class="headerlink" href="\1" aria-label="\2">#</a>'),
)


def polish(html: str, page: str, claims: frozenset[str] = frozenset()) -> str:
    """The body of a page, corrected, with a link from each claim of the book to its entry in the ledger."""
    for correction in CORRECTIONS:
        html = correction.apply(html, page)
    return _link_claims(html, page, claims)


def _link_claims(html: str, page: str, claims: frozenset[str]) -> str:
    def link(match: re.Match) -> str:
        if match[2] not in claims:
            log.warning("%s shows the claim %r, which no record in data/claims holds: run make execute", page, match[2])
        return (f'{match[1]} <a class="lab-claim-link" href="ledger.html#claim-{match[2]}" '
                f'aria-label="This claim in the ledger">ledger</a></p>')

    linked, count = re.subn(r'(<p class="lab-claim" id="claim-([\w-]+)">.*?)</p>', link, html, flags=re.DOTALL)
    if html.count('class="lab-claim"') != count:
        log.warning("%s: a claim's line could not be linked to the ledger", page)
    return linked
