"""Pictures first: on every chapter's page, on a wide screen, a tablet and a phone."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from sized import resized

pytestmark = pytest.mark.browser

FIRST = 1500      # px from the top of the page to the first picture: a screen and a half
LIVE = 0.40       # of the page's height, above which a reader has met an explorable
IN_A_ROW = 2      # open blocks of code before the next thing to look at and its own code
WIDTHS = (1280, 768, 390)
SEEN = """() => {
  const top = (element) => element.getBoundingClientRect().top + scrollY;
  const live = ".lab-static:not([data-lab=choice], [data-lab=curve])";
  const first = document.querySelector(`article .lab-fig, article ${live}`);
  const explorable = document.querySelector(`article ${live}`);
  const sights = ".lab-fig, .lab-static, .lab-claim, .lab-verdict";
  let row = 0, longest = 0;
  for (const element of document.querySelectorAll(`article :is(.cell_input, ${sights})`)) {
    const others = element.matches(".cell_input") && !element.closest(".cell").querySelector(sights);
    row = element.matches(sights) ? 0 : others && element.checkVisibility() ? row + 1 : row;
    longest = Math.max(longest, row);
  }
  return { first: first ? top(first) : Infinity, longest,
           live: explorable ? top(explorable) / document.documentElement.scrollHeight : Infinity };
}"""


class Seen(NamedTuple):
    """Where the first picture and the first explorable stand, and the longest row of open code."""

    chapter: str
    width: int
    first: float
    live: float
    longest: int


@pytest.fixture(scope="module")
def seen(chromium, built_site) -> list[Seen]:
    found, page = [], chromium.new_page()
    for path in sorted((built_site / "book").glob("[0-9]*.html")):
        page.goto(path.as_uri())
        for width in WIDTHS:
            resized(page, width)
            page.evaluate("document.fonts.ready")
            found.append(Seen(path.stem, width, **page.evaluate(SEEN)))
    page.close()
    assert found
    return found


def test_a_picture_stands_within_the_first_screen_and_a_half(seen):
    assert [(place.chapter, place.width, place.first) for place in seen if place.first >= FIRST] == []


def test_an_explorable_is_met_before_two_fifths_of_the_page(seen):
    assert [(place.chapter, place.width, place.live) for place in seen if place.live >= LIVE] == []


def test_at_most_two_blocks_of_code_stand_open_before_there_is_something_to_see(seen):
    assert [(place.chapter, place.width, place.longest) for place in seen if place.longest > IN_A_ROW] == []
