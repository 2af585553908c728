"""The scrubber trains on the page what the study trained: same random numbers, same gradients, same runs."""

import json

import numpy as np
import pytest
from hand import middle
from playwright.sync_api import expect

from chapters.ch03.page import POSITIONS, outcomes
from chapters.ch03.study import ORDERS, PHASES
from transformer_lab import OneHeadConfig, generator
from transformer_lab.byhand import one_head
from transformer_lab.tasks.patterns import PatternTask, sample
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_bytes

RANDOM, TRAINING = (JS / "core" / "random.js").as_uri(), (JS / "core" / "training.js").as_uri()
PURPOSES = ("init W_QK", "init W_OV", "train", "probe", "bootstrap")
TASK = PatternTask()


def run_node(imports, expression):
    return json.loads(node(f"{imports}; process.stdout.write(JSON.stringify({expression}));"))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_whole_and_normal_numbers_are_those_of_the_packages_generator(purpose):
    for seed, step in [(0, 0), (49, 0), (0, 499), (3, 7)]:
        page = run_node(f'import {{ integers, normals }} from "{RANDOM}"; const of = [{seed}, "{purpose}"]',
                        f"[[...integers(...of, {step}, 26, 133, 2000)], normals(...of, 20000)]")
        assert page[0] == generator(seed, purpose, step).integers(26, size=2133)[133:].tolist()
        assert np.abs(np.array(page[1]) - generator(seed, purpose).normal(size=20000)).max() <= 1e-13


def test_no_draw_of_the_study_is_one_that_numpy_would_reject():
    for step in range(500):
        words = generator(0, "train", step).bit_generator.random_raw(50 * 100 * 5 // 2)
        halves = np.stack([words & np.uint64(2**32 - 1), words >> np.uint64(32)], axis=-1)
        assert ((halves * np.uint64(26)) & np.uint64(2**32 - 1)).min() >= 2**32 % 26


@pytest.mark.parametrize("positions", POSITIONS)
def test_gradients_agree_with_numpy(positions):
    config = OneHeadConfig(d_vocab=26, n_ctx=20, positions=positions)
    for seed in range(5):
        params = one_head.init(config, seed=seed, scale=1.0)
        patterns = sample(TASK, 30, seed=seed)
        acts = one_head.forward(params, one_head.encode(patterns.tokens, config))
        ours = one_head.backward(params, acts, patterns.targets)
        flat = {name: value.ravel().tolist() for name, value in params.items()}
        page = run_node(f'import {{ attend, gradients }} from "{TRAINING}"; const params = {json.dumps(flat)}; '
                        f"const letters = Uint8Array.from({patterns.tokens[:, :5].ravel().tolist()}); "
                        "const grads = gradients(params, letters), first = attend(params, letters.subarray(0, 5))",
                        "[[...grads.W_QK], [...grads.W_OV], grads.loss, [...first.pattern], [...first.probs]]")
        assert np.abs(ours["W_QK"].ravel() - page[0]).max() <= 1e-12
        assert np.abs(ours["W_OV"].ravel() - page[1]).max() <= 1e-12
        assert abs(one_head.loss(acts["logits"], patterns.targets) - page[2]) <= 1e-12
        assert np.abs(acts["pattern"][0] - page[3]).max() <= 1e-12
        assert np.abs(acts["probs"][0] - page[4]).max() <= 1e-12


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("order", ORDERS)
def test_a_run_on_the_page_is_the_run_of_the_record(positions, order):
    page = run_node(f'import {{ Run }} from "{TRAINING}"; const run = new Run("{positions}", "{order}", 31); '
                    "run.advance(130, Infinity)", "run.losses")
    recorded = PHASES.load()["loss"].sel(positions=positions, order=order, seed=31).values[:130].astype(float)
    assert np.abs(np.array(page) / recorded - 1).max() <= 2**-10  # kept in half precision


def test_the_shipped_outcomes_are_those_of_the_records():
    assert (JS / "data" / "phases.bin").read_bytes() == page_bytes({}, outcomes())


@pytest.mark.parametrize(("used", "low", "high"), [("look", 0, 0.12), ("write", 0.2, 0.36)])
def test_with_one_matrix_put_back_looking_alone_is_chance_and_writing_alone_a_quarter(used, low, high):
    config = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot")
    probes = sample(TASK, 200, seed=0, purpose="probe")
    module, data = (JS / "phase-scrubber.js").as_uri(), (JS / "data" / "phases.bin").as_uri()
    state = {"seed": 3, "order": "joint", "step": 300, "used": used}
    right, weights = run_node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{module}"; '
        f'const bytes = readFileSync(new URL("{data}"));'
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);"
        f"const now = lab.finished({json.dumps(state)}, data)[1]",
        "[now.right, [[...now.weights.W_QK], [...now.weights.W_OV]]]")
    params = {"W_QK": np.reshape(weights[0], (46, 46)), "W_OV": np.reshape(weights[1], (46, 26))}
    first = one_head.init(config, seed=3, dtype=np.float32)
    back = "W_OV" if used == "look" else "W_QK"
    assert np.abs(params[back] - first[back]).max() < 1e-6
    logits = one_head.forward(params, one_head.encode(probes.tokens, config))["logits"]
    assert right == (logits.argmax(-1) == probes.targets).mean() and low <= right <= high


@pytest.mark.browser
def test_a_matrix_is_put_back_and_the_answers_follow(open_lab):
    page = open_lab("phase-scrubber", {"step": 60})
    page.get_by_label("Use").select_option("look")
    expect(page.locator(".lab-words")).to_contain_text("W_OV is as it was at first: right on")
    page.get_by_label("Use").select_option("both")
    expect(page.locator(".lab-words")).not_to_contain_text("as it was at first")


@pytest.mark.browser
def test_steps_and_seeds_by_key_and_an_order_by_press(open_lab):
    page = open_lab("phase-scrubber", {"step": 3})
    words, step, seed = page.locator(".lab-words"), page.get_by_label("Step", exact=True), page.get_by_label("Seed")
    expect(words).to_contain_text("Seed 7, step 3: writing is trained, loss")
    step.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(words).to_contain_text("step 13")
    seed.focus()
    page.keyboard.press("ArrowLeft")
    expect(words).to_contain_text("Seed 6, step 13: writing")
    page.get_by_role("radio", name="look first").click()
    expect(words).to_contain_text("looking is trained")
    page.get_by_role("radio", name="none").click()
    expect(words).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(11)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_dot_is_pressed_to_follow_its_seed(open_lab, width):
    page = open_lab("phase-scrubber", {"step": 20}, width=width)
    expect(page.locator(".lab-words")).to_have_attribute("aria-busy", "false")   # while they learn the dots move
    dot = page.locator("circle[r='2.5']").nth(20)          # seed 21: the followed one has its own mark
    page.mouse.click(*middle(dot))
    expect(page.locator(".lab-words")).to_contain_text("Seed 21, step 20")


@pytest.mark.browser
def test_training_goes_on_from_frame_to_frame_until_the_step_is_there(open_lab):
    page = open_lab("phase-scrubber", {"step": 0})
    page.evaluate("""() => {
        window.said = [];
        const words = document.querySelector(".lab-words");
        new MutationObserver(() => said.push(words.textContent)).observe(words, { characterData: true, subtree: true });
    }""")
    box = page.get_by_label("Step", exact=True).bounding_box()
    page.mouse.click(box["x"] + box["width"] - 6, box["y"] + box["height"] / 2)
    expect(page.locator(".lab-words")).to_contain_text("Seed 7, step 500: ", timeout=60_000)
    under_way = page.evaluate("said.filter((text) => text.includes('(training: step')).length")
    assert under_way > 3
