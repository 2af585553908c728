"""make pdf N=01: a chapter on paper, _build/pdf/01-….pdf; without N the whole book, _build/pdf/transformer-lab.pdf.

Light; folds stay closed, those of code and hints are left out, and solutions and the answers of the quiz come last. The
explorables are their still pictures. A headless Chromium prints.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from built import BUILT, HERE, article, chapter, chapters, one_file, printed, written

MATTER = ("index", "notation", "glossary", "references")    # pages of the book beside its chapters
LEFT_OUT = ("details.code, details.source, .tag_shows-set-up, .tag_shows-question, "
            ".lab-start, .lab-verdict, .lab-claim-link")


def paper(page: Path, others: set[str]) -> Tag:
    """A page for paper: its ids carry its name, so that pages can stand in one file, and its links lead within it."""
    made = article(page)
    for spare in made.select(LEFT_OUT):
        spare.decompose()
    for hint in made.select(".exercise details, .hint"):
        hint.decompose()
    for short in made.select("details.minute"):
        short.summary.name = "strong"
        short.p.unwrap()
        short.unwrap()
    solutions_last(made)
    for element in made.select("[id]"):
        element["id"] = f"{page.stem}--{element['id']}"
    for link in made.select("a[href]"):
        lead_within(link, page, others)
    made["id"] = page.stem
    return made


def solutions_last(made: Tag) -> None:
    """Solutions, and the answers of the quiz under their questions, as a section at the end of the page."""
    soup, folds = BeautifulSoup("", "html.parser"), made.select("details.solution, .quiz details")
    if not folds:
        return
    section, heading = soup.new_tag("section"), soup.new_tag("h2")
    heading.string, section["class"] = "Solutions", ["solutions"]
    section.append(heading)
    for fold in folds:
        quiz = fold.find_parent(class_="quiz")
        title = soup.new_tag("h3")
        title.string = (quiz.select_one(".admonition-title") if quiz else fold.summary).get_text(" ", strip=True)
        fold.summary.decompose()
        fold.extract()
        fold.name, fold["class"] = "div", ["solution"]
        section.extend([title, fold])
    made.append(section)


def lead_within(link: Tag, page: Path, others: set[str]) -> None:
    """A link to another page that is printed too leads there; one to a page that is not becomes plain words."""
    address, _, anchor = link["href"].partition("#")
    if address.startswith(("http:", "https:", "mailto:")):
        return
    stem = Path(address).stem if address else page.stem
    if stem not in others:
        link.name, link.attrs = "span", {}
    else:
        link["href"] = f"#{stem}--{anchor}" if anchor else f"#{stem}"


def sheet_of(site: Path, pages: list[Path], title: str) -> str:
    """All pages as one file for paper."""
    body = "".join(str(paper(page, {each.stem for each in pages})) for page in pages)
    return one_file(title, body, site, sheets=[(HERE / "paper.css").read_text("utf-8")], kind="paper")


def pdf(site: Path, number: str | None, folder: Path) -> Path:
    """Print a chapter, or the whole book."""
    pages = [chapter(site, number)] if number else book(site)
    name = pages[0].stem if number else "transformer-lab"
    page = written(folder / f"{name}.html", sheet_of(site, pages, "Transformer Lab"))
    return printed(page, folder / f"{name}.pdf")


def book(site: Path) -> list[Path]:
    first, *rest = [site / "book" / f"{name}.html" for name in MATTER]
    return [first, *chapters(site), *rest]


if __name__ == "__main__":
    print(f"On paper: {pdf(BUILT / 'html', (sys.argv[1:] or [None])[0], BUILT / 'pdf')}")
