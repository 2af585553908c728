"""The gradient graph: its numbers are the package's, its witnesses judge rightly, and every way to operate it works."""

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from chapters.ch02.page import train
from chapters.ch02.planted import PLANTED
from transformer_lab import OneHeadConfig, generator
from transformer_lab.byhand import one_head
from transformer_lab.widgets import GradientGraph
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.by_hand import MISTAKES, SHIPPED

MODULE, HEAD = (JS / "gradient-graph.js").as_uri(), (JS / "core" / "one_head.js").as_uri()
BOOK = Path(__file__).resolve().parents[2] / "book"
PAGE = f"""import {{ encode, forward, backward }} from "{HEAD}"; import {{ text }} from "node:stream/consumers";
const seen = JSON.parse(await text(process.stdin)).map(({{ params, tokens, target, d_vocab }}) => {{
  const acts = forward(params, encode(tokens, d_vocab), target);
  return {{ acts, grads: backward(params, acts, target) }};
}});
process.stdout.write(JSON.stringify(seen));"""


def random_instance(seed):
    rng = generator(seed, "parity")
    d_vocab, n_ctx = int(rng.integers(2, 9)), int(rng.integers(2, 12))
    config = OneHeadConfig(d_vocab=d_vocab, n_ctx=n_ctx, positions="one_hot")
    params = one_head.init(config, seed=seed, scale=float(10 ** rng.uniform(-2, 1)))
    return config, params, rng.integers(d_vocab, size=n_ctx), int(rng.integers(d_vocab))


def test_every_activation_and_gradient_agrees_with_numpy_on_200_random_states():
    instances = [random_instance(seed) for seed in range(200)]
    asked = [{"params": {name: value.tolist() for name, value in params.items()}, "tokens": tokens.tolist(),
              "target": target, "d_vocab": config.d_vocab} for config, params, tokens, target in instances]
    worst, pages = {}, json.loads(node(PAGE, json.dumps(asked)))
    for (config, params, tokens, target), page in zip(instances, pages, strict=True):
        seen = {}
        acts = one_head.forward(params, one_head.encode(tokens[None], config))
        loss = one_head.loss(acts["logits"], [target])
        grads = one_head.backward(params, acts, [target], tap=seen.setdefault)
        ours = {name: acts[name][0] for name in ("x", "scores", "pattern", "read", "logits", "probs")} | {"loss": loss}
        ours |= {f"d_{name}": grads[name] for name in ("W_QK", "W_OV")}
        ours |= {f"d_{name}": seen[f"d_{name}"][0] for name in ("scores", "pattern", "read", "logits")}
        theirs = page["acts"] | {f"d_{name}": value for name, value in page["grads"].items()}
        assert set(theirs) == set(ours)
        for name, value in ours.items():
            size = max(1, np.abs(value).max())
            worst[name] = max(worst.get(name, 0), np.abs(value - np.array(theirs[name])).max() / size)
    assert max(worst.values()) <= 1e-12, worst


def computed(states):
    return json.loads(node(f'import lab, {{ compute }} from "{MODULE}"; const all = {json.dumps(states)}.map('
                           "(state) => compute({ ...lab.defaults, ...state })); "
                           "process.stdout.write(JSON.stringify(all));"))


def verdicts(**state):
    witnesses = computed([state])[0]["witnesses"]
    return {witness["name"]: witness["objects"] for witness in witnesses}


@pytest.mark.parametrize("weights", ["initial", "trained"])
def test_no_witness_objects_to_the_right_gradient(weights):
    for example in range(6):
        assert not any(verdicts(weights=weights, example=example, mistake="none").values())


@pytest.mark.parametrize("mistake", MISTAKES[1:])
def test_good_witnesses_notice_every_planted_mistake_and_ones_notice_none(mistake):
    for weights in GradientGraph.weights.rule.names:
        seen = verdicts(weights=weights, mistake=mistake)
        assert seen["complex step"] and seen["autograd"] and seen["central differences"]
        assert not seen["upstream gradient of ones"]


def test_six_decimals_are_blind_where_almost_nothing_is_written():
    for mistake in ("no-jacobian", "no-coupling", "no-root", "transposed", "first-row"):
        assert not verdicts(weights="silent", mistake=mistake)["to six decimals"]
        assert verdicts(weights="initial", mistake=mistake)["to six decimals"]


def test_python_and_the_page_hold_the_same_values():
    graph = GradientGraph(weights="trained", example=3, mistake="none")
    page = computed([graph.state()])[0]
    assert np.abs(graph.acts["pattern"][0] - page["acts"]["pattern"]).max() <= 1e-12
    assert np.abs(graph.grads["W_QK"] - page["grads"]["W_QK"]).max() <= 1e-12


def test_the_python_class_has_the_defaults_and_the_choices_of_the_picture():
    seen = json.loads(node(f'import lab from "{MODULE}"; import {{ MISTAKES }} from "{HEAD}"; '
                           "process.stdout.write(JSON.stringify([lab.defaults, Object.keys(MISTAKES)]));"))
    assert [GradientGraph().state(), list(MISTAKES)] == seen
    assert set(MISTAKES) - {"none"} < set(PLANTED)


def test_the_shipped_weights_are_what_the_command_makes():
    shipped, made = json.loads(SHIPPED.read_text("utf-8")), train()
    assert shipped["tokens"] == made["tokens"] and shipped["targets"] == made["targets"]
    for name, params in made["weights"].items():
        for tensor, value in params.items():
            assert np.abs(np.array(value) - shipped["weights"][name][tensor]).max() <= 1e-4


@pytest.mark.browser
def test_the_keyboard_alone_steps_inspects_and_plants(open_lab):
    page = open_lab("gradient-graph")
    words, step = page.locator(".lab-words"), page.get_by_label("Step", exact=True)
    step.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(words).to_contain_text("∂read = W_OV δ")
    page.get_by_label("Inspected position").focus()
    page.keyboard.press("ArrowDown")
    expect(words).to_contain_text("Position 1 holds B")
    page.get_by_label("Plant").focus()
    page.keyboard.press("Home")
    expect(words).to_contain_text("no mistake; 0 of 5 witnesses object")
    page.get_by_role("radio", name="initial").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="trained")).to_be_focused()
    expect(words).to_contain_text("the head gives it 0.99")
    page.get_by_label("h of central differences").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(words).to_contain_text("1 of 5 witnesses object")
    page.get_by_role("button", name="Reset").press("Enter")
    expect(words).to_contain_text("softmax Jacobian left out; 4 of 5")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_finger_drags_along_the_steps_without_scrolling_the_page(open_lab, width):
    page = open_lab("gradient-graph", width=width, touch=True)
    box = page.get_by_label("Step", exact=True).bounding_box()
    finger, y = page.context.new_cdp_session(page), box["y"] + box["height"] / 2
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": box["x"] + 20, "y": y}]})
    for share in (0.2, 0.3, 0.4):
        finger.send("Input.dispatchTouchEvent",
                    {"type": "touchMove", "touchPoints": [{"x": box["x"] + share * box["width"], "y": y - 60 * share}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_label("Step", exact=True)).to_have_attribute("aria-valuenow", "5")
    expect(page.locator(".lab-words")).to_contain_text("probs p = softmax(logits)")
    assert page.evaluate("scrollY") == 0


@pytest.mark.browser
def test_the_table_holds_every_witness_and_every_position(open_lab):
    page = open_lab("gradient-graph")
    page.get_by_role("button", name="Table").click()
    rows = page.locator(".lab-scroll tbody tr")
    expect(rows.filter(has_text="distance for")).to_have_count(10)
    expect(rows.filter(has_text="pattern[")).to_have_count(GradientGraph.position.rule.high + 1)
    expect(rows.filter(has_text="misses it")).to_have_count(2)
