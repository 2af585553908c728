"""The explorable of what attention costs: its numbers are NumPy's, and mouse, touch and keyboard reach them."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from chapters import ch19
from transformer_lab.analysis.reach import layers_to_know
from transformer_lab.byhand.transformer import forward
from transformer_lab.widgets import CostOfAttention
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.cost_of_attention import PATTERNS

MODULE = (JS / "cost-of-attention.js").as_uri()
WALKS = [{"side": side, "order": order, "step": step, "rescale": rescale} for side in (1, 2, 4, 8)
         for order in ("forwards", "backwards", "shuffled") for step in (0, 1, 5, 64) for rescale in (True, False)]


def followed(states):
    """What follows from each state on the page."""
    return json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{MODULE}"; '
        f'const bytes = readFileSync(new URL("data/sparse-cells.bin", "{MODULE}")); '
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
        f"process.stdout.write(JSON.stringify({json.dumps(states)}.map((given) => lab.finished(given, data)[1])));"))


@pytest.fixture(scope="module")
def table():
    found = json.loads(node(f'import {{ SCORES, VALUES }} from "{(JS / "cost" / "tiles.js").as_uri()}"; '
                            "process.stdout.write(JSON.stringify([SCORES, VALUES]));"))
    return np.array(found[0]), np.array(found[1], dtype=float)[:, None]


def test_every_walk_keeps_the_numbers_that_numpy_keeps(table):
    scores, values = table
    for state, now in zip(WALKS, followed(WALKS), strict=True):
        kept, side = [list(part) for part in ch19.nothing_seen(8, 1)], state["side"]
        assert sorted(now["tiles"]) == [[i, j] for i in range(0, 8, side) for j in range(0, 8, side)]
        step = ch19.take_in if state["rescale"] else ch19.unrescaled
        for i, j in now["tiles"][:now["read"]]:
            rows, columns = slice(i, i + side), slice(j, j + side)
            part = step(tuple(np.array(each[rows]) for each in kept), scores[rows, columns], values[columns])
            for each, new in zip(kept, part, strict=True):
                each[rows] = new
        shown = [[one["m"] if one["m"] is not None else -np.inf for one in now["kept"]],
                 [one["l"] for one in now["kept"]], [one["o"] for one in now["kept"]]]
        for mine, theirs in zip(kept, shown, strict=True):
            assert np.allclose(np.ravel(mine), theirs, atol=1e-12)


def test_a_walk_that_rescales_ends_at_the_softmax_and_one_that_does_not_misses_it():
    whole = [state for state in WALKS if state["step"] == 64 and state["side"] < 8]
    for state, now in zip(whole, followed(whole), strict=True):
        assert now["off"] < 1e-12 if state["rescale"] else now["off"] > 0.1


MASKS = [{"view": "mask", "pattern": name, "edits": edits} for name in PATTERNS
         for edits in ([], [[15, 0], [7, 3], [9, 8], [4, 4]])]


def test_every_mask_reads_and_reaches_what_numpy_says():
    for state, now in zip(MASKS, followed(MASKS), strict=True):
        lab = CostOfAttention(**state)
        assert np.array_equal(now["mask"], lab.mask) and now["open"] == lab.mask.sum()
        assert np.array_equal(now["needed"], layers_to_know(lab.mask))
        logits = forward(lab.params, lab.contexts, lab.config, tap=lab.tap)["logits"]
        assert now["hits"] / now["asked"] == pytest.approx(lab.share_right(logits), abs=1e-12)


def test_the_masks_of_the_page_are_those_of_the_chapter_and_the_whole_one_is_right_everywhere():
    for name in PATTERNS:
        wanted = ch19.mask_of(name, 16, width=4)
        assert np.array_equal(CostOfAttention(view="mask", pattern=name).mask, wanted)
    assert followed([{"view": "mask", "pattern": "dense"}])[0]["hits"] == 720


def test_a_closed_cell_is_a_question_that_is_missed():
    now, = followed([{"view": "mask", "pattern": "dense", "edits": [[12, 5]]}])
    wrong = [(t, j) for t in range(16) for j in range(t) if now["right"][t][j] < 6]
    assert wrong == [(12, 5)]


@pytest.mark.browser
def test_a_press_turns_a_cell_and_so_does_the_keyboard(open_lab):
    page = open_lab("cost-of-attention", {"view": "mask", "pattern": "dense", "row": 15, "column": 4})
    words, cell = page.locator(".lab-words"), page.get_by_label("Cell of the mask")
    expect(words).to_contain_text("136 of 136")
    cell.focus()
    page.keyboard.press("Enter")
    expect(words).to_contain_text("135 of 136")
    expect(cell).to_have_attribute("aria-valuetext", "query 15, key 4: closed, 2 of 6 right")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(words).to_contain_text("134 of 136")
    box = cell.bounding_box()
    page.mouse.click(box["x"] + 1.5 * box["width"] / 16, box["y"] + 10.5 * box["height"] / 16)
    expect(words).to_contain_text("133 of 136")
    page.get_by_role("button", name="Reset").click()
    expect(words).to_contain_text("136 of 136")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_tiles_are_walked_by_the_slider_and_rows_are_pressed(open_lab, width):
    page = open_lab("cost-of-attention", width=width, touch=width == 390)
    words, row = page.locator(".lab-words"), page.get_by_label("Query that is followed")
    page.get_by_role("slider", name="tiles read").focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("the largest difference is rounding")
    page.get_by_role("button", name="Forget to rescale").click()
    expect(words).not_to_contain_text("rounding")
    box = row.bounding_box()
    (page.touchscreen.tap if width == 390 else page.mouse.click)(box["x"] + 20, box["y"] + 6.5 * box["height"] / 8)
    expect(words).to_contain_text("Query 6")
    row.focus()
    page.keyboard.press("ArrowDown")
    expect(words).to_contain_text("Query 7")
