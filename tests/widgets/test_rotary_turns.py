"""The explorable of turns and lengths: its numbers are NumPy's, and mouse, touch and keyboard reach them."""

import json

import numpy as np
import pytest
from hand import drag
from playwright.sync_api import expect

from transformer_lab.byhand.positions import rotate
from transformer_lab.widgets import RotaryTurns
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_data
from transformer_lab.widgets.rotary_turns import CODES

MODULE = (JS / "rotary-turns.js").as_uri()
TURNS = [{"query": query, "key": key, "squeeze": squeeze, "how": how} for how in ("turned", "added")
         for squeeze in (1, 2, 4) for query, key in [(0, 0), (40, 33), (127, 0), (90, 90), (5, 77)]]
LENGTHS = [{"view": "length", "code": code, "way": way, "length": length} for length in (32, 64, 128)
           for code, way in [("none", "near"), ("learned", "again"), ("sinusoidal", "squeezed"), ("rotary", "squeezed"),
                             ("alibi", "plain"), ("relative", "near"), ("rotary", "plain")]]


def followed(states):
    return json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{MODULE}"; '
        f'const bytes = readFileSync(new URL("data/rotary-turns.bin", "{MODULE}")); '
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
        f"process.stdout.write(JSON.stringify({json.dumps(states)}.map((given) => lab.finished(given, data)[1])));"))


def test_every_score_is_that_of_python_and_of_turned_rows():
    for state, now in zip(TURNS, followed(TURNS), strict=True):
        lab = RotaryTurns(**state)
        assert now["score"] == pytest.approx(lab.score, abs=1e-12)
        if state["how"] == "turned":
            assert np.ptp(now["along"]) < 1e-12
            if state["squeeze"] == 1 and state["key"] <= state["query"]:
                plain = np.tile([1.0, 0.0], (1, 8))
                q, k = (rotate(plain, np.array([state[name]])) for name in ("query", "key"))
                assert now["score"] == pytest.approx((q @ k.T).item(), abs=1e-12)
        elif state["query"] == 40:
            assert np.ptp(now["along"]) > 1


def test_a_pair_is_new_where_its_angle_lies_beyond_those_of_training():
    near, far, squeezed = followed([{"query": 60, "key": 29}, {"query": 61, "key": 29},
                                    {"query": 124, "key": 0, "squeeze": 4}])
    assert all(near["met"]) and all(squeezed["met"])
    assert far["met"] == [True, True, *6 * [False]]


def test_every_mean_is_that_of_python():
    for state, now in zip(LENGTHS, followed(LENGTHS), strict=True):
        shown = now["otherMean"] if state["way"] != "plain" else now["means"][CODES.index(state["code"])]
        assert shown == pytest.approx(RotaryTurns(**state).mean, abs=1e-6)


def test_where_a_code_has_no_such_way_the_page_shows_it_as_it_is():
    arrays = page_data(RotaryTurns().data)[1]
    assert np.isfinite(arrays["plain"]).all() and np.isfinite(arrays["changed"]).any(axis=(0, 2)).all()
    now, = followed([{"view": "length", "code": "alibi", "way": "squeezed"}])
    assert now["way"] == "plain" and now["other"] is None


@pytest.mark.browser
def test_the_query_takes_the_key_along_and_the_key_goes_alone(open_lab):
    page = open_lab("rotary-turns")
    query, key = page.get_by_label("Query position"), page.get_by_label("Key position")
    words = page.locator(".lab-words")
    query.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(query).to_have_attribute("aria-valuenow", "50")
    expect(key).to_have_attribute("aria-valuenow", "43")
    expect(words).to_contain_text("7 before the query")
    expect(words).to_contain_text("the same wherever both stand")
    key.focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(words).to_contain_text("17 before the query")
    page.get_by_role("radio", name="added").click()
    expect(words).to_contain_text("when both move together")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_drag_puts_the_query_where_the_hand_lets_go(open_lab, width):
    page = open_lab("rotary-turns", width=width)
    box = page.get_by_label("Query position").bounding_box()
    x, y = box["x"] + 22, box["y"] + 18
    drag(page, (x, y), (x + 900, y), steps=4)
    expect(page.locator(".lab-words")).to_contain_text("at 127")


@pytest.mark.browser
def test_the_length_is_dragged_and_slid_and_the_table_follows(open_lab):
    page = open_lab("rotary-turns", {"view": "length"}, width=390, touch=True)
    page.get_by_label("Length of the windows").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".lab-words")).to_contain_text("In windows of 124 characters")
    page.get_by_label("code").select_option("learned")
    page.get_by_label("changed").select_option("again")
    page.get_by_role("button", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(7)
    expect(page.locator("tbody")).to_contain_text("learned, rows again from 0")
