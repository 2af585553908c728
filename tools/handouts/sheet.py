"""make sheet N=01: the exercises of a chapter on paper, without solutions: _build/sheets/01-….html, to be printed.

Each exercise has its stub and room to write; the hints stand on a page of their own at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from built import BUILT, HERE, article, chapter, one_file, without_ways_out, written

LINES = {"Warm-up": 7, "Core": 11, "Stretch": 15}    # of room, by level


def sheet(page: Path) -> tuple[str, Tag]:
    """The title of a chapter, and its exercises as a page."""
    whole = without_ways_out(article(page))
    title, soup = " ".join(whole.h1.get_text().split()), BeautifulSoup("", "html.parser")
    made, hints = soup.new_tag("article"), []
    made.extend([_told(soup, "h1", f"{title}: exercises"), _told(soup, "p", "Name:", "name")])
    for exercise in whole.select("div.exercise"):
        name = exercise.select_one(".admonition-title").get_text(" ", strip=True)
        hints += [(name, hint.extract()) for hint in exercise.select("details")]
        made.extend([exercise, *_stub(exercise, whole), *_room(soup, name)])
    for quiz in whole.select(".quiz"):
        for answer in quiz.select("details"):
            answer.decompose()
        made.extend([quiz, *_room(soup, "quiz")])
    if hints:
        made.append(_told(soup, "h1", "Hints", "apart"))
    for name, hint in hints:
        made.append(_told(soup, "h2", f"{name}: {hint.summary.get_text(strip=True)}"))
        made.extend([part for part in list(hint.children) if part is not hint.summary])
    return title, made


def _told(soup: BeautifulSoup, name: str, words: str, kind: str = "") -> Tag:
    made = soup.new_tag(name)
    made.string = words
    if kind:
        made["class"] = [kind]
    return made


def _stub(exercise: Tag, whole: Tag) -> list[Tag]:
    """The code that the exercise begins with: of the first cell after it."""
    cell = exercise.find_next(class_="cell")
    found = cell.select_one("pre") if cell else None
    return [found.extract()] if found is not None and "NotImplementedError" in found.get_text() else []


def _room(soup: BeautifulSoup, name: str) -> list[Tag]:
    lines = next((count for level, count in LINES.items() if f"{level}:" in name), 3)
    room = soup.new_tag("div")
    room["class"], room["style"] = ["room"], f"height: {lines * 9}mm"
    return [room]


def sheets(site: Path, number: str, target: Path | None = None) -> Path:
    """Write the sheet of a chapter, and say where."""
    page = chapter(site, number)
    title, made = sheet(page)
    style = (HERE / "paper.css").read_text("utf-8")
    text = one_file(f"{title} · exercises", str(made), site, sheets=[style], kind="paper sheet")
    return written(target or BUILT / "sheets" / page.name, text)


if __name__ == "__main__":
    for number in sys.argv[1:]:
        print(f"Exercises to print: {sheets(BUILT / 'html', number)}")
