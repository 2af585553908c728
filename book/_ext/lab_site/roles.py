"""Queries, keys and values in displayed equations carry the colour of what they are, as a line under the letter.

An equation is about attention if it names a query *and* a key; elsewhere q, k and v are other things (the second
moment of Adam is a v, a share of tokens is a q). The lines differ in kind as well: whole, dashed, double.
"""

from __future__ import annotations

import re

__all__ = ["marks"]

ROLES = {"q": "query", "k": "key", "v": "value"}
WORDS = re.compile(r"\\(?:text|operatorname|mathrm|label)\{[^}]*\}|\\[a-zA-Z]+")


def marks(tex: str) -> dict[str, str]:
    """The class of each letter that the drawn formula marks: none, if it is not about attention.

    >>> marks(r"q k^\\top")
    {'q': 'of-query', 'k': 'of-key', 'v': 'of-value'}
    >>> marks(r"q + q")
    {}
    """
    named = {letter.lower() for letter in WORDS.sub(" ", tex)}
    return {letter: f"of-{role}" for letter, role in ROLES.items()} if {"q", "k"} <= named else {}
