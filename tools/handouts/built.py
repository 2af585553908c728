"""The built pages taken apart, and put together again as one file that needs nothing beside it."""

from __future__ import annotations

import base64
import mimetypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build"
HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-pdf-header-footer")


def chapters(site: Path) -> list[Path]:
    """The pages of all chapters, in order."""
    return sorted((site / "book").glob("[0-9][0-9]-*.html"))


def chapter(site: Path, number: str) -> Path:
    """The page of one chapter; what is no chapter's number ends the command with a sentence."""
    found = [page for page in chapters(site) if page.name[:2] == number.zfill(2)]
    if not found:
        there = ", ".join(page.name[:2] for page in chapters(site)) or "none: run `make book` first"
        sys.exit(f"Transformer Lab: there is no built chapter {number!r}; there are {there}.")
    return found[0]


def article(page: Path) -> Tag:
    """What a page says, without the signs that link to its headings and without scripts."""
    found = BeautifulSoup(page.read_text("utf-8"), "html.parser").article.extract()
    for spare in found.select(".headerlink, script, .copy"):
        spare.decompose()
    return found


def without_ways_out(part: Tag) -> Tag:
    """The same with its links within the book as plain words: not all that they lead to comes along."""
    for link in part.select("a[href]"):
        if not link["href"].startswith(("http:", "https:")):
            link.name, link.attrs = "span", {}
    return part


def one_file(title: str, body: str, site: Path, *, sheets=(), scripts=(), kind: str) -> str:
    """A page with its styles, fonts and scripts inside; ``body`` is HTML, ``sheets`` and ``scripts`` are texts."""
    static = site / "_static"
    styles = [inlined((static / "book.css").read_text("utf-8"), static), *sheets]
    safe = [Markup(text.replace("</script", r"<\/script")) for text in scripts]
    page = Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template("page.html")
    return page.render(title=title, body=Markup(body), styles=list(map(Markup, styles)), scripts=safe, kind=kind)


def inlined(css: str, folder: Path) -> str:
    """A style sheet with its fonts inside."""
    def data(match: re.Match) -> str:
        file = folder / match[1]
        kind = mimetypes.guess_type(file.name)[0] or "font/woff2"
        return f"url(data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()})"

    return re.sub(r"url\([\"']?(?!data:)([^)\"'#]+)[\"']?\)", data, css)


def explorables(parts: list[Tag], site: Path) -> list[str]:
    """The scripts that bring the explorables of these parts to life, with their data."""
    labs = site / "_static" / "labs"
    names = {each["data-lab"] for part in parts for each in part.select(".lab-static")}
    if not names:
        return []
    texts = [(labs / f"{name}.js").read_text("utf-8") for name in sorted(names)]
    data = {found for text in texts for found in re.findall(r'\bdata: ?\\?"([\w-]+)\\?"', text)}
    files = [file for file in (labs / f"data-{name}.js" for name in sorted(data)) if file.is_file()]
    return [(labs / "host.js").read_text("utf-8"), *texts, *(file.read_text("utf-8") for file in files)]


def written(path: Path, text: str) -> Path:
    """Write a file whole, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.part")
    half.write_text(text, "utf-8")
    half.replace(path)
    return path


def browser() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    return os.environ.get("LAB_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def printed(page: Path, target: Path) -> Path:
    """The page as a PDF, by a headless Chromium."""
    if not (found := browser()):
        sys.exit("Transformer Lab: printing needs a Chromium (Debian: apt-get install chromium, or set LAB_CHROMIUM to "
                 f"its path). Without one, open {page} in a browser and print it.")
    half = target.with_name(f"{target.name}.part.pdf")
    done = subprocess.run([found, *FLAGS, f"--print-to-pdf={half}", page.as_uri()], capture_output=True, text=True)
    if not half.is_file():
        sys.exit(f"Transformer Lab: {found} printed nothing: {done.stderr.strip()[-300:]}")
    half.replace(target)
    return target
