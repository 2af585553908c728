"""The explorable of positions: its numbers are NumPy's, and mouse, touch and keyboard reach them."""

import json

import numpy as np
import pytest
from hand import drag
from playwright.sync_api import expect

from transformer_lab.byhand.positions import shift_rotation, sinusoids
from transformer_lab.widgets import Positions
from transformer_lab.widgets.bundle import JS, node

STATES = [{"d_model": d_model, "base": base, "position": position, "offset": offset, "turned": turned}
          for d_model in (4, 8, 16) for base in (10, 100, 10000) for turned in (False, True)
          for position, offset in [(0, 0), (12, 7), (63, -63), (40, 23), (31, -5)]]


def test_every_number_agrees_with_numpy():
    module = (JS / "positions.js").as_uri()
    got = json.loads(node(f'import {{ compute }} from "{module}"; '
                          f"process.stdout.write(JSON.stringify({json.dumps(STATES)}.map(compute)));"))
    worst = 0.0
    for state, now in zip(STATES, got, strict=True):
        codes = sinusoids(64, state["d_model"], base=state["base"])
        query = codes[state["position"]]
        if state["turned"]:
            query = shift_rotation(state["offset"], state["d_model"], base=state["base"]) @ query
        key = state["position"] + state["offset"]
        want = {"query": query, "keyCode": codes[key], "scores": codes @ query, "score": codes[key] @ query}
        worst = max(worst, *(np.abs(np.subtract(now[name], value)).max() for name, value in want.items()))
    assert worst <= 1e-12


def test_the_python_class_has_the_defaults_of_the_picture():
    defaults = json.loads(node(f'import lab from "{(JS / "positions.js").as_uri()}"; '
                               "process.stdout.write(JSON.stringify(lab.defaults));"))
    assert Positions().state() == defaults


@pytest.mark.browser
def test_keyboard_moves_both_places_and_keeps_the_offset(open_lab):
    page = open_lab("positions")
    query, key = page.get_by_label("Query position"), page.get_by_label("Key position")
    words = page.locator(".lab-words")
    query.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(query).to_have_attribute("aria-valuenow", "22")
    expect(key).to_have_attribute("aria-valuenow", "29")
    expect(words).to_contain_text("7 after")
    key.focus()
    page.keyboard.press("ArrowLeft")
    expect(words).to_contain_text("6 after")
    query.focus()
    for place in ("32", "42", "52", "57"):  # both stop where the key meets the end
        page.keyboard.press("Shift+ArrowRight")
        expect(query).to_have_attribute("aria-valuenow", place)
    expect(key).to_have_attribute("aria-valuenow", "63")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_drag_puts_the_key_where_the_hand_lets_go(open_lab, width):
    page = open_lab("positions", width=width)
    key = page.get_by_label("Key position").bounding_box()
    x, y = key["x"] + 22, key["y"] + 22
    drag(page, (x, y), (x + 500, y), steps=4)
    expect(page.locator(".lab-words")).to_contain_text("51 after")


@pytest.mark.browser
def test_turning_the_query_puts_the_peak_at_the_key_and_the_table_says_so(open_lab):
    page = open_lab("positions", {"d_model": 16, "base": 100, "position": 30, "offset": -5})
    page.get_by_role("button", name="Turn the query").click()
    page.get_by_role("button", name="Table").click()
    expect(page.locator("caption")).to_contain_text("8.0000")
    products = page.locator("tbody tr td:last-child").all_inner_texts()
    assert products == ["1.0000"] * 8
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("caption")).not_to_contain_text("turned")


@pytest.mark.browser
def test_nothing_runs_over_the_edge_of_a_phone(open_lab):
    page = open_lab("positions", {"d_model": 16, "position": 60, "offset": 3}, width=390, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inside = page.evaluate("""[...document.querySelectorAll('.lab-picture text')].every((text) => {
        const box = text.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; })""")
    assert inside
