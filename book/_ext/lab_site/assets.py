"""The files beside the pages: style sheets, fonts, KaTeX's fonts, the explorables; and away with what no page uses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from transformer_lab.theme import css_variables
from transformer_lab.widgets.bundle import files

from .chapters import filled, read_ledger
from .fonts import cached, cut, font_css, write_fonts
from .math import MODULES

__all__ = ["finish", "katex_css"]

HERE = Path(__file__).parent
STYLE = ("base", "page", "text", "cells", "home", "print")
# What Sphinx's own search needs; the rest of what the theme and the extensions put there is not used by any page.
KEPT = {"documentation_options.js", "doctools.js", "sphinx_highlight.js", "language_data.js", "searchtools.js",
        "favicon.svg"}


def finish(app, exception) -> None:
    """Bring the site's own files and remove the rest."""
    if exception is not None or app.builder.format != "html":
        return
    out, store = Path(app.outdir), Path(app.outdir).parent / "fonts"
    static = out / "_static"
    _clear(static)
    _remove_stale(out, app.env.found_docs)
    write_fonts(static / "fonts", store)
    own = [(HERE / "style" / f"{name}.css").read_text("utf-8") for name in STYLE]
    (static / "book.css").write_text(squeezed("\n".join([css_variables(), font_css(static / "fonts"), *own])), "utf-8")
    shutil.copyfile(HERE / "book.js", static / "book.js")
    (static / "katex.css").write_text(katex_css(_signs(out), static / "fonts", store), "utf-8")
    (static / "labs").mkdir()
    for name, text in files().items():               # the explorables; each works from a disk too
        (static / "labs" / name).write_text(text, "utf-8")
    ledger = read_ledger(Path(app.srcdir), app.env.found_docs)
    (static / "claims.json").write_text(json.dumps(ledger, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (out / "index.html").write_text(filled("home.html", title=app.config.project, home=app.config.root_doc), "utf-8")


def _clear(static: Path) -> None:
    for path in static.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in KEPT:
            path.unlink()


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
    pages = (page.read_text("utf-8") for page in out.rglob("*.html"))
    signs = set().union(*(page for page in pages if 'class="katex' in page))
    return "".join(sorted(sign for sign in signs if not sign.isascii()))


def katex_css(used: str, folder: Path, store: Path) -> str:
    """KaTeX's style sheet with woff2 alone; its fonts go to a folder, cut to ASCII and the characters used."""
    dist = MODULES / "katex" / "dist"
    css = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)', "", (dist / "katex.min.css").read_text("utf-8"))
    kept = "".join(map(chr, range(0x20, 0x7F))) + used
    for name in re.findall(r"url\(fonts/([\w-]+\.woff2)\)", css):
        source = (dist / "fonts" / name).read_bytes()
        (folder / name).write_bytes(cached(store, source + kept.encode(), lambda s=source: cut(s, kept)))
    return css
