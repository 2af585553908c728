"""The backward replay: its numbers are the package's, right and wrong alike, and it can be operated."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from chapters.ch06.page import CONFIG, drawn
from chapters.ch06.planted import with_mistake
from transformer_lab import generator
from transformer_lab.byhand.transformer import backward, forward, loss
from transformer_lab.names import parameter_shapes
from transformer_lab.widgets import BackwardReplay
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_bytes, shipped_file

DATA = shipped_file("small-block")
BYTES = (f'import {{ readFileSync }} from "node:fs"; const file = readFileSync("{DATA}"); '
         "const data = new DataView(file.buffer, file.byteOffset, file.length); ")
CORE, PAGE = ((JS / name).as_uri() for name in ("core/transformer.js", "backward-replay.js"))
MISTAKES = ("right", "copied", "twice", "both")
CONFIG_JSON = json.dumps(CONFIG.to_dict())
SOURCE = f"""import {{ backward, forward }} from "{CORE}"; import {{ planted }} from "{PAGE}";
import {{ text }} from "node:stream/consumers";
const config = {CONFIG_JSON}, asked = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(asked.map(({{ params, tokens, target, mistake }}) => {{
  const acts = forward(params, tokens, config);
  return backward(params, acts, [target], config, planted(mistake, acts));
}})));"""


def instance(seed):
    rng = generator(seed, "replay parity")
    params = {name: rng.normal(size=shape) for name, shape in parameter_shapes(CONFIG).items()}
    return params, rng.integers(6, size=3), int(rng.integers(6)), MISTAKES[seed % 4]


def test_every_gradient_agrees_with_numpy_on_80_random_states_right_and_wrong():
    instances = [instance(seed) for seed in range(80)]
    pages = json.loads(node(SOURCE, json.dumps([
        {"params": {name: value.tolist() for name, value in params.items()}, "tokens": tokens.tolist(),
         "target": target, "mistake": mistake}
        for params, tokens, target, mistake in instances])))
    for (params, tokens, target, mistake), page in zip(instances, pages, strict=True):
        given = (params, forward(params, tokens[None], CONFIG), np.array([target]), CONFIG)
        for name, want in (backward(*given) if mistake == "right" else with_mistake(mistake, *given)).items():
            seen, want = np.squeeze(page[name]), np.squeeze(want)
            assert np.abs(seen - want).max() <= 1e-12 * max(1, np.abs(want).max()), (mistake, name)


def computed(**state):
    return json.loads(node(f'{BYTES} import lab, {{ compute }} from "{PAGE}"; '
                           "process.stdout.write(JSON.stringify(compute("
                           f"{{ ...lab.defaults, ...{json.dumps(state)} }}, data)));"))


def test_the_page_shows_the_loss_and_the_activations_of_the_package():
    replay, page = BackwardReplay(), computed()
    assert abs(page["loss"] - loss(replay.acts["logits"], replay.target, CONFIG)) <= 1e-12
    for name, value in replay.acts.items():
        shown = np.squeeze(page["values"][name.removeprefix("blocks.0.")])
        assert np.abs(shown - np.squeeze(value)).max() <= 1e-12, name


def test_each_mistake_spreads_as_far_back_as_it_must():
    assert computed(gradient="right")["wrong"] == []
    assert set(computed(gradient="copied")["wrong"]) == {"resid_pre", "ln1", "q", "k", "W_E", "W_pos", "W_Q", "W_K"}
    twice = computed(gradient="twice")
    assert len(twice["wrong"]) == len(twice["cosines"])


def test_the_shipped_weights_are_made_again():
    assert DATA.read_bytes() == page_bytes({"model": (drawn(), CONFIG)}, dtype="float64")


def test_nonsense_is_refused():
    for wrong in ({"operation": "Mix"}, {"first": 4}, {"gradient": "lost"}, {"step": 18}):
        with pytest.raises(ValueError, match="allowed is"):
            BackwardReplay(**wrong)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_slider_replays_and_the_words_say_how_far_a_mistake_went(open_lab, width):
    page = open_lab("backward-replay", width=width)
    words, step = page.locator(".lab-words"), page.get_by_role("slider")
    expect(words).to_contain_text("8 of 26 gradients are wrong so far")
    step.focus()
    page.keyboard.press("Home")
    expect(words).to_contain_text("Forward only")
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("reached logits")
    page.keyboard.press("End")
    page.get_by_label("Gradient").select_option("right")
    expect(words).to_contain_text("All gradients are right")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_number_that_can_be_asked_is_what_its_equation_comes_to():
    found = json.loads(node(BYTES + f"""import lab, {{ ORDER, compute }} from "{PAGE}"; const worst = {{}};
    for (const gradient of {json.dumps(MISTAKES)}) for (const side of ["value", "gradient"]) for (const asked of ORDER)
      for (let row = 0; row < 6; row += 1) for (let column = 0; column < 6; column += 1) {{
        const now = compute({{ ...lab.defaults, gradient, side, asked, row, column }}, data), at = now.asked;
        const value = (side === "value" ? now.values : now.grads)[asked][at.row][at.column];
        const off = Math.abs(value - now.made.total), key = `${{gradient}} ${{side}} ${{asked}}`;
        if (!(off < 1e-12) || !now.made.equation) worst[key] = off;
      }}
    process.stdout.write(JSON.stringify(worst));"""))
    assert found == {}


@pytest.mark.browser
def test_every_tensor_is_pressed_or_reached_by_keys(open_lab):
    page = open_lab("backward-replay")
    asked = page.locator(".lab-asked")
    expect(asked).to_contain_text("∂q[0, 1] = ")
    box = page.locator("[data-asks=W_in]").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 15)
    expect(asked).to_contain_text("W_in[1, 0] = ")
    page.locator("[data-asks=W_in]").focus()
    page.keyboard.press("ArrowRight")
    expect(asked).to_contain_text("W_in[1, 1] = ")
    page.keyboard.press("PageDown")
    expect(page.locator("[data-asks=W_out]")).to_be_focused()
    expect(asked).to_contain_text("W_out[0, 0] = ")
