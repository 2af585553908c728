"""Queries, keys and values in displayed equations carry the colour of what they are, as a line under the letter.

An equation is about attention if it names a query *and* a key; elsewhere q, k and v are other things (the second
moment of Adam is a v, a share of tokens is a q). The lines differ in kind as well: whole, dashed, double.
"""

from __future__ import annotations

import re

__all__ = ["marked"]

ROLES = {"q": "query", "k": "key", "v": "value"}
WORDS = re.compile(r"\\(?:text|operatorname|mathrm|label)\{[^}]*\}|\\[a-zA-Z]+")
LETTER = re.compile(r'<span class="(mord math(?:normal|bf)[^"]*)"([^>]*)>([qkv])</span>', re.IGNORECASE)


def marked(tex: str, html: str) -> str:
    """The HTML of a displayed formula, with the letters of queries, keys and values marked where it is about attention.

    >>> letters = '<span class="katex-html"><span class="mord mathnormal">q</span></span>'
    >>> marked(r"q k^\\top", letters)
    '<span class="katex-html"><span class="mord mathnormal of-query">q</span></span>'
    >>> marked(r"q + q", letters) == letters
    True
    """
    named = {letter.lower() for letter in WORDS.sub(" ", tex)}
    if not {"q", "k"} <= named:
        return html
    spoken, sign, drawn = html.partition('class="katex-html"')
    return spoken + sign + LETTER.sub(
        lambda found: f'<span class="{found[1]} of-{ROLES[found[3].lower()]}"{found[2]}>{found[3]}</span>', drawn)
