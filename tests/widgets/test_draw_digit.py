"""Draw a digit: the page's numbers are PyTorch's, and one draws by mouse, touch and keyboard."""

import json

import numpy as np
import pytest
from hand import drag
from playwright.sync_api import expect

from chapters import ch20
from transformer_lab.analysis.cache import Runner, patterns
from transformer_lab.analysis.rollout import rollout
from transformer_lab.errors import LabError
from transformer_lab.models.vit import ViT, ViTConfig
from transformer_lab.widgets import DrawDigit
from transformer_lab.widgets.bundle import JS, files, node
from transformer_lab.widgets.draw_digit import ARRAYS

MODULE = (JS / "draw-digit.js").as_uri()
STATES = [{"example": example} for example in range(len(ARRAYS["digits"]))] + [
    {"example": -1}, {"example": -1, "edits": [[18, 16], [26, 9], [34, 16], [42, 3]]},
    {"example": 4, "out": [1, 6, 11], "edits": [[0, 16]]}, {"example": 2, "out": list(range(16))}]


def followed(states):
    """What follows from each state on the page."""
    return json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{MODULE}"; '
        f'const bytes = readFileSync(new URL("data/draw-digit.bin", "{MODULE}")); '
        "const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
        f"process.stdout.write(JSON.stringify({json.dumps(states)}.map((given) => {{"
        "const { probs, found, pixels } = lab.finished(given, data)[1];"
        "return { probs, pixels, without: found.without, layers: found.layers, rollout: found.rollout }; })));"))


def test_every_share_vote_and_look_of_the_page_is_pytorchs():
    for state, now in zip(STATES, followed(STATES), strict=True):
        lab = DrawDigit(**state)
        assert now["pixels"] == lab.pixels.ravel().tolist()
        kept = ~np.isin(np.arange(16), lab.out)
        less = np.array([kept & (np.arange(16) != patch) for patch in range(16)])
        drawn, model = lab.image[0], ViT(ViTConfig(**lab.shape), lab.params)
        shares = ch20.shares_without(model, np.repeat(drawn, 17, axis=0), np.vstack([kept, less]))
        assert np.abs(shares - np.vstack([now["probs"], now["without"]])).max() < 1e-6
        if not lab.out:
            looks = patterns(Runner(model), lab.image)
            assert np.abs(rollout(looks)[0, 0, 1:] - now["rollout"]).max() < 1e-6
            assert np.abs(looks.mean(axis=2)[:, 0, 0, 1:] - now["layers"]).max() < 1e-6


def test_python_takes_what_the_page_takes_and_nothing_else():
    assert DrawDigit(edits=[(12, 16)]).edits == [[12, 16]]
    assert not DrawDigit(example=-1).image.any()
    for wrong in ({"example": 99}, {"edits": [[64, 1]]}, {"edits": [[0, 17]]}, {"edits": [[1]]}, {"edits": "ink"},
                  {"edits": 3}, {"out": [16]}, {"map": "ink"}, {"digit": 10}, {"pen": "brush"}, {"row": 8}):
        with pytest.raises(LabError):
            DrawDigit(**wrong)


def test_the_data_is_light():
    written = files()
    assert len(written["data-draw-digit.js"]) < 150_000 and len(written["draw-digit.js"]) < 80_000


@pytest.mark.browser
@pytest.mark.parametrize("touch", [False, True])
def test_what_is_drawn_is_read(open_lab, touch):
    page = open_lab("draw-digit", {"example": -1}, width=390 if touch else 1280, touch=touch)
    words, box = page.locator(".lab-words"), page.get_by_label("Paper", exact=True).first.bounding_box()
    before = words.inner_text()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 16
    if touch:
        for step in range(8):
            page.touchscreen.tap(x, y + step * box["height"] / 8.2)
    else:
        drag(page, (x, y), (x, y + 0.87 * box["height"]), steps=20)
    expect(words).not_to_have_text(before)
    page.get_by_role("button", name="Table", exact=True).click()
    expect(page.locator(".lab-more table").first).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    expect(words).to_have_text(before)


@pytest.mark.browser
def test_keys_draw_wipe_and_leave_out(open_lab):
    page = open_lab("draw-digit", {"example": -1, "row": 2, "column": 2})
    words, paper = page.locator(".lab-words"), page.get_by_label("Paper", exact=True).first
    paper.focus()
    page.keyboard.press("Enter")
    expect(paper).to_have_attribute("aria-valuetext", "row 3, column 3: ink 16 of 16")
    page.keyboard.press("ArrowDown")
    expect(paper).to_have_attribute("aria-valuetext", "row 4, column 3: ink 4 of 16")
    page.get_by_role("radio", name="eraser").click()
    paper.focus()
    page.keyboard.press("Space")
    expect(paper).to_have_attribute("aria-valuetext", "row 4, column 3: ink 0 of 16")
    out = page.get_by_role("button", name="Leave out patch row 2, column 2")
    out.focus()
    page.keyboard.press("Enter")
    expect(out).to_have_attribute("aria-pressed", "true")
    expect(words).to_contain_text("Left out: 1 of 16 patches")
    page.get_by_role("button", name="Ask what votes for 7").click()
    expect(page.locator(".lab-picture")).to_contain_text("What each patch adds to 7")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["votes", "layer 1", "layer 2", "rollout"])
def test_every_map_opens_and_all_votes_arrive(open_lab, name):
    page = open_lab("draw-digit", {"example": 3})
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_have_attribute("aria-checked", "true")
    expect(page.locator(".lab-words")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".lab-words")).to_contain_text("Someone wrote a 3")
