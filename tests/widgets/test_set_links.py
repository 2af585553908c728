"""Links in sentences put an explorable into the state spoken of, and light up the part that they name."""

import json
import re
from html import escape, unescape
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab_site.set_links import options, part
from transformer_lab.errors import LabError
from transformer_lab.widgets.bundle import static_html

BOOK = Path(__file__).resolve().parents[2] / "book"
LINK = re.compile(r"\]\((set|part):([\w-]+)\?((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")


def links():
    for path in sorted(BOOK.glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for kind, name, query in LINK.findall("".join(cell["source"])):
                yield path.stem, kind, name, query


def test_every_link_of_the_book_names_a_state_that_its_explorable_can_have():
    found = list(links())
    for _, kind, name, query in found:
        assert options(name, query) if kind == "set" else part(name, query)
    assert len({chapter for chapter, kind, *_ in found if kind == "set"}) >= 8


@pytest.mark.parametrize("name, query", [
    ("soft-lookups", "temperature=1"), ("soft-lookup", "temprature=1"), ("soft-lookup", "temperature=0"),
    ("soft-lookup", "scaled=perhaps"), ("gradient-graph", "mistake=dropped-jacobian"), ("block-trace", "target=10"),
])
def test_a_link_that_means_nothing_is_refused(name, query):
    with pytest.raises(LabError):
        options(name, query)


def test_a_part_that_no_picture_has_is_refused():
    with pytest.raises(LabError, match="Did you mean 'beams'"):
        part("soft-lookup", "beam")


def paragraph(kind, name, data, words):
    return f'<p><a class="lab-link" href="#lab-{name}" data-{kind}="{escape(data)}">{words}</a></p>'


@pytest.mark.browser
def test_a_link_moves_the_picture_and_says_whether_it_is_there(open_lab):
    lab = static_html("soft-lookup").replace('data-lab="soft-lookup"', 'data-lab="soft-lookup" id="lab-soft-lookup"')
    state = json.dumps(options("soft-lookup", "temperature=100&d_head=1024"))
    page = open_lab("soft-lookup", html=paragraph("set", "soft-lookup", state, "flatten it")
                    + paragraph("part", "soft-lookup", "beams", "beams") + lab)
    link, words = page.get_by_role("link", name="flatten it"), page.locator(".lab-words")
    expect(link).not_to_have_attribute("aria-current", "true")
    link.press("Enter")
    expect(words).to_contain_text("entropy 1.61 of at most 1.61 nats")
    expect(link).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Reset").click()
    expect(link).not_to_have_attribute("aria-current", "true")
    beams = page.locator("[data-part=beams]:not(a)")
    page.get_by_role("link", name="beams").hover()
    expect(beams).to_have_class("lab-lit")
    assert page.locator("[data-part=keys]").evaluate("(part) => getComputedStyle(part).opacity") == "0.3"
    page.mouse.move(0, 0)
    expect(beams).not_to_have_class("lab-lit")


@pytest.mark.browser
def test_a_link_wakes_an_explorable_that_waits_for_its_data(open_lab):
    lab = static_html("decoding").replace('data-lab="decoding"', 'data-lab="decoding" id="lab-decoding"')
    state = json.dumps(options("decoding", "model=arithmetic&expression=Add(1,9)"))
    page = open_lab("decoding", html=paragraph("set", "decoding", state, "add") + lab, start=False)
    page.get_by_role("link", name="add").click()
    expect(page.locator(".lab-words")).to_contain_text("Add ( 1 , 9 ), step 1", timeout=30_000)


@pytest.mark.browser
def test_the_built_pages_carry_every_link(built_site):
    for chapter, kind, name, query in links():
        text = unescape((built_site / "book" / f"{chapter}.html").read_text("utf-8"))
        data = json.dumps(options(name, query)) if kind == "set" else part(name, query)
        found = re.search(rf'href="#(lab-{name}(?:-[2-9])?)" data-{kind}="{re.escape(data)}"', text)
        assert found and f'id="{found[1]}"' in text
        assert "lab-notebook" not in text
