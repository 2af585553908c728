"""The explorable of the block: every activation is NumPy's, and mouse and keyboard reach every stage."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from transformer_lab.byhand.norms import layer_norm
from transformer_lab.byhand.transformer import forward
from transformer_lab.studies.ablation import trained
from transformer_lab.tasks.expressions import TOKENS, parse, tokenize, value
from transformer_lab.widgets import BlockTrace
from transformer_lab.widgets.bundle import JS, node

MODULE, CORE = (JS / "block-trace.js").as_uri(), (JS / "core" / "transformer.js").as_uri()
BYTES = (f'import {{ readFileSync }} from "node:fs"; const file = readFileSync("{JS / "data" / "block-trace.bin"}"); '
         "const data = new DataView(file.buffer, file.byteOffset, file.length); ")
QUESTIONS = ["Max ( 5 , 3 , 9 )", "Min ( 5 , 3 , 9 )", "First ( 5 , 3 , 9 )", "Second ( 5 , 3 , 9 )",
             "Last ( 5 , 3 , 9 )", "Max ( 8 , 8 , 7 )", "Min ( 0 , 1 , 0 )", "Max ( 0 , 1 , 0 )"]
STAGES = 17


def acts_of(questions):
    config, params = trained()
    return params, [forward(params, np.array([tokenize(parse(question))]), config) for question in questions]


def states(**keys):
    return json.dumps([{"question": question, "stage": stage} for question in range(8) for stage in range(STAGES)
                       if keys.get("stage", stage) == stage])


def shown(what, given):
    source = f'{BYTES} import lab, {{ code, compute }} from "{MODULE}"; const states = {given}; '
    return json.loads(node(source + f"process.stdout.write(JSON.stringify(states.map((state) => {what})));"))


def test_every_activation_of_every_stage_agrees_with_numpy():
    _, wanted = acts_of(QUESTIONS)
    for got, want in zip(shown("compute(state, data).acts", states(stage=0)), wanted, strict=True):
        names = [name for name in want if name != "probs"]
        assert len(names) == 35 and set(names) <= set(got)
        for name in names:
            ours, page = np.squeeze(want[name]), np.squeeze(np.array(got[name]))
            assert ours.shape == page.shape and np.abs(ours - page).max() <= 1e-12, name


def test_other_weights_and_shorter_inputs_agree_too():
    config, params = trained()
    tokens = [12, 17, 5, 5, 18]
    rng = np.random.default_rng(5)
    other = {name: (3 * value + rng.normal(size=value.shape)).astype("<f4") for name, value in params.items()}
    flat = np.concatenate([value.ravel() for value in other.values()])
    source = (f'import {{ readFileSync }} from "node:fs"; import {{ forward, read }} from "{CORE}"; '
              "const data = new DataView(Float32Array.from(JSON.parse(readFileSync(0))).buffer); "
              f"const config = {json.dumps(config.to_dict())}; "
              f"process.stdout.write(JSON.stringify(forward(read(data, config), {tokens}, config)));")
    got = json.loads(node(source, json.dumps(flat.tolist())))
    want = forward({name: value.astype(float) for name, value in other.items()}, np.array([tokens]), config)
    for name in want:
        scale = max(1.0, np.abs(want[name]).max())
        assert np.abs(np.squeeze(want[name]) - np.squeeze(np.array(got[name]))).max() <= 1e-12 * scale, name


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
    found = shown("compute(state, data).top[0].word", states(stage=STAGES - 1))
    assert found == [str(value(parse(question))) for question in QUESTIONS]
    assert [TOKENS[int(i)] for i in np.arange(20)] == json.loads(node(
        f'import {{ TOKENS }} from "{MODULE}"; process.stdout.write(JSON.stringify(TOKENS));'))


def test_the_code_for_a_state_runs_and_gives_what_is_shown():
    for state in ({"question": 3, "stage": 10}, {"question": 0, "stage": 16}, {"question": 5, "stage": 0}):
        source, value_shown = shown("[code(state), compute(state, data).value]", json.dumps([state]))[0]
        lines, scope = source.rsplit("\n", 1), {}
        exec(lines[0] + "\nshown = " + lines[1], scope)
        assert np.abs(scope["shown"] - np.array(value_shown)).max() <= 5.1e-4


def test_the_python_class_refuses_what_there_is_not():
    assert BlockTrace().state() == {"question": 0, "stage": 3}
    with pytest.raises(ValueError, match="allowed is a whole number from 0 to 7"):
        BlockTrace(question=8)


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
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("combobox", name="Expression").select_option("1")
    expect(words).to_contain_text("the model would say 3")
    page.get_by_role("button", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(20)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_press_on_the_rail_and_nothing_over_the_edge(open_lab, width):
    page = open_lab("block-trace", {"stage": 3}, width=width, touch=width == 390)
    for n in range(STAGES):
        page.get_by_label("Stage", exact=True).focus()
        if n:
            page.keyboard.press("ArrowRight" if n > 3 else "ArrowLeft")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("""[...document.querySelectorAll('.lab-picture text')].every((text) => {
            const box = text.getBoundingClientRect(); return box.left >= -1 && box.right <= innerWidth + 1; })""")
