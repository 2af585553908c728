"""The walk on the exact loss: its numbers are the package's, and every way to walk works."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hand import drag
from playwright.sync_api import expect

from transformer_lab import generator
from transformer_lab.byhand import small_head
from transformer_lab.errors import LabError
from transformer_lab.tasks.patterns import PatternTask
from transformer_lab.widgets import LossWalk
from transformer_lab.widgets.bundle import JS, node

TASK = PatternTask(distinct=True)
HEAD, MODULE = (JS / "core" / "small_head.js").as_uri(), (JS / "loss-walk.js").as_uri()


def test_loss_and_gradient_agree_with_numpy_on_200_random_states():
    rng = generator(0, "loss walk")
    places = [{"look": float(rng.uniform(-9, 9)), "write": float(rng.uniform(-20, 20))} for _ in range(200)]
    page = json.loads(node(f'import {{ forward, backward }} from "{HEAD}"; process.stdout.write(JSON.stringify('
                           f"{json.dumps(places)}.map((at) => [forward(at).loss, backward(at)])));"))
    for place, (loss, slopes) in zip(places, page, strict=True):
        numbers = place | {"away": 0.0}
        ours = small_head.backward(numbers, TASK)
        assert abs(loss - small_head.loss(numbers, TASK)) <= 1e-12
        assert max(abs(ours[name] - slopes[name]) for name in place) <= 1e-12


def test_the_saddle_is_the_packages():
    page = json.loads(node(f'import {{ SADDLE }} from "{HEAD}"; process.stdout.write(JSON.stringify(SADDLE));'))
    assert page == pytest.approx({name: small_head.saddle(TASK)[name] for name in page})


@pytest.mark.parametrize("order", ["joint", "write", "look"])
def test_the_page_and_the_code_arrive_at_the_same_place(order):
    state = {"look": -2.5, "write": 0.5, "order": order, "phase": 7, "rate": 2.0, "step": 150}
    source, here = json.loads(node(f'import {{ code, compute }} from "{MODULE}"; const state = {json.dumps(state)}; '
                                   "process.stdout.write(JSON.stringify("
                                   f'[code(state), compute(state).walks["{order}"][150]]));'))
    show = "\nimport json; print('###', json.dumps({name: float(value) for name, value in numbers.items()}))"
    done = subprocess.run([sys.executable, "-c", source + show], capture_output=True, text=True, check=True)
    numbers = json.loads(done.stdout.split("###")[1])
    assert [numbers["look"], numbers["write"]] == pytest.approx([here["look"], here["write"]], abs=1e-9)


def test_a_contour_lies_where_the_height_is_the_level():
    source = (f'import {{ contour }} from "{(JS / "core" / "contour.js").as_uri()}"; '
              "const grid = [...Array(41).keys()].map((i) => [...Array(41).keys()].map((j) => "
              "Math.hypot(i - 20, j - 20))); "
              'process.stdout.write(contour(grid, 10.5, (column, row) => [column, row]));')
    points = np.array([point.split() for point in node(source).replace("L", "M").split("M")[1:]], dtype=float)
    assert len(points) > 100
    assert np.abs(np.hypot(*(points - 20).T) - 10.5).max() < 0.1


@pytest.mark.parametrize("trait, value", [("look", 7.0), ("order", "lok"), ("phase", 0), ("step", 401), ("rate", 0.0)])
def test_what_is_out_of_bounds_is_refused(trait, value):
    with pytest.raises(LabError, match=trait):
        LossWalk(**{trait: value})


@pytest.mark.browser
def test_the_start_moves_by_key_and_the_walk_by_drag(open_lab):
    page = open_lab("loss-walk")
    words = page.locator(".lab-words")
    expect(words).to_contain_text("look first ends in the wrong valley")
    start = page.get_by_label("Start")
    start.focus()
    for _ in range(2):
        page.keyboard.press("Shift+ArrowUp")
    expect(start).to_have_attribute("aria-valuetext", "look 1, write 1")
    expect(words).to_contain_text("look first reaches the answer")
    box = page.get_by_label("Step", exact=True).bounding_box()
    drag(page, (box["x"] + 10, box["y"] + 50), (box["x"] + box["width"] - 6, box["y"] + 50), steps=6)
    expect(words).to_contain_text("step 400")
    page.get_by_role("radio", name="together").click()
    expect(words).to_contain_text("Trained together, step 400")


@pytest.mark.browser
def test_the_start_is_dragged_with_the_mouse(open_lab):
    page = open_lab("loss-walk")
    box = page.get_by_label("Start").bounding_box()
    drag(page, (box["x"] + 8, box["y"] + 8), (box["x"] + 8, box["y"] - 60), steps=6)
    expect(page.locator(".lab-words")).to_contain_text("look first reaches the answer")
