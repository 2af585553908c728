"""The files beside the pages: style sheets, fonts, KaTeX's fonts, the explorables; and away with what no page uses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from transformer_lab.theme import css_variables

from .directives import read_ledger
from .fonts import cached, cut, font_css, write_fonts
from .math import MODULES

__all__ = ["finish", "katex_css"]

HERE = Path(__file__).parent
STYLE = ("base", "page", "text", "cells", "home", "print")
# What Sphinx's own search needs; the rest of what the theme and the extensions put there is not used by any page.
KEPT = {"documentation_options.js", "doctools.js", "sphinx_highlight.js", "language_data.js", "searchtools.js",
        "favicon.svg"}
HOME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={home}.html">
<link rel="icon" href="_static/favicon.svg" type="image/svg+xml"></head>
<body><main><h1>{title}</h1><p><a href="{home}.html">Open the book</a></p></main></body></html>
"""


def finish(app, exception) -> None:
    """Bring the site's own files and remove the rest."""
    if exception is not None or app.builder.format != "html":
        return
    out, store = Path(app.outdir), Path(app.outdir).parent / "fonts"
    static = out / "_static"
    _clear(static)
    _remove_stale(out, app.env.found_docs)
    write_fonts(static / "fonts", store)
    (static / "book.css").write_text(_book_css(static / "fonts"), "utf-8")
    shutil.copyfile(HERE / "book.js", static / "book.js")
    (static / "katex.css").write_text(katex_css(_signs(out), static / "fonts", store), "utf-8")
    _write_labs(static / "labs")
    ledger = read_ledger(Path(app.srcdir), app.env.found_docs)
    (static / "claims.json").write_text(json.dumps(ledger, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (out / "index.html").write_text(HOME.format(title=app.config.project, home=app.config.root_doc), "utf-8")


def _clear(static: Path) -> None:
    for path in static.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in KEPT:
            path.unlink()


def _book_css(fonts: Path) -> str:
    own = ((HERE / "style" / f"{name}.css").read_text("utf-8") for name in STYLE)
    return squeezed("\n".join([css_variables(), font_css(fonts), *own]))


def _remove_stale(out: Path, documents: set[str]) -> None:
    """Remove the pages of chapters that an earlier build still had."""
    for page in out.rglob("*.html"):
        if page.relative_to(out).with_suffix("").as_posix() not in documents | {"search", "index"}:
            page.unlink()


def squeezed(css: str) -> str:
    """A style sheet without comments and spare blanks.

    >>> squeezed("a {  /* links */ color: red;\\n}")
    'a { color: red; }'
    """
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)).strip()


def _signs(out: Path) -> str:
    """Every character beyond ASCII that stands on a page with formulas."""
    pages = (page.read_text("utf-8") for page in sorted(out.rglob("*.html")))
    return "".join(sorted({sign for page in pages if 'class="katex' in page for sign in page if not sign.isascii()}))


def katex_css(used: str, folder: Path, store: Path) -> str:
    """KaTeX's style sheet with woff2 alone; its fonts go to a folder, cut to ASCII and the characters used."""
    dist = MODULES / "katex" / "dist"
    css = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)', "", (dist / "katex.min.css").read_text("utf-8"))
    kept = "".join(map(chr, range(0x20, 0x7F))) + used
    for name in re.findall(r"url\(fonts/([\w-]+\.woff2)\)", css):
        source = (dist / "fonts" / name).read_bytes()
        (folder / name).write_bytes(cached(store, source + kept.encode(), lambda s=source: cut(s, kept)))
    return css


def _write_labs(folder: Path) -> None:
    """The explorables: a host that wakes them, and a classic script for each, which works from a disk too."""
    from transformer_lab.widgets import bundle

    folder.mkdir()
    for name, text in bundle.files().items():
        (folder / name).write_text(text, "utf-8")
