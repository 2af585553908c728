"""Predict: nothing is given away before the reader commits; the answer stays in the browser and outlives a reload."""

import pytest
from playwright.sync_api import expect

from transformer_lab.widgets.bundle import static_html

QUESTION = {"id": "test-question", "question": "Which?", "answers": ["first", "second"], "right": 1,
            "explanation": "Because."}
CURVE = {"id": "test-curve", "x": [0, 1, 2], "curves": [[0, 0, 1], [0, 0.4, 1], [0, 1, 1]], "x_range": [0, 2],
         "explanation": "So."}


@pytest.mark.browser
def test_a_choice_is_revealed_only_after_it_is_made_and_is_remembered(open_lab):
    page = open_lab("choice", QUESTION)
    commit, words = page.get_by_role("button", name="This is my answer"), page.locator(".lab-words")
    expect(commit).to_be_disabled()
    page.get_by_label("first").focus()
    page.keyboard.press("Space")
    expect(words).to_have_text("Chosen: first")
    assert "✓" not in page.locator(".lab-stage").inner_text()
    commit.press("Enter")
    expect(words).to_have_text("You said: first. It is: second. Because.")
    page.reload()
    expect(words).to_have_text("You said: first. It is: second. Because.")
    expect(page.locator(".lab-answers li")).to_have_text(["first✗", "second✓"])
    page.get_by_role("button", name="Reset").click()
    expect(words).to_have_text("Nothing chosen yet.")


@pytest.mark.browser
def test_two_questions_on_one_page_keep_their_answers_apart(open_lab):
    other = QUESTION | {"id": "other-question"}
    page = open_lab("choice", html=static_html("choice", QUESTION) + static_html("choice", other))
    page.wait_for_function("document.querySelectorAll('.lab-live').length == 2")
    page.locator(".lab-static").nth(0).get_by_label("first").check()
    page.locator(".lab-static").nth(1).get_by_label("second").check()
    expect(page.locator(".lab-words")).to_have_text(["Chosen: first", "Chosen: second"])


@pytest.mark.browser
def test_a_curve_is_drawn_by_dragging_or_by_keys_then_compared(open_lab):
    page = open_lab("curve", CURVE)
    words, commit = page.locator(".lab-words"), page.get_by_role("button", name="This is my curve")
    expect(commit).to_be_disabled()
    first = page.get_by_label("Your curve, point 1 of 7")
    first.focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    expect(first).to_have_attribute("aria-valuetext", "0 at step 0")
    last = page.get_by_label("Your curve, point 7 of 7").bounding_box()
    page.mouse.move(last["x"] + 7, last["y"] + 7)
    page.mouse.down()
    page.mouse.move(last["x"] + 7, last["y"] - 400, steps=5)
    page.mouse.up()
    expect(words).to_contain_text("You say: 0 at step 0, 1 at step 2.")
    expect(page.locator(".lab-median")).to_have_count(0)
    commit.click()
    expect(words).to_contain_text("off by 0.033 on average. So.")  # the median is 0, 0.4, 1; drawn 0, 0.5, 1
    expect(page.locator(".lab-seed")).to_have_count(3)


@pytest.mark.browser
def test_what_the_reader_enters_is_not_part_of_the_state(open_lab):
    page = open_lab("choice", QUESTION)
    page.get_by_label("second").check()
    assert page.evaluate("Object.keys(localStorage)") == ["transformer-lab:test-question"]
    kept = page.evaluate("JSON.parse(localStorage['transformer-lab:test-question'])")
    assert kept == {"chosen": 1, "committed": False}
