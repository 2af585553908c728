"""The whole machine: every activation at every zoom as NumPy has it, each sum adds up, and it works by hand."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from transformer_lab.analysis.digit_model import load
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.transformer import forward
from transformer_lab.errors import LabError
from transformer_lab.places import shipped
from transformer_lab.tasks.expressions import parse, tokenize
from transformer_lab.widgets import WholeMachine
from transformer_lab.widgets.bundle import JS, node, poster
from transformer_lab.widgets.machine import ASKED

QUESTIONS = ["Max ( 5 , 3 , 9 )", "Min ( 0 , 0 , 7 )"]

CELLS = """
import { readFileSync } from "node:fs";
import lab from "FOLDER/whole-machine.js";
import { compute } from "FOLDER/whole-machine.js";
const bytes = readFileSync(new URL("data/whole-machine.bin", "FOLDER/x")), out = [];
const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
for (const state of STATES) {
  const { at, row, column, made } = compute({ ...lab.defaults, ...state }, data);
  const shift = /pattern|probs|mlp_post/.test(at.name) ? 0 : made.terms.reduce((sum, { value }) => sum + value, 0);
  out.push({ name: at.name, row, column, value: made.value, terms: made.terms.length, sum: shift, from: made.from });
}
process.stdout.write(JSON.stringify(out));
"""


def cells(states):
    return json.loads(node(CELLS.replace("FOLDER", JS.as_uri()).replace("STATES", json.dumps(states))))


@pytest.fixture(scope="module")
def machine():
    """The activations of a question, from the weights as the page has them."""
    model, record = load(shipped("digits", "digits-0"))
    params = {name: value.astype(np.float16).astype(float) for name, value in record.weights.items()}

    def acts(question):
        found = dict(forward(params, np.array([tokenize(parse(question))]), model.run.model))
        found["probs"] = softmax(found["logits"])
        for layer in range(2):
            found[f"blocks.{layer}.written"] = found[f"blocks.{layer}.z"] @ params[f"blocks.{layer}.W_O"]
        return found
    return acts


def zoom_of(name):
    if not name.startswith("blocks"):
        return "model"
    return "head" if re.search(r"\.(ln1|q|k|v|scores|pattern|z|written)$", name) else "block"


def states():
    rng = np.random.default_rng(0)
    for question in QUESTIONS:
        for name in ASKED:
            yield {"expression": question, "zoom": zoom_of(name), "layer": int("blocks.1" in name), "asked": name,
                   "head": int(rng.integers(4)), "row": int(rng.integers(8)), "column": int(rng.integers(256))}


def test_every_cell_is_numpys_and_what_adds_up_to_it_does(machine):
    asked_for = list(states())
    for state, cell in zip(asked_for, cells(asked_for), strict=True):
        name, row, column = state["asked"], cell["row"], cell["column"]
        assert cell["name"] == name
        rows = machine(state["expression"])[name][0]
        if re.search(r"\.(q|k|v|scores|pattern|z|written)$", name):
            rows = rows[state["head"]]
        want = np.atleast_2d(rows)[row, column]
        assert abs(cell["value"] - want) < 1e-9, (name, row, column)
        if cell["terms"] and cell["sum"]:
            assert abs(cell["sum"] - want) < 1e-9, name
        if not name.endswith("embed"):
            assert cell["terms"] or cell["from"], f"{name} does not say what it was made from"


def test_python_knows_what_the_page_can_show():
    assert WholeMachine(expression="min(1,2,3)").expression == "Min ( 1 , 2 , 3 )"
    for wrong in ({"zoom": "cell"}, {"asked": "blocks.2.q"}, {"layer": 2}, {"head": 4}, {"expression": "Add(1, 2)"}):
        with pytest.raises(LabError):
            WholeMachine(**wrong)


def test_the_still_picture_is_small():
    assert len(poster("whole-machine", WholeMachine().state())) < 100_000


@pytest.mark.browser
def test_one_goes_from_the_model_into_a_head_and_asks_by_keys(open_lab):
    page = open_lab("whole-machine")
    words = page.locator(".lab-words")
    page.get_by_role("button", name="Look into layer 0").click()
    expect(words).to_contain_text("Layer 0")
    page.get_by_role("button", name="Look into head 2").press("Enter")
    expect(words).to_contain_text("Head 2 of layer 0")
    scores = page.get_by_label("q · k / √16, scores")
    scores.focus()
    page.keyboard.press("ArrowUp")
    expect(words).to_contain_text("scores[9, Max] of head 2")
    for _ in range(6):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("scores[Max, 9] of head 2 is 7.65")
    expect(page.locator(".lab-stage")).to_contain_text("(2.91·3.37 + (−2.89)·(−2.76) + … (16 products)) / √16")
    expect(page.get_by_role("link", name="Explained in")).to_have_attribute("href", "01-soft-lookup.html")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_press_asks_a_cell_and_the_answer_is_in_sight(open_lab, width):
    page = open_lab("whole-machine", {"zoom": "head", "asked": "blocks.0.pattern", "row": 0, "column": 6}, width=width)
    area = page.get_by_label("keys, k")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + 2)
    expect(page.locator(".lab-words")).to_contain_text("k[Max, 15] of head 2")
    said = page.locator(".lab-stage p").bounding_box()
    assert width > 390 or (said["y"] >= 0 and said["y"] + said["height"] <= 900)


@pytest.mark.browser
def test_what_is_typed_goes_through_the_machine(open_lab):
    page = open_lab("whole-machine")
    typed = page.get_by_role("textbox", name="Ask")
    typed.fill("min 4 0 7")
    expect(page.locator(".lab-words")).to_contain_text("asked Min ( 4 , 0 , 7 ): it answers 0")
    typed.fill("Sum(1, 2, 3)")
    expect(typed).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".lab-words")).to_contain_text("Min ( 4 , 0 , 7 )")
