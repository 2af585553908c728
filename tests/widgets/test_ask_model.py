"""The explorable that asks the trained model: weights, patterns, logits and answers are the package's own."""

import json
import re

import numpy as np
import pytest
from hand import drag, middle
from playwright.sync_api import expect

from chapters.ch08.page import INPUTS, RUN, answers
from transformer_lab.analysis.digit_model import load
from transformer_lab.byhand.transformer import forward
from transformer_lab.errors import LabError
from transformer_lab.places import shipped
from transformer_lab.tasks.expressions import spell, tokenize, value
from transformer_lab.widgets import AskModel
from transformer_lab.widgets.asked import STEPS
from transformer_lab.widgets.bundle import JS, node, poster
from transformer_lab.widgets.page_data import page_data

MODULE, FILE = JS / "ask-model.js", JS / "data" / "ask.bin"
ANSWERS = np.array([2 + value(x) for x in INPUTS])
BYTES = (f'import {{ readFileSync }} from "node:fs"; const file = readFileSync("{FILE}"); '
         "const data = new DataView(file.buffer, file.byteOffset, file.length); ")
ARRAYS = page_data(FILE.read_bytes())[1]


def shown(imports, expression, given=None):
    source = f"{BYTES}const given = {json.dumps(given)}; {imports}; process.stdout.write(JSON.stringify({expression}));"
    return json.loads(node(source))


def ask(name):
    return f'import {{ {name} }} from "{(JS / "ask").as_uri()}/{"model" if name == "modelOf" else "inputs"}.js"'


@pytest.fixture(scope="module")
def weights():
    """The weights in the file by step, as doubles, read without any of the page's code."""
    return {step: {name.removeprefix(f"{step}/"): value.astype(float) for name, value in ARRAYS.items()
                   if name.startswith(f"{step}/")} for step in STEPS}


@pytest.fixture(scope="module")
def stored():
    """The answers in the file: (steps, inputs)."""
    return ARRAYS["answers"]


def test_the_file_holds_the_steps_and_what_was_held_out():
    held_out = set(RUN.task.parts.held_out)
    wanted = [x in held_out for x in INPUTS]
    assert ARRAYS["steps"].tolist() == list(STEPS) and ARRAYS["held_out"].astype(bool).tolist() == wanted
    assert shown(ask("modelOf"), "Array.from({ length: 5000 }, (_, i) => modelOf(data).heldOut(i))") == wanted


def test_the_page_counts_spells_and_answers_the_inputs_as_the_package():
    found = shown(ask("input"), "Array.from({ length: 5000 }, (_, i) => input(i))")
    assert [one["text"] for one in found] == [spell(tokenize(x)) for x in INPUTS]
    assert [one["tokens"] for one in found] == [tokenize(x) for x in INPUTS]
    assert [one["answer"] for one in found] == ANSWERS.tolist()


@pytest.mark.parametrize("step", [0, 50, 600, 2000])
def test_every_pattern_and_all_logits_agree_with_numpy(weights, step):
    rows = np.random.default_rng(step).choice(5000, 12, replace=False).tolist()
    acts = forward(weights[step], RUN.task.encoded([INPUTS[i] for i in rows]).tokens, RUN.model)
    found = shown(f'import {{ compute }} from "{MODULE.as_uri()}"', "given.map((state) => compute(state, data).acts)",
                  [{"expression": spell(tokenize(INPUTS[i])), "step": step} for i in rows])
    for name in ("blocks.0.pattern", "blocks.1.pattern", "logits"):
        assert np.abs(np.array([one[name] for one in found]) - acts[name]).max() <= 1e-9, name


def test_the_map_shows_what_the_page_itself_would_answer(stored):
    rng = np.random.default_rng(7)
    chosen = [[at, i] for at in range(len(STEPS)) for i in rng.choice(5000, 40, replace=False).tolist()]
    found = shown(f"{ask('modelOf')}; {ask('input')}; const model = modelOf(data)", "given.map(([at, i]) => "
                  "[model.ask(at, input(i).tokens).logits, model.wrong[at][Math.floor(i / 1000)].includes(i)])", chosen)
    for (at, i), (logits, wrong) in zip(chosen, found, strict=True):
        assert np.argmax(logits) == stored[at, i]
        assert wrong == (stored[at, i] != ANSWERS[i])


def test_all_answers_at_all_steps_are_those_of_the_rounded_weights(weights, stored):
    for at, params in enumerate(weights.values()):
        assert np.array_equal(answers(params), stored[at])


def test_rounding_the_shipped_weights_changes_no_answer(weights, stored):
    model, record = load(shipped("digits", "digits-0"))
    for name, rounded in weights[2000].items():
        assert np.array_equal(rounded, record.weights[name].astype(np.float16)), name
    exact = model.logits(RUN.task.encoded(INPUTS).tokens).argmax(-1)
    assert np.array_equal(exact, stored[-1])
    assert np.array_equal(exact, ANSWERS)                    # both models answer all 5,000 inputs right


def test_scores_count_what_the_map_shows(stored):
    right, held_out = stored == ANSWERS, ARRAYS["held_out"].astype(bool)
    scores, totals = shown(ask("modelOf"), "[modelOf(data).scores, modelOf(data).totals]")
    for at, row in enumerate(right):
        for name, part in (("trained", ~held_out), ("heldOut", held_out)):
            assert totals[at][name] == [(row & part).sum(), part.sum()]
            for operation in range(5):
                mine = np.arange(5000) // 1000 == operation
                assert scores[at][operation][name] == [(row & part & mine).sum(), (part & mine).sum()]


@pytest.mark.parametrize("text", ["Max ( 5 , 3 , 9 )", "max(5,3,9)", "MAX 5 3 9", "Max(5 3,9", "  max ( 5;3;9 )  "])
def test_spaces_capitals_and_brackets_do_not_matter(text):
    assert shown(ask("parse"), "parse(given)", text) == {"number": 3539}


@pytest.mark.parametrize(("text", "said"), [
    ("", "Got nothing; write an operation and three digits"),
    (" ( , ) ", "Got nothing; write an operation and three digits"),
    ("Add(5,3,9)", "Got Add; this model knows First, Second, Last, Max and Min."),
    ("Second-largest 1 2 3", "Got Second-largest; this model knows First"),
    ("5 3 9", "Got '5'; allowed is an operation: First, "), ("+", "Got '+'; allowed is an operation: First, "),
    ("Max", "Got the end after 'Max'; allowed is '('."),
    ("Max ( 5", "Got Max of 1 digit; this model knows three"),
    ("Max(1,2,3,4)", "Got Max of 4 digits; this model knows three"),
    ("Max(5,12,3)", "Got 12 inside Max; this model knows the digits 0 to 9, one by one."),
    ("Max(5,-1,3)", "Got '-' after 'Max(5,'"), ("Max(5,1.5,3)", "Got '.' after 'Max(5,1'; allowed is ',' or ')'."),
    ("Max 539", "Got 539 inside Max"),
    ("Max(First(1,2,3),5,3)", "Got First inside Max"), ("Max 5 3 x", "Got '5' after 'Max '; allowed is '('."),
    ("Größe 1 2 3", "Got 'Gr'; allowed is one of First, "),
    ("W" * 60, "Got '" + "W" * 60 + "'; allowed is one of First, "),
])
def test_a_wrong_text_gets_a_sentence_with_what_came_and_what_is_allowed(text, said):
    found = shown(ask("parse"), "parse(given)", text)
    assert list(found) == ["fault"] and found["fault"].startswith(said)


def test_the_page_and_the_package_read_the_same_expressions():
    rng = np.random.default_rng(3)
    pieces = ["Max", "min", "First", "Add", "5", "3", "12", "(", ")", ",", " ", "x", "-"]
    texts = ["".join(rng.choice(pieces, rng.integers(1, 12))) for _ in range(300)]
    for text, found in zip(texts, shown(ask("parse"), "given.map(parse)", texts), strict=True):
        try:
            expression = AskModel(expression=text).expression
        except LabError:
            continue                                         # the page forgives more: brackets and commas
        assert spell(tokenize(INPUTS[found["number"]])) == expression


def test_the_python_class_spells_expressions_and_refuses_what_there_is_not():
    assert AskModel().state() == {"expression": "Max ( 5 , 3 , 9 )", "step": 50, "held_out": False}
    lab = AskModel(expression="second(1, 2, 3)", step=2000)
    assert lab.expression == "Second ( 1 , 2 , 3 )"
    for wrong in ({"expression": "Max(1, 2)"}, {"expression": "Max(1, 2, 12)"}, {"expression": "7"}, {"expression": 7},
                  {"step": 60}, {"step": 50.0}, {"step": None}):
        with pytest.raises(LabError):
            AskModel(**wrong)
    with pytest.raises(LabError, match=r"step: got 60; allowed is one of 0, 10, 25, 50, .*, 2000\. Choose"):
        lab.step = 60


def test_the_still_picture_is_small():
    assert len(poster("ask-model", AskModel().state())) < 60_000


def shades(page):
    return page.locator(".lab-picture path[fill-opacity]").evaluate_all("paths => paths.map((path) => path.outerHTML)")


def bars(page):
    return page.locator(".lab-picture rect[fill-opacity]").evaluate_all("bars => bars.map((bar) => bar.outerHTML)")


def written(page):
    return page.locator(".lab-picture text").evaluate_all("texts => texts.map((text) => text.textContent)")


@pytest.mark.browser
def test_typing_draws_all_heads_logits_and_answers_again(open_lab):
    page = open_lab("ask-model", {"step": 2000})
    typed, words = page.get_by_role("textbox", name="Ask"), page.locator(".lab-words")
    expect(words).to_contain_text("the answer to Max ( 5 , 3 , 9 ), held out, is 9 (100.0 %), which is right")
    heads, others = shades(page), bars(page)
    typed.fill("")
    page.keyboard.type("min 4 0 7")
    expect(words).to_contain_text("the answer to Min ( 4 , 0 , 7 )")
    expect(typed).to_have_value("min 4 0 7")
    assert shades(page) != heads and bars(page) != others
    assert any(re.fullmatch(r"100\.0 % ✓", text) for text in written(page))
    page.keyboard.press("Tab")
    expect(typed).to_have_value("Min ( 4 , 0 , 7 )")
    assert page.get_by_label("Input on the map").get_attribute("aria-valuenow") == "4407"


@pytest.mark.browser
def test_a_wrong_text_is_explained_and_the_last_input_stays(open_lab):
    page = open_lab("ask-model")
    typed, words = page.get_by_role("textbox", name="Ask"), page.locator(".lab-words")
    shown_before = shades(page)
    typed.fill("Add(5, 3, 9)")
    expect(typed).to_have_attribute("aria-invalid", "true")
    said = page.locator(f"#{typed.get_attribute('aria-describedby')}")
    expect(said).to_have_text("Got Add; this model knows First, Second, Last, Max and Min.")
    expect(words).to_contain_text("the answer to Max ( 5 , 3 , 9 )")
    assert shades(page) == shown_before
    page.keyboard.press("Tab")
    expect(typed).to_have_value("Add(5, 3, 9)")              # what is wrong stays, to be mended
    page.get_by_role("button", name="Reset").click()
    expect(typed).to_have_value("Max ( 5 , 3 , 9 )")
    expect(typed).to_have_attribute("aria-invalid", "false")
    expect(said).to_have_text("Held out: training never saw it.")


@pytest.mark.browser
def test_steps_by_key_and_by_drag_and_wrong_answers_turn_right(open_lab):
    page = open_lab("ask-model")
    step, words = page.get_by_label("Step of training"), page.locator(".lab-words")
    expect(words).to_contain_text("Right on 3,371 of 4,000 inputs trained on, 818 of 1,000 held out.")
    step.focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("After 75 steps")
    page.keyboard.press("Shift+ArrowLeft")
    expect(words).to_contain_text("After 0 steps")
    page.keyboard.press("End")
    expect(words).to_contain_text("After 2000 steps")
    page.keyboard.press("Home")
    expect(words).to_contain_text("After 0 steps")
    box = step.bounding_box()
    drag(page, (box["x"] + 20, box["y"] + 30), (box["x"] + box["width"] - 4, box["y"] + 30), steps=5)
    expect(words).to_contain_text("After 2000 steps")
    expect(words).to_contain_text("Right on 4,000 of 4,000 inputs trained on, 1,000 of 1,000 held out.")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_press_on_the_map_asks_that_input_and_arrows_move(open_lab, width):
    page = open_lab("ask-model", width=width)
    mark, words = page.get_by_label("Input on the map"), page.locator(".lab-words")
    page.locator(".lab-press").scroll_into_view_if_needed()
    area = page.locator(".lab-press").bounding_box()
    page.mouse.click(area["x"] + 1, area["y"] + area["height"] * 0.805 + 23 * (width == 390))
    expect(words).to_contain_text("the answer to Min ( 0 , 0 , 0 )")
    mark.focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("Min ( 0 , 0 , 1 )")
    page.keyboard.press("Shift+ArrowRight")
    expect(words).to_contain_text("Min ( 1 , 0 , 1 )")
    page.keyboard.press("ArrowUp")
    expect(words).to_contain_text("Max ( 1 , 9 , 1 )")
    expect(page.get_by_role("textbox")).to_have_value("Max ( 1 , 9 , 1 )")
    at, box = mark.bounding_box(), page.locator(".lab-press").bounding_box()
    page.mouse.click(*middle(mark))  # where the mark is, that input is
    expect(words).to_contain_text("Max ( 1 , 9 , 1 )")
    assert box["x"] - 4 <= at["x"] <= box["x"] + box["width"]


@pytest.mark.browser
def test_held_out_inputs_are_marked_on_demand(open_lab):
    page = open_lab("ask-model")
    dots = "[...document.querySelectorAll('.lab path[stroke-linecap=round]')].map((dot) => dot.getAttribute('d'))"
    assert page.evaluate(dots) == [""] * 10
    page.get_by_role("button", name="Mark held-out inputs").click()
    assert sum(d.count("M") for d in page.evaluate(dots)) == 1000
