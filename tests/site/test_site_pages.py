"""What the built pages hold: numbers, links, the ledger, the map, and no more weight than they may have."""

from __future__ import annotations

import html
import json
import re

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from sample_book import LEDGER, ROOT

from lab_site import fonts, marks
from transformer_lab import VOCABULARY

THEME_FILES = ("bootstrap", "fontawesome", "require", "thebe", "mathjax", "html-manager", "pydata")


@pytest.fixture(scope="session")
def chapter(sample_site) -> str:
    return (sample_site / "book" / "02-sample.html").read_text("utf-8")


def test_a_chapter_carries_the_number_of_its_file_and_so_do_its_figures_equations_and_exercises(chapter):
    assert '<span class="section-number">2 </span>A sample chapter' in chapter
    for number in ("Fig. 2.1", "(2.1)", "Exercise 2.1"):
        assert number in chapter
    assert chapter.count("section-number") == 1, "sections carry no number of their own"


def test_an_equation_can_be_linked_to_and_scrolled_from_the_keyboard(chapter):
    anchor = re.search(r'href="#(equation-[\w-]+)"', chapter)[1]
    assert (f'<div class="math-block" id="{anchor}"><div class="math-scroll" role="group" '
            'aria-label="Equation 2.1">') in chapter


def test_solutions_and_hints_fold_without_a_script(chapter):
    assert len(re.findall(r'<details class="admonition[^"]*dropdown', chapter)) == 2


def test_the_page_that_is_open_shows_its_sections_in_the_contents(chapter):
    contents = chapter.split('<nav class="contents"')[1].split("</nav>")[0]
    assert 'aria-current="page"' in contents and '<a href="#exercises">Exercises</a>' in contents


def test_a_claim_and_its_entry_in_the_ledger_lead_to_each_other(chapter, sample_site):
    ledger = (sample_site / "book" / "ledger.html").read_text("utf-8")
    assert 'href="ledger.html#claim-sample-claim"' in chapter
    assert 'id="claim-sample-claim"' in ledger and 'href="02-sample.html#claim-sample-claim"' in ledger
    words = [LEDGER[0]["statement"], LEDGER[0]["sample"], *LEDGER[0]["bounds"][0].values()]
    assert all(html.escape(str(word)) in ledger for word in words if word != 20)
    assert "1 claims" not in ledger


def test_the_ledger_can_be_downloaded(sample_site):
    assert json.loads((sample_site / "_static" / "claims.json").read_text("utf-8")) == {"02-sample": LEDGER}


def test_the_map_links_what_is_ready_and_says_of_the_rest_that_it_is_to_come(built_site):
    page = (built_site / "book" / "index.html").read_text("utf-8")
    rows = re.findall(r'<li class="(ready|to-come)">(.*?)</li>', page)
    written = {path.stem for path in (built_site / "book").glob("[0-9][0-9]-*.html")}
    planned = json.loads((ROOT / "book" / "parts.json").read_text("utf-8"))
    assert len(rows) == sum(len(part["chapters"]) for part in planned)
    assert {re.search(r'href="([\w-]+)\.html"', row)[1] for state, row in rows if state == "ready"} == written
    assert all("(to come)" in row for state, row in rows if state == "to-come")


def test_the_notation_page_holds_the_whole_vocabulary(built_site):
    page = (built_site / "book" / "notation.html").read_text("utf-8")
    assert [name for name in VOCABULARY if f'<span class="pre">{name}</span>' not in page] == []


def test_nothing_of_the_theme_is_left_that_no_page_uses(built_site):
    names = [path.name.lower() for path in built_site.rglob("*")]
    assert [name for name in names if name.endswith((".map", ".ttf", ".woff"))] == []
    assert [name for name in names if any(word in name for word in THEME_FILES)] == []


def test_fonts_bear_our_names_and_their_licences_are_there(built_site):
    """The OFL keeps the name "Source" for the whole fonts; what it tells of their makers stays."""
    static = built_site / "_static"
    for path in (static / "fonts").glob("lab-*.woff2"):
        names = {record.nameID: record.toUnicode() for record in TTFont(path)["name"].names}
        assert not [text for number, text in names.items() if number not in fonts.TOLD and "Source" in text], path.name
        assert names[0], path.name
    told = (static / "licenses.txt").read_text("utf-8")
    wanted = ["SIL OPEN FONT LICENSE", "source-serif-4 5.", "source-sans-3 5.", "source-code-pro 5.", "katex 0.",
              "Khan Academy", 'Reserved Font Name "Source"']
    assert [words for words in wanted if words not in told] == []
    assert "licenses.txt" in (built_site / "book" / "index.html").read_text("utf-8")


def test_the_fonts_of_a_page_weigh_under_150_kb(built_site):
    folder = built_site / "_static" / "fonts"
    latin = [folder / face.file for face in fonts.FACES] + [folder / "marks.woff2"]
    math = [folder / f"KaTeX_{name}.woff2" for name in ("Main-Regular", "Main-Bold", "Math-Italic", "Size1-Regular")]
    assert sum(path.stat().st_size for path in latin + math) < 150_000


def test_every_letter_of_every_page_is_in_one_of_our_fonts(built_site):
    ours = set("".join(face.characters for face in fonts.FACES)) | set(marks.MARKS) | set(marks.SCALED) | set("\n\t")
    missing = {}
    for path in sorted(built_site.rglob("*.html")):
        soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for other in soup.select(".katex, math, script, style"):
            other.decompose()
        strange = set(soup.get_text()) - ours
        missing |= {path.name: strange} if strange else {}
    assert missing == {}


def test_the_explorables_are_there_and_the_first_page_holds_one(built_site):
    from transformer_lab.widgets import bundle

    assert {path.name for path in (built_site / "_static" / "labs").iterdir()} == set(bundle.files())
    assert 'class="lab-static"' in (built_site / "book" / "index.html").read_text("utf-8")


def test_no_page_names_the_machine_that_built_it(built_site):
    pages = [path for path in built_site.rglob("*.html") if str(ROOT) in path.read_text("utf-8")]
    assert pages == []
