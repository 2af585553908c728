"""Seen and unseen: what the page counts is what the file holds, and what the studies measured of the same runs."""

import json

import numpy as np
import pytest
from hand import drag
from playwright.sync_api import expect

from chapters.ch08.page import INPUTS, right_of
from transformer_lab.errors import LabError
from transformer_lab.training import study
from transformer_lab.widgets import SeenUnseen
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.seen_unseen import ANSWERS, SHARES, STEPS

MODULE, FILE = (JS / "seen-unseen.js").as_uri(), (JS / "data" / "seen-unseen.bin").as_uri()
ALL = [{"share": share, "answers": answers, "step": step} for share in SHARES for answers in ANSWERS for step in STEPS]


def followed(states, picked):
    return json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{MODULE}"; '
        f'const bytes = readFileSync(new URL("{FILE}"));'
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);"
        f"process.stdout.write(JSON.stringify({json.dumps(states)}.map((given) => {{"
        f"const now = lab.finished(given, data)[1]; return {picked}; }})));"))


def test_the_page_counts_what_the_file_holds_for_every_model_and_step():
    for state, (trained, unseen) in zip(ALL, followed(ALL, "[now.totals.trained, now.totals.heldOut]"), strict=True):
        lab = SeenUnseen(**state)
        assert lab.trained.sum() == 50 * state["share"]
        assert (trained, unseen) == pytest.approx((lab.right[lab.trained].mean(), lab.right[~lab.trained].mean()))


def test_single_inputs_are_right_or_wrong_as_in_the_file():
    rng = np.random.default_rng(5)
    states = [{**ALL[i], "number": int(rng.integers(5000))} for i in rng.integers(len(ALL), size=60)]
    for state, (right, unseen) in zip(states, followed(states, "[now.right, now.heldOut]"), strict=True):
        lab = SeenUnseen(**state)
        assert (right, not unseen) == (lab.right[state["number"]], lab.trained[state["number"]])


@pytest.mark.parametrize(("name", "share", "answers"), [
    ("scarce", 1, "true"), ("scarce", 3, "true"), ("scarce", 5, "true"), ("fractions", 10, "true"),
    ("fractions", 50, "true"), ("fractions", 80, "true"), ("shuffled", 10, "dealt"), ("shuffled", 50, "dealt"),
    ("shuffled", 80, "dealt")])
def test_the_models_are_those_of_the_studies_up_to_rounding(name, share, answers):
    found = study(name).load().sel(seed=0, per_cent=share, operation="all")
    for step in (200, 500, 1000, 2000):
        lab = SeenUnseen(share=share, answers=answers, step=step)
        assert lab.right[lab.trained].mean() == pytest.approx(found.trained.sel(step=step).item(), abs=0.06)
        assert lab.right[~lab.trained].mean() == pytest.approx(found.unseen.sel(step=step).item(), abs=0.06)


def test_the_file_is_what_training_makes_for_one_of_them():
    right, seen = right_of(1, "true")
    lab = SeenUnseen(share=1, step=200)
    assert len(seen) == len(INPUTS) and np.array_equal(seen, lab.trained)
    assert (right[STEPS.index(200)] == lab.right).mean() > 0.95    # other processors round otherwise


@pytest.mark.parametrize("wrong", [{"share": 4}, {"answers": "tru"}, {"step": 60}, {"number": 5000}, {"marked": 1}])
def test_what_there_is_not_is_refused(wrong):
    with pytest.raises(LabError, match=next(iter(wrong))):
        SeenUnseen(**wrong)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_share_answers_step_and_input_are_reached_by_keys_and_by_hand(open_lab, width):
    page = open_lab("seen-unseen", width=width)
    words, share = page.locator(".lab-words"), page.get_by_role("slider", name="trained on")
    expect(words).to_contain_text("Trained on 5 % of all inputs, answers true, step 100")
    share.focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("Trained on 10 %")
    page.get_by_role("radio", name="dealt anew").click()
    step = page.get_by_label("Step of training")
    step.focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("answers dealt anew, step 2000: right on 100.0 % of what it trained on")
    expect(words).to_contain_text("no more than the commonest answer")
    box = step.bounding_box()
    drag(page, (box["x"] + 20, box["y"] + 30), (box["x"] + 60, box["y"] + 30), steps=3)
    expect(words).not_to_contain_text("step 2000")
    page.get_by_label("Input on the map").focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("Max ( 6 , 3 , 0 ) was")
    dots = ("[...document.querySelectorAll('.lab path[stroke-linecap=round]')]"
            ".map((dot) => dot.getAttribute('d')).join('')")
    assert page.evaluate(dots).count("M") == 500
    page.get_by_role("button", name="Mark these").click()
    assert page.evaluate(dots) == ""
