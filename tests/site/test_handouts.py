"""What a teacher takes along: slides, a sheet, paper, a zip. Each is one file, asks nobody, and gives nothing away."""

import re
import sys
import zipfile

import pytest
from bs4 import BeautifulSoup
from sample_book import ROOT

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "handouts")]
import built  # noqa: E402 - found in the folder above
import pdf  # noqa: E402
import sheet  # noqa: E402
import site_zip  # noqa: E402
import slides  # noqa: E402


def soup(path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def deck(sample_site, tmp_path_factory):
    return slides.slides(sample_site, "2", tmp_path_factory.mktemp("slides") / "deck.html")


def test_a_deck_holds_puzzle_figure_claim_question_and_exercises_in_the_chapter_s_order(deck):
    found = soup(deck).select(".slide")
    text = [" ".join(slide.get_text(" ").split()) for slide in found]
    assert "A sample chapter" in text[0] and text[1].startswith("Puzzle: five letters")
    whole = " ".join(text)
    assert whole.index("Puzzle") < whole.index("On every seed 99 % are right.") < whole.index("Warm up")
    assert "Count." not in whole, "a solution is on no slide"
    assert [slide["aria-label"] for slide in found] == [f"Slide {i} of {len(found)}" for i in range(1, len(found) + 1)]


def loads(path) -> list[str]:
    """What a file would ask for beside itself."""
    page = soup(path)
    named = [tag.get("src") or tag.get("href") for tag in page.select("[src], link[href]")]
    sheets = re.findall(r"url\(([^)]{0,40})", " ".join(style.get_text() for style in page.select("style")))
    return [name for name in named + sheets if not name.strip("\"'").startswith(("data:", "#"))]


def test_each_handout_is_one_file(deck, sample_site, tmp_path):
    paper = built.written(tmp_path / "paper.html", pdf.sheet_of(sample_site, built.chapters(sample_site), "Paper"))
    for path in (deck, sheet.sheets(sample_site, "02", tmp_path / "sheet.html"), paper):
        assert loads(path) == []
        leading = [link["href"] for link in soup(path).select("a[href]")]
        ids = {f"#{element['id']}" for element in soup(path).select("[id]")}
        assert [href for href in leading if not href.startswith("http") and href not in ids] == []
        assert path == paper or not any(href.startswith("#") for href in leading), "a place of the address is a slide"


@pytest.mark.browser
def test_a_deck_turns_by_keys_keeps_its_place_and_its_explorables_live(deck, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(deck.as_uri())
    count = page.locator(".slide").count()

    def seen() -> list[str]:
        return page.evaluate("[...document.querySelectorAll('.slide')].filter((s) => !s.hidden).map((s) => s.id)")

    assert seen() == ["s1"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    assert seen() == ["s3"] and page.url.endswith("#s3")
    page.keyboard.press("End")
    assert seen() == [f"s{count}"] and page.locator(".where").inner_text() == f"{count} / {count}"
    with_lab = page.evaluate("document.querySelector('.lab-static').closest('.slide').id")
    page.goto(f"{deck.as_uri()}#{with_lab}")
    page.reload()
    page.wait_for_selector(".slide:not([hidden]) .lab-live")
    page.locator(".lab-live input, .lab-live button").first.focus()
    page.keyboard.press("ArrowRight")
    assert seen() == [with_lab], "keys that an explorable needs are its own"
    assert said == [] and [url for url in asked if not url.startswith((deck.as_uri(), "blob:", "data:"))] == []
    context.close()


def test_a_sheet_has_every_exercise_and_no_solution_and_its_hints_last(sample_site, tmp_path):
    text = soup(sheet.sheets(sample_site, "02", tmp_path / "sheet.html")).main.get_text(" ")
    assert "Warm up" in text and "Show that" in text and "Count." not in text


def test_on_paper_solutions_come_last_and_no_fold_is_open(sample_site):
    made = pdf.paper(built.chapter(sample_site, "02"), {"02-sample"})
    headings = [heading.get_text(strip=True) for heading in made.select("h2")]
    assert headings[-1] == "Solutions" and "Count." in made.select_one(".solutions").get_text()
    assert not made.select("details[open], details.solution, details.code, details.minute, script")
    assert "In one minute: It can, if everything is small." in made.select_one(".card").get_text()
    ids = [element["id"] for element in made.select("[id]")]
    assert len(ids) == len(set(ids)) and made["id"] == "02-sample"


def test_a_link_between_two_pages_leads_within_the_paper(sample_site):
    pages = [*built.chapters(sample_site), sample_site / "book" / "glossary.html"]
    made = pdf.paper(pages[0], {page.stem for page in pages})
    assert made.select('a[href^="#glossary--term-token"]') and not made.select('a[href*=".html"]')


@pytest.mark.browser
def test_a_chapter_is_printed_to_a_pdf_of_several_pages(sample_site, tmp_path, chromium, monkeypatch):
    content = pdf.pdf(sample_site, "02", tmp_path).read_bytes()
    assert content.startswith(b"%PDF-") and len(re.findall(rb"/Type */Page\b", content)) >= 2
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".html", ".pdf"]


def test_without_a_browser_printing_says_what_to_do(sample_site, tmp_path, monkeypatch):
    monkeypatch.setattr(built, "browser", lambda: None)
    with pytest.raises(SystemExit, match=r"apt-get install chromium.*open .*02-sample\.html in a browser"):
        pdf.pdf(sample_site, "02", tmp_path)


@pytest.mark.parametrize("make", [slides.slides, sheet.sheets])
def test_a_chapter_that_is_not_there_is_a_sentence(make, sample_site):
    with pytest.raises(SystemExit, match="no built chapter '7'; there are 02"):
        make(sample_site, "7")


def test_the_zip_of_the_site_holds_every_file_and_is_the_same_each_time(sample_site, tmp_path):
    for name in ("one.zip", "two.zip"):
        pages = site_zip.pack(sample_site, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    names = set(zipfile.ZipFile(tmp_path / "one.zip").namelist())
    files = [path.relative_to(sample_site).as_posix() for path in sample_site.rglob("*") if path.is_file()]
    assert names == {f"transformer-lab/{name}" for name in files} and pages == len(list(sample_site.rglob("*.html")))
    with pytest.raises(SystemExit, match="run `make book` first"):
        site_zip.pack(tmp_path, tmp_path / "three.zip")
