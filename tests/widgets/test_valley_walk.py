"""The valley of chapter 7: its walks are the package's, its roots those of NumPy, and every way to turn it works."""

import json

import numpy as np
import pytest
from hand import drag, middle
from playwright.sync_api import expect

from transformer_lab import generator
from transformer_lab.errors import LabError
from transformer_lab.widgets import ValleyWalk
from transformer_lab.widgets.bundle import JS, node

MODULE, DESCENT = (JS / "valley-walk.js").as_uri(), (JS / "valley" / "descent.js").as_uri()


def followed(states):
    return json.loads(node(f'import lab from "{MODULE}"; process.stdout.write('
                           f"JSON.stringify({json.dumps(states)}.map((given) => lab.finished(given)[1])));"))


def drawn(count=90):
    rng = generator(0, "valley walk")
    return [{"rule": rule, "rate": round(float(rng.uniform(0.01, 0.5 if rule == "adam" else 2.2)), 3),
             "momentum": round(float(rng.uniform(0, 0.99)), 3), "beta2": round(float(rng.uniform(0, 0.999)), 3),
             "stretch": int(rng.integers(1, 1001)), "along": round(float(rng.uniform(-1.5, 1.5)), 2),
             "across": round(float(rng.uniform(-0.75, 0.75)), 2), "step": int(rng.integers(0, 61))}
            for _ in range(count // 3) for rule in ("sgd", "momentum", "adam")]


def test_walk_reach_and_roots_are_those_of_python():
    states = drawn()
    for state, now in zip(states, followed(states), strict=True):
        lab = ValleyWalk(**state)
        walked = np.array([place["at"] for place in now["walk"][: state["step"] + 1]])
        assert np.allclose(walked, lab.path, rtol=1e-9, atol=1e-11), state
        assert now["walk"][state["step"]]["loss"] == pytest.approx(lab.loss, rel=1e-8, abs=1e-20)
        assert np.allclose(now["reach"], lab.reach, rtol=1e-7), state
        assert np.allclose(now["kept"], abs(lab.roots).max(axis=1), rtol=1e-6, atol=1e-7), state


def test_the_best_is_the_best_of_all_rates_and_momenta_on_a_grid():
    for stretch in (4, 30, 100):
        found, = followed([{"rule": "momentum", "stretch": stretch}])
        plain, rolling = (one["kept"] for one in found["bests"])
        rates, momenta = np.linspace(0.02, 4, 200)[:, None], np.linspace(0, 0.99, 100)
        half = [(1 + momenta - rates * a) / 2 for a in (1, 1 / stretch)]
        kept = np.max([np.where(h * h < momenta, np.sqrt(momenta), abs(h) + np.sqrt(np.maximum(h * h - momenta, 0)))
                         for h in half], axis=0)
        assert rolling <= kept.min() + 1e-12 and kept.min() < rolling + 0.03
        assert plain <= kept[:, 0].min() + 1e-12 and kept[:, 0].min() < plain + 0.01


def test_in_the_long_run_a_walk_keeps_what_the_slower_root_says():
    for state in ({"rate": 1.85}, {"rule": "momentum", "rate": 1.2, "momentum": 0.8},
                  {"rule": "momentum", "rate": 0.5, "momentum": 0.3}):
        now, = followed([state])
        losses = [place["loss"] for place in now["walk"]]
        long_run = (losses[200] / losses[100]) ** (1 / 200)
        assert long_run == pytest.approx(max(now["kept"]), abs=0.006)


@pytest.mark.parametrize("trait, value", [("rule", "sdg"), ("rate", 0.0), ("momentum", 1.0), ("stretch", 0.5),
                                          ("step", 201), ("along", 2.0)])
def test_what_is_out_of_bounds_is_refused(trait, value):
    with pytest.raises(LabError, match=trait):
        ValleyWalk(**{trait: value})


@pytest.mark.browser
def test_rate_momentum_and_stretch_are_turned_by_keys(open_lab):
    page = open_lab("valley-walk")
    words, dot = page.locator(".lab-words"), page.get_by_label("Rate and momentum")
    expect(words).to_contain_text("Across it jumps from side to side, along it slides")
    dot.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(words).to_contain_text("Across it runs away")
    page.get_by_role("radio", name="momentum").click()
    expect(words).to_contain_text("Momentum, rate 1.2, momentum 0.8")
    dot.focus()
    page.keyboard.press("ArrowUp")
    expect(dot).to_have_attribute("aria-valuetext", "rate 1.2, momentum 0.81")
    page.get_by_role("slider", name="stretch").focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("1000 times as flat along")
    page.get_by_role("radio", name="Adam").click()
    expect(words).to_contain_text("As its means stand at update 40")
    page.get_by_role("slider", name="β₂").focus()
    page.keyboard.press("Home")
    expect(page.get_by_label("Rate and momentum")).to_have_count(0)
    page.get_by_label("Update", exact=True).focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("As its means stand at update 200")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_dot_and_the_start_are_dragged_and_a_press_puts_them_there(open_lab, width):
    page = open_lab("valley-walk", {"rule": "momentum", "rate": 1.2}, width=width)
    words, dot, start = page.locator(".lab-words"), page.get_by_label("Rate and momentum"), page.get_by_label("Start")
    x, y = middle(dot)
    drag(page, (x, y), (x - 30, y + 20), steps=4)
    expect(words).not_to_contain_text("rate 1.2, momentum 0.8")
    before = words.inner_text()
    x, y = middle(start)
    drag(page, (x, y), (x + 40, y), steps=4)
    expect(words).not_to_have_text(before)
    area = page.locator(".lab-press").nth(1).bounding_box()
    page.mouse.click(area["x"] + area["width"] - 4, area["y"] + area["height"] / 2)
    expect(words).to_contain_text("runs away")
