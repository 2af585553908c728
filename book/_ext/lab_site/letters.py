"""What a source may hold: letters that a page can show. A zero byte or half a letter is told, with its place."""

from __future__ import annotations

import re

from sphinx.util import logging

__all__ = ["check", "strange"]

log = logging.getLogger(__name__)
# A zero byte or half of a pair of UTF-16: as they are, or as a notebook's JSON writes them.
STRANGE = re.compile(r"[\x00\ud800-\udfff]")
WRITTEN = re.compile(r"(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
                     r"|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))")


def strange(text: str, is_json: bool) -> tuple[str, int]:
    """The text with each of them replaced by the sign for "no letter", and how many there were.

    >>> strange("a\\x00b", False)
    ('a\ufffdb', 1)
    """
    clean, count = STRANGE.subn("\ufffd", text)
    if not is_json:
        return clean, count
    found = [match for match in WRITTEN.finditer(clean) if not match[2]]
    return WRITTEN.sub(lambda match: match[0] if match[2] else match[1] + "\ufffd", clean), count + len(found)


def check(app, docname: str, source: list[str]) -> None:
    """Warn, which fails a strict build, where a page would otherwise end in a traceback."""
    source[0], count = strange(source[0], app.env.doc2path(docname).endswith(".ipynb"))
    if count:
        log.warning("%s holds %d character(s) that no page can show (a zero byte, or half of a surrogate pair); "
                    "remove them from the text or from what a cell prints", docname, count)
