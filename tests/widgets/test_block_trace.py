"""The explorable of the block: every activation and gradient is NumPy's, and mouse and keyboard reach every stage."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from chapters.ch05.study import trained
from transformer_lab.byhand.parts import layer_norm
from transformer_lab.byhand.transformer import backward, forward, loss
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.expressions import TOKENS, parse, tokenize, value
from transformer_lab.widgets import BlockTrace
from transformer_lab.widgets.bundle import JS, node

MODULE, PARTS = (JS / "block-trace.js").as_uri(), (JS / "trace" / "stages.js").as_uri()
BYTES = (f'import {{ readFileSync }} from "node:fs"; const file = readFileSync("{JS / "data" / "block-trace.bin"}"); '
         "const data = new DataView(file.buffer, file.byteOffset, file.length); ")
QUESTIONS = ["Max ( 5 , 3 , 9 )", "Min ( 5 , 3 , 9 )", "First ( 5 , 3 , 9 )", "Second ( 5 , 3 , 9 )",
             "Last ( 5 , 3 , 9 )", "Max ( 8 , 8 , 7 )", "Min ( 0 , 1 , 0 )", "Max ( 0 , 1 , 0 )"]
STAGES, WAY = 17, 35


def acts_of(questions):
    config, params = trained()
    return params, [forward(params, np.array([tokenize(parse(question))]), config) for question in questions]


def states(**keys):
    return json.dumps([{"question": question, "stage": stage, "target": keys.get("target", "answer")}
                       for question in range(8) for stage in keys.get("stages", range(STAGES))])


def shown(what, given):
    source = f'{BYTES} import {{ code }} from "{MODULE}"; import {{ WAY, compute }} from "{PARTS}"; '
    source += f"const states = {given}; process.stdout.write(JSON.stringify(states.map((state) => {what})));"
    return json.loads(node(source))


def test_every_activation_of_every_stage_agrees_with_numpy():
    _, wanted = acts_of(QUESTIONS)
    for got, want in zip(shown("compute(state, data).acts", states(stages=[0])), wanted, strict=True):
        names = [name for name in want if name != "probs"]
        assert len(names) == 35 and set(names) <= set(got)
        for name in names:
            ours, page = np.squeeze(want[name]), np.squeeze(np.array(got[name]))
            assert ours.shape == page.shape and np.abs(ours - page).max() <= 1e-12, name


def test_the_answer_at_a_stage_is_the_stream_read_out_there():
    params, wanted = acts_of(QUESTIONS)
    found = iter(shown("({ stream: compute(state, data).at.stream, probs: compute(state, data).probs, "
                       "top: compute(state, data).top })", states()))
    for acts in wanted:
        for _ in range(STAGES):
            now = next(found)
            row = acts[now["stream"]][:, -1:]
            normed = layer_norm(row, params["ln_final_w"], params["ln_final_b"])[0][0, 0]
            logits = normed @ params["W_U"] + params["b_U"]
            probs = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            assert np.abs(probs - now["probs"]).max() <= 1e-12
            assert [one["token"] for one in now["top"]] == np.argsort(-probs, kind="stable")[:5].tolist()


def test_the_model_is_right_on_the_expressions_that_it_shows():
    found = shown("compute(state, data).top[0].word", states(stages=[STAGES - 1]))
    assert found == [str(value(parse(question))) for question in QUESTIONS]
    assert [TOKENS[int(i)] for i in np.arange(20)] == json.loads(node(
        f'import {{ TOKENS }} from "{PARTS}"; process.stdout.write(JSON.stringify(TOKENS));'))


def gradients_of(question, target):
    """The loss, and its gradients with respect to activations and parameters, by the package."""
    config, params = trained()
    acts = forward(params, np.array([tokenize(parse(question))]), config)
    wanted, seen = np.array([TOKENS.index(target)]), {}
    grads = backward(params, acts, wanted, config, tap=lambda name, d: seen.setdefault(name, d))
    activations = {re.sub(r"(^|\.)d_", r"\1", name): d[0] for name, d in seen.items()}
    return loss(acts["logits"], wanted, config), activations, grads


@pytest.mark.parametrize("target", ["answer", "3"])
def test_every_gradient_on_the_way_back_agrees_with_numpy(target):
    found = iter(shown("(({ at, value, sizes, loss }) => ({ at, value, sizes, loss }))(compute(state, data))",
                       states(stages=range(STAGES + 1, WAY), target=target)))
    for question in QUESTIONS:
        digit = str(value(parse(question))) if target == "answer" else target
        loss_wanted, activations, params = gradients_of(question, digit)
        for _ in range(STAGES):
            now = next(found)
            want = activations[now["at"]["name"]]
            assert np.abs(np.array(now["value"]) - want).max() <= 1e-10 * np.abs(want).max(), now["at"]["name"]
            assert now["loss"] == pytest.approx(loss_wanted, rel=1e-10, abs=1e-13)
            assert now["sizes"] == pytest.approx({name: np.linalg.norm(d) for name, d in params.items()}, rel=1e-10)


def test_the_way_back_has_the_same_stages_and_each_parameter_has_one_place_on_it():
    way = shown("WAY", "[0]")[0]
    names = [stage["name"] for stage in way]
    assert len(way) == WAY and names[STAGES] == "loss" and names == names[::-1]
    made = [name for stage in way[STAGES:] for name in stage["makers"]]
    assert sorted(made) == sorted(parameter_shapes(trained()[0]))


def test_at_the_loss_each_possible_target_has_its_own():
    for question, now in zip(QUESTIONS, shown("compute(state, data)", states(stages=[STAGES])), strict=True):
        assert now["wanted"] == str(value(parse(question)))
        wanted = [float(gradients_of(question, token)[0]) for token in TOKENS[:20]]
        assert now["value"] == pytest.approx(wanted, rel=1e-10, abs=1e-13)


def test_the_python_class_refuses_what_there_is_not():
    assert BlockTrace().state() == {"question": 0, "stage": 3, "target": "answer"}
    for wrong in ({"question": 8}, {"stage": 35}, {"target": "10"}):
        with pytest.raises(ValueError, match="allowed is"):
            BlockTrace(**wrong)


@pytest.mark.browser
def test_keys_and_buttons_step_through_the_stages(open_lab):
    page = open_lab("block-trace", {"stage": 0})
    stage, words = page.get_by_label("Stage", exact=True), page.locator(".lab-words")
    stage.focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("stage 2 of 17")
    page.keyboard.press("Shift+ArrowRight")
    expect(stage).to_have_attribute("aria-valuenow", "11")
    for n in range(13, 18):
        page.get_by_role("button", name="Next").click()
        expect(words).to_contain_text(f"stage {n} of 17")
    page.get_by_role("combobox", name="Ask").select_option("1")
    expect(words).to_contain_text("the model would say 3")
    page.get_by_role("button", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(20)


@pytest.mark.browser
def test_keys_and_buttons_go_on_to_the_loss_and_back(open_lab):
    page = open_lab("block-trace", {"stage": STAGES - 1})
    stage, words = page.get_by_label("Stage", exact=True), page.locator(".lab-words")
    target = page.get_by_role("combobox", name="Target")
    expect(target).to_have_count(0)
    page.get_by_role("button", name="Next").click()
    expect(words).to_contain_text("the loss")
    target.select_option("3")
    expect(words).to_contain_text("probability of 3: 12 nats")
    stage.focus()
    for n in range(17, 0, -1):
        page.keyboard.press("ArrowRight")
        expect(words).to_contain_text(f"back at stage {n} of 17")
    expect(stage).to_have_attribute("aria-valuenow", "34")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("cell", name="13.4")).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    expect(words).to_contain_text("stage 17 of 17")


@pytest.mark.browser
def test_a_drag_goes_round_the_loss_onto_the_other_lane(open_lab):
    page = open_lab("block-trace", {"stage": 3})
    words, ring = page.locator(".lab-words"), page.get_by_label("Stage", exact=True)
    box = page.locator(".lab-picture").bounding_box()
    ring.hover()
    page.mouse.down()
    for place, says in ((box["width"] - 14, "the loss"), (22, "back at stage 1 of 17")):
        page.mouse.move(box["x"] + place, box["y"] + 60)
        expect(words).to_contain_text(says)
    page.mouse.move(box["x"] + 22, box["y"] + 34)
    expect(words).to_contain_text(", stage 1 of 17")
    page.mouse.up()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_no_stage_runs_over_the_edge(open_lab, width):
    page = open_lab("block-trace", {"stage": 0, "target": "3"}, width=width, touch=width == 390)
    page.get_by_label("Stage", exact=True).focus()
    for _ in range(WAY):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("""[...document.querySelectorAll('.lab-picture text')].every((text) => {
            const box = text.getBoundingClientRect(); return box.left >= -1 && box.right <= innerWidth + 1; })""")
        page.keyboard.press("ArrowRight")
