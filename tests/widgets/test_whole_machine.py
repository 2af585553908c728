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


PUT = """
import { readFileSync } from "node:fs";
import lab from "FOLDER/whole-machine.js";
import { compute } from "FOLDER/whole-machine.js";
const bytes = readFileSync(new URL("data/whole-machine.bin", "FOLDER/x"));
const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
process.stdout.write(JSON.stringify(STATES.map((state) => {
  const { run, steps, at } = compute({ ...lab.defaults, ...state }, data);
  return { logits: run.acts.logits[0], pattern: run.acts["blocks.0.pattern"], drawn: at.drawn,
    steps: steps.map((step) => compute({ ...lab.defaults, ...state, ...step }, data)).map(({ at, row, column }) =>
      [at.name, row, column]), says: steps.map(({ says }) => says) };
})));
"""


def put(states):
    return json.loads(node(PUT.replace("FOLDER", JS.as_uri()).replace("STATES", json.dumps(states))))


def test_a_number_that_is_set_changes_what_follows_as_numpys_tap_does():
    model, record = load(shipped("digits", "digits-0"))
    params = {name: value.astype(np.float16).astype(float) for name, value in record.weights.items()}
    question = WholeMachine().expression
    of = {"of": question}
    cases = [("blocks.0.pattern", 2, 0, 2, "1"), ("blocks.0.pattern", 2, 0, 4, "0.25"), ("blocks.1.q", 1, 7, 3, "-2,5"),
             ("blocks.0.resid_mid", None, 6, 9, "4"), ("embed", None, 6, 0, "−1"),
             ("blocks.1.mlp_post", None, 7, 200, "3")]
    states = [{"put": {"name": name, "row": row, "column": column, "text": text, **of,
                       **({} if head is None else {"head": head})}} for name, head, row, column, text in cases]
    for found, (name, head, row, column, text) in zip(put(states), cases, strict=True):
        def tap(here, value, case=(name, head, row, column, text)):
            name, head, row, column, text = case
            if here != name:
                return value
            value, number = value.copy(), float(text.replace("−", "-").replace(",", "."))
            line = value[0, row] if head is None else value[0, head, row]
            if name.endswith("pattern"):
                line *= (1 - number) / (1 - line[column])
            line[column] = number
            return value
        want = forward(params, np.array([tokenize(parse(question))]), model.run.model, tap=tap)
        assert np.allclose(found["logits"], want["logits"][0], atol=1e-9), name
        assert np.allclose(np.sum(found["pattern"], axis=-1), 1)


def test_a_number_that_is_none_or_of_another_question_changes_nothing():
    one = {"name": "blocks.0.pattern", "head": 2, "row": 0, "column": 2, "of": WholeMachine().expression}
    as_it_is, *found = put([{}, *({"put": {**one, **wrong}} for wrong in (
        {"text": "1.5"}, {"text": "much"}, {"text": ""}, {"text": "1", "of": "Min ( 5 , 3 , 9 )"}))])
    assert all(other["logits"] == as_it_is["logits"] for other in found)


def test_the_walk_is_one_that_each_question_can_show_and_the_changes_are_differences(machine):
    states = [{"expression": question, "show": "changes", "asked": "embed"} for question in
              [*QUESTIONS, "First ( 2 , 8 , 5 )", "Last ( 1 , 1 , 1 )"]]
    for found in put(states):
        assert len(found["steps"]) == 15 and found["steps"][-1][0] == "probs"
        assert "undefined" not in " ".join(found["says"]) and "NaN" not in " ".join(found["says"])
    shown = put(states[:1])[0]["drawn"]
    want = machine("Max ( 5 , 3 , 9 )")["embed"] - machine("Max ( 5 , 3 , 2 )")["embed"]
    assert np.allclose(shown, want[0]) and not np.any(shown[:6])
    said = put([{}])[0]
    assert said["steps"][6] == ["blocks.0.pattern", 0, 6]
    assert said["says"][6].endswith("Max gives the 9 0.998 of its attention.")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_one_follows_a_token_and_turns_a_look_and_the_answer_turns(open_lab, width):
    page = open_lab("whole-machine", {"zoom": "head", "asked": "blocks.0.pattern", "row": 0, "column": 2}, width=width)
    said = page.locator(".lab-entry .lab-said").first
    page.get_by_role("button", name="Look only here").click()
    expect(said).to_contain_text("With your number it answers 5")
    page.get_by_role("radio", name="what changes").click()
    page.get_by_role("radio", name="model", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("The machine answers 9")
    expect(page.get_by_role("textbox", name="less")).to_have_value("Max ( 5 , 3 , 2 )")
    page.get_by_role("button", name="Follow").click()
    for _ in range(6):
        page.get_by_role("button", name="Next").click()
    expect(page.locator(".lab-words")).to_contain_text("pattern[Max, 9] of head 2 is 0.998")
    box = page.get_by_role("textbox", name="Set it to")
    box.fill("2")
    expect(box).to_have_attribute("aria-invalid", "true")


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
