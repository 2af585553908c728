"""The explorable of the soft lookup: its numbers are NumPy's, and mouse, touch and keyboard reach them."""

import json

import numpy as np
import pytest
from hand import drag
from playwright.sync_api import expect

from transformer_lab import generator
from transformer_lab.analysis.saturation import entropy
from transformer_lab.byhand.attention import attend, attend_pullback
from transformer_lab.widgets import SoftLookup
from transformer_lab.widgets.bundle import JS, node

MODULE = (JS / "soft-lookup.js").as_uri()


def random_state(seed):
    rng = generator(seed, "soft lookup states")
    n = int(rng.integers(1, 9))
    return {"q": rng.normal(size=2).tolist(), "k": rng.normal(size=(n, 2)).tolist(),
            "v": rng.normal(size=(n, 2)).tolist(), "target": rng.normal(size=2).tolist(),
            "temperature": float(10 ** rng.uniform(-2, 2)), "d_head": int(2 ** rng.integers(0, 11)),
            "scaled": bool(rng.integers(2))}


def by_numpy(state):
    q = np.array([state["q"]]) * np.sqrt(state["d_head"] / 2)
    k, v = np.array(state["k"]), np.array(state["v"])
    scale = (1 / np.sqrt(state["d_head"]) if state["scaled"] else 1) / state["temperature"]
    acts = attend(q, k, v, scale=scale)
    return acts, attend_pullback(acts, acts["z"] - state["target"], scale=scale)


def test_every_number_agrees_with_numpy_on_200_random_states():
    states = [random_state(seed) for seed in range(200)]
    got = json.loads(node(f'import {{ compute }} from "{MODULE}"; '
                          f"process.stdout.write(JSON.stringify({json.dumps(states)}.map(compute)));"))
    worst = {}
    for state, now in zip(states, got, strict=True):
        acts, grads = by_numpy(state)
        pairs = {name: (acts[name][0], now[name]) for name in ("scores", "pattern", "z")}
        pairs["entropy"] = entropy(acts["pattern"])[0], now["entropy"]
        pairs["loss"] = ((acts["z"] - state["target"]) ** 2).sum() / 2, now["loss"]
        for name in ("q", "k", "v", "scores"):
            pairs[f"d_{name}"] = grads[name].squeeze(), np.squeeze(now["d"][name])
        for name, (ours, theirs) in pairs.items():
            size = max(1, np.abs(ours).max())
            worst[name] = max(worst.get(name, 0), np.abs(ours - np.asarray(theirs)).max() / size)
    assert max(worst.values()) <= 1e-12, worst


def test_the_python_class_has_the_defaults_of_the_picture():
    defaults = json.loads(node(f'import lab from "{MODULE}"; process.stdout.write(JSON.stringify(lab.defaults));'))
    assert SoftLookup().state() == defaults


def test_dashed_rays_are_where_two_best_keys_tie():
    state = random_state(3)
    rays = json.loads(node(f'import {{ ties }} from "{MODULE}"; '
                           f"process.stdout.write(JSON.stringify(ties({json.dumps(state)})));"))
    angles = np.linspace(0, 2 * np.pi, 3601)
    best = (np.stack([np.cos(angles), np.sin(angles)], -1) @ np.array(state["k"]).T).argmax(-1)
    assert len(rays) == (np.diff(best) != 0).sum()
    for ray in rays:
        scores = np.sort(np.array(state["k"]) @ ray)
        assert scores[-1] - scores[-2] < 1e-9


@pytest.mark.browser
def test_keyboard_moves_the_query_and_the_sliders(open_lab):
    page = open_lab("soft-lookup")
    words, query = page.locator(".lab-words"), page.get_by_label("Query", exact=True)
    expect(words).to_contain_text("49 % from B")
    query.focus()
    for height in ("0.25", "−0.25", "−0.75"):
        page.keyboard.press("Shift+ArrowDown")
        expect(query).to_have_attribute("aria-valuetext", f"1.10, {height}")
    expect(words).to_contain_text("from A")
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("radio", name="no").click()
    expect(words).to_contain_text("99 % from B")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_drag_moves_what_is_returned(open_lab, width):
    page = open_lab("soft-lookup", {"temperature": 0.01}, width=width)
    expect(page.locator(".lab-words")).to_contain_text("Returned: 0.40, 1.35")
    box = page.get_by_label("Query", exact=True).bounding_box()
    key = page.get_by_label("Key D").bounding_box()
    drag(page, (box["x"] + 17, box["y"] + 17), (key["x"] + 17, key["y"] + 17), steps=4)
    expect(page.locator(".lab-words")).to_contain_text("Returned: −1.30, −1.00")


@pytest.mark.browser
def test_the_table_has_a_row_for_every_key(open_lab):
    page = open_lab("soft-lookup", theme="dark")
    page.get_by_role("button", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(6)


@pytest.mark.browser
def test_nothing_runs_over_the_edge_of_a_phone(open_lab):
    page = open_lab("soft-lookup", {"d_head": 1024, "scaled": False}, width=390, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("""[...document.querySelectorAll('.lab-picture text')].every((text) => {
        const box = text.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; })""")
