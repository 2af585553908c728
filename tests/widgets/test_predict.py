"""Predict: nothing is given away before the reader commits; the answer stays in the browser and outlives a reload."""

import pytest
from hand import drag
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
    expect(words).to_have_text("You have chosen “first”.")
    assert "✓" not in page.locator(".lab-stage").inner_text()
    commit.press("Enter")
    expect(commit).to_be_focused()
    expect(words).to_have_text("You chose “first”. What holds is “second”. Because.")
    page.reload()
    expect(words).to_have_text("You chose “first”. What holds is “second”. Because.")
    expect(page.locator(".lab-answers li")).to_have_text(["first✗ your answer", "second✓"])
    page.get_by_role("button", name="Reset").click()
    expect(words).to_have_text("You have chosen nothing yet.")


@pytest.mark.browser
def test_two_questions_on_one_page_keep_their_answers_apart(open_lab):
    other = QUESTION | {"id": "other-question"}
    page = open_lab("choice", html=static_html("choice", QUESTION) + static_html("choice", other))
    page.wait_for_function("document.querySelectorAll('.lab-live').length == 2")
    page.locator(".lab-static").nth(0).get_by_label("first").check()
    page.locator(".lab-static").nth(1).get_by_label("second").check()
    expect(page.locator(".lab-words")).to_have_text(["You have chosen “first”.", "You have chosen “second”."])


@pytest.mark.browser
def test_a_curve_is_drawn_by_dragging_or_by_keys_then_compared(open_lab):
    page = open_lab("curve", CURVE)
    words, commit = page.locator(".lab-words"), page.get_by_role("button", name="This is my curve")
    expect(commit).to_be_disabled()
    first = page.get_by_label("Your curve, point 1 of 7")
    first.focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    expect(first).to_have_attribute("aria-valuetext", "value: 0; step: 0")
    last = page.get_by_label("Your curve, point 7 of 7").bounding_box()
    drag(page, (last["x"] + 7, last["y"] + 7), (last["x"] + 7, last["y"] - 400), steps=5)
    expect(words).to_contain_text("Your curve begins at 0 and ends at 1.")
    expect(page.locator(".lab-median")).to_have_count(0)
    commit.click()
    expect(words).to_contain_text("on average yours lies 0.033 from it. So.")  # the median is 0, 0.4, 1
    expect(page.locator(".lab-seed")).to_have_count(3)


@pytest.mark.browser
def test_what_the_reader_enters_is_not_part_of_the_state(open_lab):
    page = open_lab("choice", QUESTION)
    page.get_by_label("second").check()
    assert page.evaluate("Object.keys(localStorage)") == ["transformer-lab:test-question"]
    kept = page.evaluate("JSON.parse(localStorage['transformer-lab:test-question'])")
    assert kept == {"chosen": 1, "committed": False}


GARBAGE = ["", "null", "3", '"x"', "[]", "{}", '{"chosen": 1}', '{"chosen": 9, "committed": true}', '{"drawn": "x"}',
           '{"chosen": {"tag": "script", "attrs": {}, "children": ["said = 1"]}, "committed": true}',
           '{"question": {"tag": "script", "attrs": {}, "children": ["said = 1"]}, "chosen": 0, "committed": false}',
           '{"chosen": -1, "committed": true}', '{"chosen": 0.5, "committed": false}', '{"__proto__": {"chosen": 1}}',
           '{"drawn": [1, 2, 3], "committed": true}', '{"drawn": null, "committed": true}',
           '{"drawn": [0, 0, 0, 0, 0, 0, {"tag": "b"}], "committed": false}',
           '{"drawn": [0, 0, 0, 0, 0, 0, 1e308], "committed": false}']


@pytest.mark.browser
@pytest.mark.parametrize("name, state, first", [("choice", QUESTION, "You have chosen nothing yet."),
                                                ("curve", CURVE, "Drag across the picture")])
def test_garbage_in_the_store_means_the_first_state_and_no_element(open_lab, name, state, first):
    page = open_lab(name, state)
    for kept in GARBAGE:
        page.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [f"transformer-lab:{state['id']}", kept])
        page.reload()
        page.wait_for_selector(".lab-live .lab-controls")
        if kept.startswith('{"question"') and name == "choice":
            expect(page.locator(".lab-words")).to_have_text("You have chosen “first”.")
        else:
            expect(page.locator(".lab-words")).to_contain_text(first)
        expect(page.locator(".lab script")).to_have_count(0)
        expect(page.locator(".lab")).not_to_contain_text("object Object")


@pytest.mark.browser
@pytest.mark.parametrize("limits", [[[0.5, {"tag": "script", "attrs": {}, "children": ["said = 1"]}]]])
def test_what_a_page_says_is_text_whatever_its_type(open_lab, limits):
    page = open_lab("curve", html=static_html("curve", CURVE | {"limits": limits, "question": "<b>x</b>"}))
    expect(page.locator(".lab script, .lab-head b")).to_have_count(0)


@pytest.mark.browser
def test_two_copies_of_one_question_say_the_same(open_lab):
    page = open_lab("choice", html=2 * static_html("choice", QUESTION))
    page.wait_for_function("document.querySelectorAll('.lab-live').length == 2")
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map((one) => one.id)).size == "
                         "document.querySelectorAll('[id]').length")
    one, other = page.locator(".lab-static").nth(0), page.locator(".lab-static").nth(1)
    one.get_by_label("first").check()
    expect(other.locator(".lab-words")).to_have_text("You have chosen “first”.")
    other.get_by_role("button", name="This is my answer").click()
    expect(one.locator(".lab-words")).to_have_text("You chose “first”. What holds is “second”. Because.")
    one.get_by_role("button", name="Reset").click()
    expect(page.locator(".lab-words")).to_have_text(["You have chosen nothing yet."] * 2)


@pytest.mark.browser
def test_a_vertical_swipe_across_a_curve_scrolls_and_draws_nothing(open_lab):
    html = f'{static_html("curve", CURVE)}<div style="height: 200vh"></div>'
    page = open_lab("curve", html=html, width=390, touch=True)
    box, touch = page.locator(".lab-picture").bounding_box(), page.context.new_cdp_session(page)
    def swipe(dx, dy):
        x, y = box["x"] + box["width"] * 0.4, box["y"] + 190
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for n in range(1, 11):
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [
                {"x": x + dx * n / 10, "y": y + dy * n / 10}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)
    swipe(0, -150)
    assert page.evaluate("scrollY") > 60
    expect(page.locator(".lab-words")).to_contain_text("Drag across the picture")
    page.evaluate("scrollTo(0, 0)")
    swipe(120, 0)
    expect(page.locator(".lab-words")).to_contain_text("Your curve begins at")
