"""Chapters as nbconvert makes pages of them: no kernel, no script of ours, and still pictures with their colours."""

import re
import subprocess
import sys

import pytest

from transformer_lab.places import home

LOOK = """() => [...document.querySelectorAll('.lab-static')].map((still) => {
  const style = getComputedStyle;
  const filled = (shape) => style(shape).fill === 'rgb(0, 0, 0)' && style(shape).fillOpacity > 0.2;
  const closed = (shape) => shape.tagName !== 'path' || /z\\s*$/i.test(shape.getAttribute('d'));
  const large = (shape) => { const box = shape.getBoundingClientRect(); return box.width * box.height > 150; };
  const black = [...still.querySelectorAll('rect, circle, polygon, path')]
    .filter((shape) => filled(shape) && closed(shape) && large(shape));
  const around = still.querySelector('.lab');
  const { color, backgroundColor } = style(around);
  return { name: still.dataset.lab, black: black.length, ink: color, page: backgroundColor };
})"""


def faults(page) -> list[dict]:
    """The stills with black boxes, or without colours of their own."""
    return [still for still in page.evaluate(LOOK)
            if still["black"] or still["ink"] == "rgb(0, 0, 0)" or still["page"] == "rgba(0, 0, 0, 0)"]


@pytest.mark.browser
@pytest.mark.parametrize("chapter", ["01-soft-lookup", "06-every-gradient", "21-the-rule-and-the-model"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_stills_are_pictures_and_no_black_boxes_in_a_page_by_nbconvert(chromium, tmp_path, chapter, scheme):
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", home() / "book" / f"{chapter}.ipynb",
                    "--output-dir", tmp_path], check=True, capture_output=True)
    context = chromium.new_context(viewport={"width": 1000, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto((tmp_path / f"{chapter}.html").as_uri(), wait_until="domcontentloaded")
    stills = page.locator(".lab-static").count()
    assert stills >= 2 and faults(page) == []
    assert page.get_by_text("Run the cell (Shift+Enter)").count() == stills
    page.evaluate("document.querySelectorAll('.lab-notebook style').forEach((style) => style.remove())")
    assert len(faults(page)) == stills, "the stills bring their own colours, so without them this must show"
    context.close()
