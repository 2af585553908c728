"""Every page in a real browser, from disk and over http: it asks nobody, says nothing, and axe finds nothing."""

from __future__ import annotations

import gzip
import html
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from sample_book import HOSTILE, ROOT
from sized import resized

pytestmark = pytest.mark.browser

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")   # evaluated: pages allow no other script
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
SCROLL_WIDTH = "document.documentElement.scrollWidth"
RUN_AXE = """async (runOnly) => (await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false }))
  .violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ": " + node.html.slice(0, 120)))"""
WAKE = """async () => { for (const lab of document.querySelectorAll(".lab-static")) {
  lab.scrollIntoView();
  const live = () => lab.classList.contains("lab-live") || lab.querySelector(".lab-start");
  for (let i = 0; i < 100 && !live(); i++) await new Promise((done) => setTimeout(done, 50));
  if (!live()) throw new Error(lab.dataset.lab + " does not wake");
} }"""


LETTERS_A_PIXEL = """() => { const probe = document.createElement("span");
  probe.textContent = [...document.querySelectorAll("article p")].map((p) => p.textContent).join(" ");
  Object.assign(probe.style, { whiteSpace: "nowrap", position: "absolute" });
  document.querySelector("article").append(probe);
  return probe.textContent.length / probe.getBoundingClientRect().width; }"""
PHONE = {"width": 390, "height": 844}


@contextmanager
def opened(chromium, address: str, **options):
    """A page with its explorables awake, the addresses that it asked for, and the messages that it left."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
    page.goto(address)
    if options.get("java_script_enabled", True):
        page.evaluate(WAKE)
    yield page, asked, said
    context.close()


def until(page, true: str, seconds: int = 30):
    """Wait for it to be true; the pages forbid the ``eval`` with which the browser itself would wait."""
    for _ in range(20 * seconds):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{true} is not true after {seconds} s")


def pages(site: Path) -> list[str]:
    """All pages but the one at the root, which only leads to the first."""
    return sorted({path.relative_to(site).as_posix() for path in site.rglob("*.html")} - {"index.html"})


def sample(site: Path) -> str:
    return (site / "book" / "02-sample.html").as_uri()


def elsewhere(asked: list[str], home: str) -> list[str]:
    return [url for url in asked if not url.startswith((home, "blob:", "data:"))]


@dataclass
class Visit:
    """What was seen on one page, from disk, on a wide screen and then on a phone."""

    name: str
    asked: list[str]
    said: list[str]
    axe: list[tuple[str, str]]
    sideways: dict[int, int]


def visit(chromium, site: Path, name: str, first: str) -> Visit:
    """One page in both themes, the ``first`` one on the wide screen; what pages have in common is seen in all four."""
    found, sideways, themes = [], {}, (first, "dark" if first == "light" else "light")
    with opened(chromium, (site / name).as_uri()) as (page, asked, said):
        page.evaluate(AXE)
        for width, theme in zip((1280, 390), themes, strict=True):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            resized(page, width)
            found += [(width, theme, fault) for fault in page.evaluate(RUN_AXE, RULES)]
            sideways[width] = page.evaluate(SCROLL_WIDTH)
        resized(page, 320)
        sideways[320] = page.evaluate(SCROLL_WIDTH)
    return Visit(name, asked, said, found, {wide: needed for wide, needed in sideways.items() if needed > wide})


@pytest.fixture(scope="session", params=["book", "sample"])
def site(request) -> Path:
    """The book itself, and the small one that uses everything."""
    return request.getfixturevalue("built_site" if request.param == "book" else "sample_site")


@pytest.fixture(scope="session")
def visits(chromium, site) -> list[Visit]:
    """Each page is opened once, every other one in the dark first; the tests below look at what was seen."""
    return [visit(chromium, site, name, ("light", "dark")[place % 2]) for place, name in enumerate(pages(site))]


def test_pages_from_disk_ask_nobody_and_say_nothing(visits, site):
    assert [(seen.name, fault) for seen in visits for fault in elsewhere(seen.asked, site.as_uri()) + seen.said] == []


def test_axe_finds_nothing_in_either_theme(visits):
    assert [(seen.name, *fault) for seen in visits for fault in seen.axe] == []


def test_no_page_scrolls_sideways(visits):
    assert [(seen.name, seen.sideways) for seen in visits if seen.sideways] == []


def test_the_first_page_weighs_under_200_kb_and_every_other_under_400(visits):
    weights = {seen.name: weight(seen.asked) for seen in visits}
    assert {name: size for name, size in weights.items() if size >= (200_000 if "index" in name else 400_000)} == {}


def weight(asked: list[str]) -> int:
    """The bytes that a page and all that it loads come to on the wire: text gzipped, fonts as they are."""
    files = {Path(unquote(urlsplit(url).path)) for url in asked if url.startswith("file:")}
    return sum(len(data) if path.suffix == ".woff2" else len(gzip.compress(data))
               for path in files for data in [path.read_bytes()])


def test_pages_over_http_ask_only_their_own_server_and_say_nothing(chromium, site_url, built_site):
    faults = []
    for name in pages(built_site):
        with opened(chromium, f"{site_url}/{name}") as (_, asked, said):
            faults += [(name, fault) for fault in elsewhere(asked, site_url) + said]
    assert faults == []


def test_axe_finds_nothing_when_all_is_unfolded(chromium, sample_site):
    with opened(chromium, sample(sample_site), viewport=PHONE) as (page, _, _):
        page.click(".contents-toggle")
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.evaluate("document.querySelectorAll('input.margin-toggle').forEach(i => i.checked = true)")
        page.evaluate(AXE)
        assert page.evaluate(RUN_AXE, RULES) == []


def test_in_forced_colours_what_is_chosen_and_what_slides_can_be_seen(chromium, built_site):
    address = (built_site / "book/01-soft-lookup.html").as_uri()
    with opened(chromium, address, forced_colors="active") as (page, _, _):
        ground = "getComputedStyle(document.body).backgroundColor"
        chosen = page.evaluate("""[...document.querySelectorAll('.lab [aria-pressed=true], .lab [aria-checked=true]')]
          .map((e) => getComputedStyle(e).backgroundColor)""")
        assert chosen and page.evaluate(ground) not in chosen
        slider = page.locator(".lab input[type=range]").first
        assert slider.evaluate("e => getComputedStyle(e).appearance") == "auto"


def test_the_root_leads_to_the_first_page(chromium, built_site):
    page = chromium.new_page()
    page.goto((built_site / "index.html").as_uri())
    page.wait_for_url("**/book/index.html")
    assert "<title>Transformer Lab</title>" in (built_site / "index.html").read_text("utf-8")
    assert page.is_visible(".lab-static")
    page.close()


def test_search_works_from_disk(chromium, built_site):
    with opened(chromium, (built_site / "book/glossary.html").as_uri()) as (page, asked, said):
        page.keyboard.press("/")
        page.keyboard.type("softmax")
        page.keyboard.press("Enter")
        page.wait_for_selector(".found li a")
        assert "search.html?q=softmax" in page.url
        page.hover(".found li a")                        # a term: what the cards say is loaded, if one lets it
        until(page, "Boolean(window.labTerms)")
        page.click(".found li a")
        page.wait_for_selector("article h1")
        assert said == [] and elsewhere(asked, built_site.as_uri()) == []


def test_search_over_http_shows_where_the_word_stands(chromium, site_url):
    with opened(chromium, f"{site_url}/search.html?q=softmax") as (page, _, said):
        page.wait_for_selector(".found li .excerpt mark")
        assert "softmax" in page.inner_text(".found").lower() and said == []
        assert page.evaluate(SCROLL_WIDTH) == 1280
        lefts = page.evaluate("[...document.querySelectorAll('.found li')].map((e) => e.getBoundingClientRect().left)")
        assert len(lefts) > 5 and len(set(lefts)) == 1, "one column"
        page.evaluate(AXE)
        assert page.evaluate(RUN_AXE, RULES) == []


@pytest.mark.parametrize(("query", "place"), [("RoPE", "term-rotary"), ("positional encoding", "04-"),
                                              ("warmup", "term-warm"), ("install", "nstall"),
                                              ("ablation", "term-ablation"), ("BERT", "17-"), ("ViT", "20-"),
                                              ("flash attention", "19-"), ("certificate", "26-")])
def test_other_names_lead_to_their_place(chromium, built_site, query, place):
    with opened(chromium, (built_site / "search.html").as_uri() + f"?q={query}") as (page, _, said):
        links = page.evaluate("[...document.querySelectorAll('.found a')].slice(0, 4).map((a) => a.href)")
        assert any(place in link for link in links) and said == []


@pytest.mark.parametrize("query", ["constructor", "__proto__", "hasOwnProperty", "(", "a|b [c", "\\d{9}"])
def test_whatever_is_searched_for_gets_an_answer(chromium, built_site, query):
    with opened(chromium, (built_site / "search.html").as_uri()) as (page, _, said):
        page.fill("article .search input", query)
        assert page.inner_text("#search-results [role=status]") and said == []


def test_a_term_shows_its_meaning_by_pointer_and_by_keyboard(chromium, sample_site):
    with opened(chromium, sample(sample_site)) as (page, _, said):
        link = 'article p a[href*="glossary.html#term-"]'
        page.focus(link)
        page.wait_for_selector(".card-of-term")
        assert page.inner_text("[role=tooltip]") == "One symbol."
        assert page.get_attribute(link, "aria-describedby") == "card-of-term"
        page.keyboard.press("Escape")
        assert not page.query_selector(".card-of-term")
        page.evaluate("document.activeElement.blur()")
        page.hover(link)
        page.wait_for_selector(".card-of-term")
        assert said == []


def test_the_theme_follows_the_system_until_the_reader_chooses(chromium, built_site):
    address = (built_site / "book/glossary.html").as_uri()
    with opened(chromium, address, color_scheme="dark") as (page, _, _):
        theme = "document.documentElement.dataset.theme"
        assert page.evaluate(theme) == "dark"
        assert page.get_attribute(".theme-toggle", "aria-pressed") == "true"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click(".theme-toggle")
        assert page.evaluate(theme) == "light"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
        page.reload()
        assert page.evaluate(theme) == "light"


def test_the_first_stop_of_the_tab_key_leads_to_the_text(chromium, built_site):
    with opened(chromium, (built_site / "book/glossary.html").as_uri()) as (page, _, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-link"
        assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_contents_open_and_close_by_keyboard_on_a_phone(chromium, sample_site):
    with opened(chromium, sample(sample_site), viewport=PHONE) as (page, _, _):
        assert not page.is_visible("#contents")
        page.focus(".contents-toggle")
        page.keyboard.press("Enter")
        assert page.is_visible("#contents") and page.get_attribute(".contents-toggle", "aria-expanded") == "true"
        page.keyboard.press("Escape")
        assert not page.is_visible("#contents")
        assert page.evaluate("document.activeElement.className").endswith("contents-toggle")


def test_without_scripts_everything_is_there_to_read(chromium, sample_site):
    with opened(chromium, sample(sample_site), viewport=PHONE, java_script_enabled=False) as (page, _, _):
        for part in ("#contents", ".lab-static", ".lab-fig svg", ".katex-display", ".lab-claim", ".solution summary"):
            assert page.is_visible(part), part
        assert not page.is_visible(".theme-toggle")
        page.click("details.solution summary")
        assert page.is_visible("text=Count.")


def test_sidenotes_stand_in_the_margin_or_fold(chromium, sample_site):
    with opened(chromium, sample(sample_site)) as (page, _, _):
        note, text = page.locator(".sidenote").bounding_box(), page.locator("article p").first.bounding_box()
        assert note["x"] >= text["x"] + text["width"]
    with opened(chromium, sample(sample_site), viewport=PHONE) as (page, _, _):
        assert not page.is_visible(".sidenote")
        page.click("label.margin-toggle")
        assert page.is_visible(".sidenote")


def test_a_line_of_text_is_66_to_74_characters_on_a_wide_screen(chromium, built_site):
    with opened(chromium, (built_site / "book/accessibility.html").as_uri()) as (page, _, _):
        width = page.locator("article").bounding_box()["width"]
        letters = page.evaluate(LETTERS_A_PIXEL)
        assert 66 <= width * letters <= 74
        assert page.evaluate("getComputedStyle(document.body).fontSize") == "18px"


def test_nothing_jumps_when_the_fonts_arrive(chromium, site_url):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.route("**/*.woff2", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.add_init_script("""window.moved = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
      window.moved += entry.value; })).observe({ type: "layout-shift", buffered: true });""")
    page.goto(f"{site_url}/book/accessibility.html")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(200)
    assert page.evaluate("[...document.fonts].some((font) => font.status === 'loaded')")
    assert page.evaluate("window.moved") < 0.02
    context.close()


def test_the_policy_of_a_page_refuses_what_is_not_its_own(chromium, sample_site, site_url):
    """The policy holds from a disk and over http: what a fault in the text could plant does not run."""
    for address in (sample(sample_site), f"{site_url}/book/glossary.html"):
        with opened(chromium, address) as (page, _, said):
            page.evaluate("""() => { document.body.insertAdjacentHTML("beforeend",
              '<img src="no.png" onerror="window.planted = 1"><a id="go" href="javascript:window.planted = 2">x</a>');
              document.querySelector("#go").click();
              const script = document.createElement("script"); script.textContent = "window.planted = 3";
              const other = Object.assign(document.createElement("script"), { src: "https://example.org/x.js" });
              const blob = new Blob(["window.planted = 4"], { type: "text/javascript" });
              const third = Object.assign(document.createElement("script"), { src: URL.createObjectURL(blob) });
              document.body.append(script, other, third); }""")
            page.wait_for_timeout(200)
            assert page.evaluate("window.planted") is None
            assert sum("Content Security Policy" in fault for fault in said) >= 5


def test_text_that_looks_like_markup_stays_text(sample_site):
    for path in sample_site.rglob("*.html"):
        soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        assert [tag for tag in soup.select("script") if not tag.get("src") or tag.get_text()] == []
    assert soup.select("head title")[0].string
    chapter = BeautifulSoup((sample_site / "book/02-sample.html").read_text("utf-8"), "html.parser")
    ledger = (sample_site / "book/ledger.html").read_text("utf-8")
    assert HOSTILE in chapter.title.string and HOSTILE in chapter.select_one("h1").get_text()
    assert BeautifulSoup(ledger, "html.parser").get_text().count("<script>") >= 1 and html.escape(HOSTILE) in ledger


def test_on_paper_there_is_only_the_text_in_the_light_colours_and_folds_are_as_they_were(chromium, sample_site):
    with opened(chromium, sample(sample_site), color_scheme="dark") as (page, _, _):
        page.click("details.hint summary")
        ink = "[document.body, document.querySelector('article h1')].map((e) => getComputedStyle(e).color).join()"
        ground = "getComputedStyle(document.body).backgroundColor"
        opened_folds = "[...document.querySelectorAll('details')].map((fold) => fold.open).join()"
        dark, folds = page.evaluate(ground), page.evaluate(opened_folds)
        page.pdf()
        assert page.evaluate(opened_folds) == folds and "true" in folds and "false" in folds
        page.emulate_media(media="print")
        printed = page.evaluate(ink), page.evaluate(ground)
        page.emulate_media(media="screen")
        page.click(".theme-toggle")
        assert printed == (page.evaluate(ink), page.evaluate(ground)) and printed[1] != dark
        page.emulate_media(media="print")
        assert not page.is_visible(".masthead") and not page.is_visible("#contents") and page.is_visible("article h1")
