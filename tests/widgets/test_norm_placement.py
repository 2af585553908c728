"""The explorable of the norm's place: what it draws is what Python has, and mouse, touch and keyboard reach it."""

import itertools
import json

import numpy as np
import pytest
from playwright.sync_api import expect

from transformer_lab.widgets import NormPlacement
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.norm_placement import PLACEMENTS

MODULE = (JS / "norm-placement.js").as_uri()
STATES = [{"placement": placement, "depth": depth, "warmup": warmup}
          for placement, depth, warmup in itertools.product(PLACEMENTS, (2, 4, 8, 12), (True, False))]


def test_every_state_has_the_numbers_that_python_has():
    followed = json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{MODULE}"; '
        f'const bytes = readFileSync(new URL("data/norm-placement.bin", "{MODULE}")); '
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
        f"process.stdout.write(JSON.stringify({json.dumps(STATES)}.map((given) => lab.finished(given, data)[1])));"))
    for state, now in zip(STATES, followed, strict=True):
        lab = NormPlacement(**state)
        for name in ("derived", "measured", "low", "high"):
            np.testing.assert_allclose(now[name], lab.first(name), rtol=1e-6)
        shown = [loss for seeds in now["losses"] or [] for loss in seeds]
        np.testing.assert_allclose(shown, lab.losses[np.isfinite(lab.losses)], rtol=1e-6)
        if now["trained"] is not None:
            kept = np.array(now["trained"])
            np.testing.assert_allclose(np.where(kept < 0, np.nan, kept), lab.trained, rtol=1e-6)


def test_a_combination_that_was_not_trained_says_so():
    lab = NormPlacement(placement="both", depth=12)
    assert np.isnan(lab.losses).all() and np.isfinite(lab.derived).all()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_wirings_depths_and_places_are_chosen_by_hand_and_by_keys(open_lab, width):
    page = open_lab("norm-placement", width=width, touch=width == 390)
    words, press = page.locator(".lab-words"), "tap" if width == 390 else "click"
    getattr(page.get_by_role("radio", name="before"), press)()
    expect(words).to_contain_text("12 layers, the norm before")
    page.get_by_role("radio", name="12").focus()
    page.keyboard.press("ArrowLeft")
    expect(words).to_contain_text("8 layers")
    getattr(page.get_by_role("button", name="Warm-up"), press)()
    expect(words).to_contain_text("not trained")
    place = page.get_by_role("slider", name="Place in the stream")
    place.focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("At place 1")
    box = place.bounding_box()
    (page.touchscreen.tap if width == 390 else page.mouse.click)(box["x"] + box["width"] - 12, box["y"] + 40)
    expect(words).to_contain_text("At place 16")
