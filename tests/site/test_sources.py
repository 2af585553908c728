"""Names of our code in the prose: which are found, what is shown, and that a click opens it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sample_book import ROOT

from lab_site import sources

CHAPTERS = ROOT / "book" / "chapters"


@pytest.mark.parametrize(("name", "full"), [
    ("byhand.attention.attend", "transformer_lab.byhand.attention.attend"),
    ("transformer_lab.byhand.attention.attend", "transformer_lab.byhand.attention.attend"),
    ("attention.softmax", "transformer_lab.byhand.softmax.softmax"),
    ("plots.Figure", "transformer_lab.plots.figure.Figure"),
    ("chapters.ch02.one_sequence.one_sequence", "chapters.ch02.one_sequence.one_sequence"),
])
def test_a_name_is_found_where_it_is_defined(name, full):
    found = sources.find(name, CHAPTERS)
    last = name.split(".")[-1]
    assert found.name == full and re.search(rf"^(def|class) {last}\b", found.text, re.M)
    assert set(found.text.splitlines()) <= set(found.file.read_text("utf-8").splitlines())


@pytest.mark.parametrize("name", ["np.outer", "torch.nn.MultiheadAttention", "rng.permutation", "byhand.attention",
                                  "byhand.attention.np", "claims._bound", "byhand.nothing.attend", "chapters.ch02"])
def test_what_is_not_ours_or_not_public_is_not_found(name):
    assert sources.find(name, CHAPTERS) is None


def test_a_source_begins_with_its_decorators_and_leaves_its_docstring_to_the_reference():
    text = sources.find("claims.claim", CHAPTERS).text
    assert text.startswith("@checked\ndef claim(") and '"""' not in text and ">>>" not in text
    ast.parse(text)


def names_in(path: Path) -> set[str]:
    text = "".join("".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]
                   if cell["cell_type"] == "markdown")
    return {name for name in sources.NAME.findall(text) if f"`{name}`" in text and sources.find(name, CHAPTERS)}


def test_every_name_in_a_chapters_prose_leads_to_its_source(built_site):
    seen = 0
    for path in sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        page = BeautifulSoup((built_site / "book" / f"{path.stem}.html").read_text("utf-8"), "html.parser")
        links = {link.get_text(): link["href"] for link in page.select("a.source-link")}
        for name in names_in(path):
            found = sources.find(name, CHAPTERS)
            if found.text.count("\n") < sources.LONGEST:
                assert found.text.strip() in page.find(id=links[name][1:]).get_text(), name
                seen += 1
    assert seen > 50


@pytest.mark.browser
def test_a_click_on_a_name_opens_its_source(chromium, built_site):
    page = chromium.new_page()
    page.goto((built_site / "book" / "01-soft-lookup.html").as_uri())
    link = page.locator("a.source-link").first
    place = link.get_attribute("href")[1:]
    fold = page.locator(f"details:has([id='{place}'])")
    assert fold.get_attribute("open") is None
    link.click()
    page.wait_for_timeout(100)
    assert fold.get_attribute("open") is not None
    page.close()
