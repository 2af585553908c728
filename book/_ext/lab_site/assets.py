"""The files beside the pages: style sheets, fonts, KaTeX's fonts, the explorables; and away with what no page uses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from transformer_lab.theme import css_variables
from transformer_lab.widgets.bundle import files

from .audit import POLICY
from .chapters import filled, read_ledger
from .fonts import cached, cut, font_css, write_fonts
from .math import MODULES

__all__ = ["finish", "katex_css"]

HERE = Path(__file__).parent
CHANGED = """What these pages carry of others, and under which licence. The fonts are cut to the letters of this book,
and bear other names for that reason: "Lab Serif", "Lab Sans" and "Lab Code" are made of Source Serif 4, Source Sans 3
and Source Code Pro, (c) Adobe, with Reserved Font Name "Source"; "Lab Symbols" of KaTeX_Main, "Lab Marks" of Source
Sans 3 and of marks of our own. The icons are our own.

"""
SCRIPTS = ("theme.js", "book.js", "search.js")
STYLE = ("base", "page", "text", "cells", "home", "print")
KEPT = {"favicon.svg"}    # of what the theme and the extensions put there


def finish(app, exception) -> None:
    """Bring the site's own files and remove the rest."""
    if exception is not None or app.builder.format != "html":
        return
    out, store = Path(app.outdir), Path(app.outdir).parent / "fonts"
    static = out / "_static"
    _clear(static)
    _remove_stale(out, app.env.found_docs)
    write_fonts(static / "fonts", store)
    katex = katex_css(_signs(out), static / "fonts", store)     # before our rules for formulas, which change its own
    sheets = [_on_screens_alone(css_variables()), font_css(static / "fonts"), *map(_style, STYLE), katex,
              _style("formulas"), files()["labs.css"]]    # one file: a page waits once
    (static / "book.css").write_text(squeezed("\n".join(sheets)), "utf-8")
    for script in SCRIPTS:
        shutil.copyfile(HERE / script, static / script)
    (static / "licenses.txt").write_text(licenses(), "utf-8")
    (static / "labs").mkdir()
    for name, text in files().items():               # the explorables; each works from a disk too
        (static / "labs" / name).write_text(text, "utf-8")
    ledger = read_ledger(Path(app.srcdir), app.env.found_docs)
    (static / "claims.json").write_text(json.dumps(ledger, indent=1, ensure_ascii=False) + "\n", "utf-8")
    root = filled("home.html", title=app.config.html_title, policy=POLICY, home=app.config.root_doc)
    (out / "index.html").write_text(root, "utf-8")


def _style(name: str) -> str:
    return (HERE / "style" / f"{name}.css").read_text("utf-8")


def licenses() -> str:
    """What the site carries of others, each with its licence: the fonts and KaTeX."""
    packages = [path.parent for path in sorted(MODULES.glob("@fontsource-variable/*/LICENSE"))] + [MODULES / "katex"]
    told = []
    for package in packages:
        about = json.loads((package / "package.json").read_text("utf-8"))
        told.append((f"{about['name']} {about['version']}", (package / "LICENSE").read_text("utf-8")))
    line = "=" * 72
    return CHANGED + "\n".join(f"{line}\n{name}\n{line}\n\n{text.strip()}\n" for name, text in told)


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


def _on_screens_alone(variables: str) -> str:
    """The colours, the dark ones for screens alone: paper is white."""
    light, dark = variables.strip().splitlines()
    return f"{light}\n@media screen {{ {dark} }}"


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
