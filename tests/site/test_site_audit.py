"""The audit finds what a page would load from elsewhere and each link that leads nowhere; the build fails on it."""

from __future__ import annotations

import pytest
from sample_book import build, write_book

from lab_site.audit import POLICY, faults

GOOD = ('<!DOCTYPE html><html lang="en"><head>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"></head><body><h1 id="top">A</h1>'
        '<a href="#top">up</a> <a href="b.html#there">b</a> '
        '<a href="https://example.org/">out</a> <img src="a%20picture.svg" alt=""> '
        '<img src="data:image/png;base64,AA" alt="">'
        '<script src="a%20picture.svg"></script>'
        '<svg xmlns="http://www.w3.org/2000/svg"><use href="#top"/></svg></body></html>')
BAD = {
    "a script from elsewhere": '<script src="https://cdn.example.org/x.js"></script>',
    "a script without a scheme": '<script src="//cdn.example.org/x.js"></script>',
    "a style sheet from elsewhere": '<link rel="stylesheet" href="https://cdn.example.org/x.css">',
    "a font that is fetched ahead": '<link rel="preload" href="https://cdn.example.org/x.woff2">',
    "an image from elsewhere": '<img src="https://example.org/x.png" alt="">',
    "a frame": '<iframe src="https://example.org/"></iframe>',
    "a picture in an SVG": '<svg><image href="https://example.org/x.png"/></svg>',
    "an address in a style": '<p style="background: url(https://example.org/x.png)">x</p>',
    "an import in a style": '<style>@import "https://example.org/x.css";</style>',
    "a broken link": '<a href="missing.html">x</a>',
    "a broken anchor": '<a href="b.html#nowhere">x</a>',
    "a broken anchor on the page": '<a href="#nowhere">x</a>',
    "a missing picture": '<img src="missing.svg" alt="">',
    "a link out of the site": '<a href="../secret.html">x</a>',
    "a script in the page": "<script>x()</script>",
    "a script in an attribute": '<p onclick="x()">x</p>',
    "a script as an address": '<a href=" JavaScript:x()">x</a>',
    "a second policy": '<meta http-equiv="content-security-policy" content="script-src *">',
    "an id that comes twice": '<p id="top">x</p>',
}
FILES = {
    "sheet.css": ['@import url("https://example.org/x.css");', "a { background: url(//example.org/x.png); }"],
    "script.js": ['fetch("https://example.org/x.json")', 'import("https://example.org/x.mjs")',
                  'import x from "https://example.org/x.mjs"', 'tag.src = "https://example.org/x.js"'],
}


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "html"
    folder.mkdir()
    (tmp_path / "secret.html").write_text("<p>x</p>")
    (folder / "a.html").write_text(GOOD)
    (folder / "b.html").write_text(GOOD.split("<body>")[0] + '<body><p id="there">x</p>')
    (folder / "a picture.svg").write_text("<svg/>")
    return folder


def test_a_good_site_has_no_faults(site):
    assert list(faults(site)) == []


@pytest.mark.parametrize("fault", BAD)
def test_a_fault_in_a_page_is_found(site, fault):
    (site / "a.html").write_text(GOOD.replace("</body>", BAD[fault] + "</body>"))
    assert len(list(faults(site))) == 1


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FILES.items() for text in texts])
def test_a_fault_in_a_file_is_found(site, name, text):
    (site / name).write_text(text)
    assert len(list(faults(site))) == 1


def test_the_strict_build_fails_on_each_planted_fault(tmp_path):
    planted = {"![x](https://example.org/x.png)": "https://example.org/x.png", "[x](notation.md#nowhere)": "nowhere",
               "$\\frac{a$": "KaTeX parse error", "```{explorable} no-such-thing\n```": "no-such-thing"}
    folder = write_book(tmp_path / "book", extra="\n\n".join(planted))
    done = build(folder)
    assert done.returncode != 0
    assert [sign for sign in planted.values() if sign not in done.stdout + done.stderr] == []


def test_a_strict_build_fails_on_a_claim_that_no_record_holds(tmp_path):
    folder = write_book(tmp_path / "book")
    (folder / "data" / "claims" / "02-sample.json").write_text("[]")
    done = build(folder)
    assert done.returncode != 0 and "sample-claim" in done.stdout + done.stderr


def test_the_sample_book_passes(sample_site):
    assert list(faults(sample_site)) == []
