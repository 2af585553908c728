"""The mask painter: page and package see the same, and mouse, touch and keyboard paint."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from transformer_lab.analysis.reach import family_of_mask, layers_to_know
from transformer_lab.config import ModelConfig
from transformer_lab.models.block import Stack
from transformer_lab.widgets import MaskPainter
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.mask_painter import PRESETS, N

MODULE = (JS / "mask-painter.js").as_uri()


def followed(states):
    """What follows from each state on the page."""
    return json.loads(node(f'import lab from "{MODULE}"; process.stdout.write('
                           f"JSON.stringify({json.dumps(states)}.map((given) => lab.finished(given)[1])));"))


def drawn(count=60):
    """Presets as they are, some with cells turned, and random masks."""
    rng = np.random.default_rng(0)
    whole = [{"preset": name, "layers": layers} for name in PRESETS for layers in (1, 2, 7)]
    few = [{"preset": name, "layers": int(rng.integers(1, 8)), "edits": rng.integers(N, size=(k, 2)).tolist()}
           for name in PRESETS for k in (1, 2, 5)]
    wild = [{"preset": "causal", "layers": int(rng.integers(1, 8)),
             "edits": np.argwhere(rng.random((N, N)) < share).tolist()} for share in rng.uniform(0, 1, count)]
    return whole + few + wild


def test_page_and_package_agree_on_every_mask_what_it_reaches_and_its_name():
    states = drawn()
    for state, now in zip(states, followed(states), strict=True):
        lab = MaskPainter(**state)
        assert np.array_equal(now["mask"], lab.mask) and np.array_equal(now["needed"], lab.needed)
        assert np.array_equal(now["known"], lab.known) and now["family"] == lab.family


def test_every_mask_with_a_name_has_it_on_the_page_as_well():
    query, key = np.indices((N, N))
    masks = [abs(query - key) < width for width in range(1, N)] + [(key <= query) & (query - key < width)
             for width in range(2, N)] + [(key <= query) | (key < width) for width in range(1, N + 1)] + [key >= query]
    edits = [np.argwhere(mask != (key <= query)).tolist() for mask in masks]
    for mask, now in zip(masks, followed([{"edits": each} for each in edits]), strict=True):
        assert now["family"] == family_of_mask(mask) != "none of these"


def test_reach_is_what_powers_of_the_matrix_say():
    rng = np.random.default_rng(1)
    for share in (0.05, 0.1, 0.2, 0.4):
        mask = rng.random((N, N)) < share
        step = (mask | np.eye(N, dtype=bool)).astype(int)
        needed = layers_to_know(mask)
        for layers in range(1, 2 * N):
            power = np.linalg.matrix_power(step, layers) > 0
            assert np.array_equal((needed > 0) & (needed <= layers), power)


@pytest.mark.parametrize("name", ["causal", "bidirectional", "prefix"])
def test_the_presets_are_the_masks_of_the_models(name):
    config = ModelConfig(d_vocab=3, n_ctx=N, d_model=4, mask=name, prefix=3)
    mask = Stack.sight(type("Told", (), {"config": config})(), N).mask
    assert np.array_equal(MaskPainter(preset=name).mask, np.ones((N, N), bool) if mask is None else mask.numpy())


@pytest.mark.browser
def test_a_press_a_stroke_and_the_keyboard_paint(open_lab):
    page = open_lab("mask-painter")
    words, cell = page.locator(".lab-words"), page.get_by_label("Cell of the mask")
    expect(words).to_contain_text("causal: GPT")
    cell.focus()
    page.keyboard.press("Enter")
    expect(words).to_contain_text("37 of 64 cells are open")
    expect(cell).to_have_attribute("aria-valuetext", "query 3, key 4: open")
    page.keyboard.press("Space")
    expect(words).to_contain_text("causal: GPT")
    box = cell.bounding_box()
    side = box["width"] / N
    page.mouse.move(box["x"] + 7.5 * side, box["y"] + 0.5 * side)
    page.mouse.down()
    for column in (6.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5):  # the last is open already, and stays so
        page.mouse.move(box["x"] + column * side, box["y"] + 0.5 * side)
    page.mouse.up()
    expect(words).to_contain_text("43 of 64 cells are open")
    page.get_by_role("radio", name="bidirectional").click()
    expect(words).to_contain_text("full: BERT")
    page.get_by_role("button", name="Reset").click()
    expect(words).to_contain_text("36 of 64")


@pytest.mark.browser
def test_a_finger_paints_on_a_phone_and_layers_reach_further(open_lab):
    page = open_lab("mask-painter", {"preset": "window"}, width=390, touch=True)
    words, cell = page.locator(".lab-words"), page.get_by_label("Cell of the mask")
    box = cell.bounding_box()
    page.touchscreen.tap(box["x"] + 0.5 * box["width"] / N, box["y"] + 7.5 * box["height"] / N)
    expect(words).to_contain_text("none of these")
    page.get_by_role("slider", name="layers").focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("36 of 64 cells. No query")
