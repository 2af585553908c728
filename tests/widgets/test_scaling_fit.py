"""The law of size: page and package fit the same, and mouse, touch and keyboard move the losses."""

import json

import numpy as np
import pytest
from hand import drag, middle
from playwright.sync_api import expect

from transformer_lab.widgets import ScalingFit
from transformer_lab.widgets.bundle import JS, node

MODULE = (JS / "scaling-fit.js").as_uri()


def followed(states):
    """What follows from each state on the page."""
    return json.loads(node(f'import lab from "{MODULE}"; process.stdout.write('
                           f"JSON.stringify({json.dumps(states)}.map((given) => lab.finished(given)[1])));"))


def drawn(count=60):
    """States as a reader makes them, and wild ones; where losses rise, too."""
    rng = np.random.default_rng(0)
    wild = [{"moved": rng.uniform(-0.3, 0.3, 7).round(3).tolist(), "floor": bool(rng.integers(2)),
             "skip": int(rng.integers(5)), "drop": int(rng.integers(5))} for _ in range(count)]
    return [{"floor": floor, "skip": skip, "drop": drop} for floor in (True, False) for skip in range(5)
            for drop in range(5)] + wild + [{"moved": [-0.3, -0.3, -0.2, 0.1, 0.2, 0.3, 0.3]}]


def test_page_and_package_fit_the_same_law_with_the_same_intervals():
    states = drawn()
    for state, now in zip(states, followed(states), strict=True):
        lab = ScalingFit(**state)
        law = lab.law
        assert slice(now["first"], now["end"]) == lab.fitted
        shown = [now["law"]["floor"], now["law"]["error"], now["prediction"], *now["within"]]
        assert np.allclose(shown, [law.floor, law.error, lab.prediction, *lab.within], rtol=1e-6, atol=1e-8), state
        if law.scale > 0:
            assert np.allclose([now["law"]["exponent"], *now["exponents"]], [law.exponent, *lab.exponents], rtol=1e-5)


@pytest.mark.browser
def test_keys_and_mouse_move_a_loss_and_the_law_follows(open_lab):
    page = open_lab("scaling-fit")
    words, point = page.locator(".lab-words"), page.get_by_label("Loss with 344,928 weights")
    expect(words).to_contain_text("From 7 sizes with a floor")
    before = words.inner_text()
    point.focus()
    page.keyboard.press("ArrowDown")
    expect(words).not_to_have_text(before)
    page.get_by_role("button", name="Reset").click()
    expect(words).to_have_text(before)
    x, y = middle(point)
    drag(page, (x, y), (x, y - 30))
    expect(words).not_to_have_text(before)
    page.get_by_role("radio", name="without").click()
    expect(words).to_contain_text("without a floor")
    page.get_by_role("slider", name="without the smallest").focus()
    page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("From 6 sizes")


@pytest.mark.browser
def test_a_finger_drags_a_loss_on_a_phone_and_the_largest_can_be_looked_at(open_lab):
    page = open_lab("scaling-fit", width=390, touch=True)
    words, point = page.locator(".lab-words"), page.get_by_label("Loss with 724 weights")
    before, (x, y) = words.inner_text(), middle(point)
    page.touchscreen.tap(x, y + 10)
    expect(words).not_to_have_text(before)
    page.get_by_role("button", name="Look at the largest").click()
    expect(words).to_contain_text("Measured")
