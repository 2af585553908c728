"""The plane by hand: a drag moves everything, the proof included, fast enough; and what Python takes the page takes."""

import json

import pytest
from hand import drag, middle
from playwright.sync_api import expect

from transformer_lab.errors import LabError
from transformer_lab.widgets import PlaneModel
from transformer_lab.widgets.bundle import JS, files, node
from transformer_lab.widgets.plane_model import TENSORS, shapes

GOOD, NEARLY = {"seed": 17}, {"seed": 0}


def test_python_takes_what_the_page_takes_and_nothing_else():
    assert PlaneModel(sequence="4,7+").sequence == "4 7 +"
    assert PlaneModel(edits=[("W_U", 23, 1)]).edits == [["W_U", 23, 1.0]]
    for wrong in ({"sequence": ""}, {"sequence": "4 11 +"}, {"sequence": "1 2 3 4 5 6 7 8 9"}, {"sequence": "a"},
                  {"view": "keys"}, {"seed": 24}, {"step": 2401}, {"edits": [["W_O", 0, 1.0]]},
                  {"edits": [["W_Q", 4, 1.0]]}, {"edits": [["W_Q", 0, float("nan")]]}, {"edits": [["W_Q", 0]]},
                  {"edits": "W_Q"}, {"edits": [3]},
                  {"family": 168}, {"other": 24}, {"tensor": "W_O"}):
        with pytest.raises(LabError):
            PlaneModel(**wrong)


def test_tensors_are_those_of_the_data():
    assert set(shapes()) == set(TENSORS)


def test_regions_are_those_of_the_prediction_everywhere():
    found = json.loads(node(f"""
import {{ readFileSync }} from "node:fs"; import lab from "{(JS / 'plane-model.js').as_uri()}";
import {{ compute }} from "{(JS / 'plane-model.js').as_uri()}";
import {{ regionsOf, winner }} from "{(JS / 'plane').as_uri()}/cells.js";
import {{ within }} from "{(JS / 'plane').as_uri()}/leads.js";
const bytes = readFileSync(new URL("data/plane-model.bin", "{JS.as_uri()}/x"));
const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), out = [];
for (const seed of [17, 0, 4, 9]) {{
  const {{ plane }} = compute({{ ...lab.defaults, seed }}, data);
  const {{ regions, borders }} = regionsOf(plane, [-6, 6, -6, 6]);
  const corner = (cell, i) => cell[i] * cell[(i + 3) % cell.length] - cell[(i + 2) % cell.length] * cell[i + 1];
  const area = regions.flatMap((region) => region.polygons).reduce((sum, cell) =>
    sum + cell.reduce((twice, x, i) => twice + (i % 2 ? 0 : corner(cell, i)), 0) / 2, 0);
  let wrong = 0;
  for (let i = 0; i < 2000; i++) {{
    const point = [6 * Math.sin(i * 12.9898), 6 * Math.sin(i * 78.233)], token = winner(plane, point);
    if (!regions[token].polygons.some((cell) => within(...point, Float64Array.from(cell)))) wrong++;
  }}
  out.push([area, wrong, borders.length]);
}}
process.stdout.write(JSON.stringify(out));"""))
    assert all(abs(area - 144) < 1e-6 and wrong == 0 and borders > 5 for area, wrong, borders in found), found


def test_the_data_is_light():
    written = files()
    assert len(written["data-plane-model.js"]) < 300_000 and len(written["plane-model.js"]) < 120_000


def token(page, name):
    return middle(page.get_by_label(f"Token {name}", exact=True))


@pytest.mark.browser
@pytest.mark.parametrize("touch", [False, True])
def test_a_drag_breaks_the_proof_and_undo_mends_it(open_lab, touch):
    page = open_lab("plane-model", GOOD, width=390 if touch else 1280, touch=touch)
    words = page.locator(".lab-words")
    expect(words).to_contain_text("Proved right on all 38,753,322 contexts")
    page.get_by_label("Token 4", exact=True).scroll_into_view_if_needed()
    x, y = token(page, 4)
    drag(page, (x, y), (x + 10, y + 150), steps=6)
    expect(words).to_contain_text("The proof breaks in")
    page.get_by_role("button", name="Undo").click()
    expect(words).to_contain_text("Proved right on all 38,753,322 contexts")
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")


@pytest.mark.browser
def test_keys_move_a_token_a_weight_and_the_families(open_lab):
    page = open_lab("plane-model", NEARLY)
    words = page.locator(".lab-words")
    expect(words).to_contain_text("The proof breaks in 7 of 168 families")
    page.get_by_role("button", name="Show where it breaks").click()
    expect(words).to_contain_text("which is wrong")
    page.get_by_label("Token 4", exact=True).focus()
    before = page.get_by_label("Token 4", exact=True).get_attribute("aria-valuetext")
    page.keyboard.press("Shift+ArrowRight")
    assert page.get_by_label("Token 4", exact=True).get_attribute("aria-valuetext") != before
    page.get_by_label("Change").select_option("W_V")
    strip = page.get_by_label("Weights of W_V")
    strip.focus()
    page.keyboard.press("ArrowRight")
    assert strip.get_attribute("aria-valuetext").startswith("W_V[0, 1]")
    board = page.get_by_label("Families")
    board.focus()
    page.keyboard.press("ArrowLeft")
    assert board.get_attribute("aria-valuetext").startswith("plus at ")
    page.get_by_role("button", name="Reset").click()
    expect(words).to_contain_text("The proof breaks in 7 of 168 families")


@pytest.mark.browser
def test_a_sequence_is_typed_and_pressed(open_lab):
    page = open_lab("plane-model", GOOD)
    typed, words = page.get_by_role("textbox", name="Sequence"), page.locator(".lab-words")
    typed.fill("8 3 +")
    expect(words).to_contain_text("After 8 3 + the model says 8")
    typed.fill("8 x")
    expect(typed).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Add 2", exact=True).click()
    page.get_by_role("button", name="Add +", exact=True).click()
    expect(words).to_contain_text("After 8 3 + 2 + the model says 2")


@pytest.mark.browser
@pytest.mark.parametrize("view", ["plane", "scores", "attention", "proof"])
def test_every_view_opens_and_two_models_stand_side_by_side(open_lab, view):
    page = open_lab("plane-model", {"view": view, "other": 4, "step": 300})
    expect(page.get_by_role("radio", name=view, exact=True)).to_have_attribute("aria-checked", "true")
    expect(page.locator(".lab-words")).to_contain_text("Seed 4 breaks in")


@pytest.mark.browser
def test_a_long_drag_can_be_undone(open_lab):
    page = open_lab("plane-model", {**GOOD, "view": "proof"})
    page.evaluate("""async () => {
      const grip = document.querySelector('[aria-label="Token 4"]'), box = grip.getBoundingClientRect();
      const at = (i, type) => grip.dispatchEvent(new PointerEvent(type, { pointerId: 1, bubbles: true,
        pointerType: "mouse", clientX: box.x + 14 + 20 * Math.sin(i / 9), clientY: box.y + 14 + i / 4 }));
      grip.setPointerCapture = () => {}; grip.hasPointerCapture = () => true;
      at(0, "pointerdown");
      for (let i = 0; i < 40; i++) {
        await new Promise(requestAnimationFrame);
        at(i, "pointermove");
      }
      at(40, "pointerup");
    }""")
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
