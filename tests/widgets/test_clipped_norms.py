"""The threshold over stored gradients: shares and angles are NumPy's; mouse, touch and keyboard move it."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from transformer_lab.widgets import ClippedNorms
from transformer_lab.widgets.bundle import JS, node

MODULE = (JS / "clipped-norms.js").as_uri()
STATES = [{"optimizer": optimizer, "rate": rate, "by": by, "level": level, "largest": largest}
          for optimizer in ("adamw", "momentum") for rate in (0, 3, 6) for by in ("norm", "value")
          for level, largest in ((0, 0), (17, 6), (35, 16))]


@pytest.fixture(scope="module")
def followed():
    return json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{MODULE}"; '
        f'const bytes = readFileSync(new URL("data/clipped-norms.bin", "{MODULE}")); '
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
        f"process.stdout.write(JSON.stringify({json.dumps(STATES)}.map((given) => lab.finished(given, data)[1])));"))


def test_shares_medians_and_angles_are_those_of_numpy(followed):
    for state, now in zip(STATES, followed, strict=True):
        lab = ClippedNorms(**state)
        assert now["threshold"] == pytest.approx(lab.threshold, rel=1e-12)
        assert len(now["all"]) == len(lab.norms)
        assert now["share"] == pytest.approx((lab.norms > now["threshold"]).mean(), abs=1e-12)
        assert now["median"] == pytest.approx(np.median(lab.norms), rel=1e-12)
        assert now["means"] == pytest.approx(lab.angles.mean(axis=0).tolist(), rel=1e-12)


def test_a_larger_threshold_cuts_less_and_turns_less():
    shares = [(ClippedNorms().norms > ClippedNorms(level=level).threshold).mean() for level in range(36)]
    assert (np.diff(shares) <= 0).all() and shares[0] == 1
    cosines = [ClippedNorms(by="value", largest=i).angles.mean(axis=0)[0] for i in range(17)]
    assert cosines[-1] > 0.999 > 0.7 > cosines[0]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_threshold_is_dragged_pressed_and_walked(open_lab, width):
    page = open_lab("clipped-norms", width=width, touch=width == 390)
    words, line = page.locator(".lab-words"), page.get_by_label("Threshold", exact=True)
    expect(words).to_contain_text("SGD, momentum at 0.4")
    line.focus()
    page.keyboard.press("ArrowUp")
    expect(line).to_have_attribute("aria-valuenow", "18")
    page.keyboard.press("Shift+ArrowDown")
    expect(line).to_have_attribute("aria-valuenow", "8")
    box = line.bounding_box()
    (page.touchscreen.tap if width == 390 else page.mouse.click)(box["x"] + 30, box["y"] + 4 / 224 * box["height"] + 2)
    expect(line).to_have_attribute("aria-valuenow", "35")
    expect(words).to_contain_text("0 % are longer than 32")
    page.get_by_role("radio", name="AdamW").click()
    expect(words).to_contain_text("AdamW at 0.02")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_cut_by_value_shows_what_it_turns(open_lab, width):
    page = open_lab("clipped-norms", width=width, touch=width == 390)
    page.get_by_role("radio", name="value").click()
    line = page.get_by_label("Largest entry", exact=True)
    line.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuetext", "1, cosine 1.00")
    page.get_by_role("button", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(17)
