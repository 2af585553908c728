"""make slides N=01: one chapter as slides, in one file that works offline: _build/slides/01-….html.

From the built page: its question, the puzzle, the questions to predict, each equation with the sentence before it, each
figure with the claims that rest on it, the explorables (live), what was learned, and the quiz with folded answers.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from built import BUILT, HERE, article, chapter, explorables, one_file, without_ways_out, written

MOST_CLAIMS = 4
SHOWN = {"tag_shows-figure", "tag_shows-explorable", "tag_shows-question"}


class Deck:
    """Slides in order, each a heading and what stands under it."""

    def __init__(self):
        self.soup, self.slides = BeautifulSoup("", "html.parser"), []

    def add(self, heading: str, *parts: Tag, kind: str = "") -> Tag:
        slide, inner, title = (self.soup.new_tag(name) for name in ("section", "div", "h2"))
        slide["class"], inner["class"] = ["slide", *kind.split()], "inner"
        title.string = heading
        inner.extend([title, *parts])
        slide.append(inner)
        self.slides.append(slide)
        return slide

    def text(self, name: str, words: str) -> Tag:
        made = self.soup.new_tag(name)
        made.string = words
        return made


def deck(page: Path) -> Deck:
    """The slides of a chapter."""
    whole, made = without_ways_out(article(page)), Deck()
    top = whole.section
    for spare in whole.select("details.code, details.source, .lab-claim-link"):
        spare.decompose()
    heading = " ".join(top.h1.get_text().split())
    made.add(heading, *card(top, made), kind="first")
    for section in top.find_all("section", recursive=False):
        title = " ".join(section.h2.get_text().split())
        part = title.partition(":")[0]
        if part == "Puzzle":
            shown(section, title, made, last=made.add(title, *puzzle(section)))
        elif part == "What we learned":
            learned(section, title, made)
        elif part == "Exercises":
            names = section.select(".exercise > .admonition-title")
            made.add(title, wrapped(made, "ul", [made.text("li", name.get_text(" ", strip=True)) for name in names]))
        else:
            shown(section, title, made)
    return made


def card(top: Tag, made: Deck) -> list[Tag]:
    """The chapter's question, and its other lines small."""
    lines = top.select(".card li") or top.select(".card p:not(.admonition-title)")
    return [made.text("p", " ".join(line.get_text().split())) for line in lines]


def wrapped(made: Deck, name: str, parts) -> Tag:
    box = made.soup.new_tag(name)
    box.extend(list(parts))
    return box


def puzzle(section: Tag) -> list[Tag]:
    """What the puzzle shows, and the sentence that asks."""
    said = section.find_all("p", recursive=False)
    asking = [p for p in said if p.strong] or said
    return [cell.extract() for cell in section.select(".cell")[:2]] + [p.extract() for p in asking[-1:]]


def shown(section: Tag, title: str, made: Deck, last: Tag | None = None) -> None:
    """A slide for each figure, explorable, question and equation of a section; claims go with what they follow."""
    claims = 0 if last is None else MOST_CLAIMS - 1       # a puzzle has its own words
    for part in section.find_all(["div", "h3", "p"]):
        classes = part.get("class", [])
        if part.name == "h3":
            title = " ".join(part.get_text().split())
        elif part.name == "div" and "cell" in classes and SHOWN & {*classes}:
            last, claims = made.add(title, *part.select(".cell_output, figcaption, .caption"), kind="picture"), 0
        elif part.name == "div" and "math-block" in classes and part.get("id"):
            said = part.find_previous_sibling("p")
            last, claims = made.add(title, *([said] if said else []), part, kind="equation"), 0
        elif part.name == "p" and "lab-claim" in classes and last is not None and claims < MOST_CLAIMS:
            last.div.append(part)
            claims += 1


def learned(section: Tag, title: str, made: Deck) -> None:
    """The sentences, and a slide for each question of the quiz; its answer stays folded."""
    if said := section.find("ul"):
        made.add(title, said.extract())
    for quiz in section.select(".quiz"):
        name = quiz.select_one(".admonition-title").extract()
        made.add(name.get_text(" ", strip=True), *list(quiz.children), kind="quiz")


def slides(site: Path, number: str, target: Path | None = None) -> Path:
    """Write the slides of a chapter, and say where."""
    page = chapter(site, number)
    made = deck(page)
    for at, slide in enumerate(made.slides, 1):
        slide["id"], slide["aria-label"] = f"s{at}", f"Slide {at} of {len(made.slides)}"
    title = made.slides[0].h2.get_text()
    text = one_file(f"{title} · slides", "".join(map(str, made.slides)), site, kind="deck",
                    sheets=[(HERE / "deck.css").read_text("utf-8")],
                    scripts=[*explorables(made.slides, site), (HERE / "deck.js").read_text("utf-8")])
    return written(target or BUILT / "slides" / page.name, text)


if __name__ == "__main__":
    for number in sys.argv[1:]:
        print(f"Slides: {slides(BUILT / 'html', number)}   (arrow keys turn, d is the dark theme)")
