"""What holds for each explorable, on a bare page read from disk. A new one is tested without a line more."""

import inspect
import json
from io import BytesIO
from pathlib import Path

import pytest
from matplotlib.image import imread
from playwright.sync_api import expect

import transformer_lab.widgets as widgets
from transformer_lab.widgets.bundle import JS, names, node, poster, static_html

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {found._draws: found for found in (getattr(widgets, name) for name in widgets.__all__)
           if inspect.isclass(found) and hasattr(found, "_draws")}


def test_each_explorable_has_a_python_class():
    assert sorted(CLASSES) == names()


@pytest.mark.parametrize("name", names())
def test_python_and_the_page_start_from_the_same_state(name):
    source = f'import lab from "{(JS / name).as_uri()}.js"; process.stdout.write(JSON.stringify(lab.defaults));'
    assert CLASSES[name]().state() == json.loads(node(source))


@pytest.mark.parametrize("name", names())
def test_a_widget_shows_the_same_bytes_each_time(name):
    one, other = (CLASSES[name]()._repr_mimebundle_()[0]["text/html"] for _ in range(2))
    assert one == other
    assert poster(name, CLASSES[name]().state()) in one
    assert "nan" not in one.lower() and "undefined" not in one


@pytest.mark.browser
@pytest.mark.parametrize("name", names())
def test_a_still_picture_is_there_when_scripts_are_off(open_lab, name):
    page = open_lab(name, scripts=False, width=390)
    picture = page.locator(".lab-static .lab-stage:visible")
    assert picture.bounding_box()["height"] > 60
    expect(page.locator(".lab-static [tabindex], .lab-static button, .lab-static input")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", names())
def test_axe_finds_nothing(open_lab, name, theme, width):
    page = open_lab(name, theme=theme, width=width)
    for label in ("Table", "Code"):
        if page.get_by_role("button", name=label, exact=True).count():
            page.get_by_role("button", name=label, exact=True).click()
    page.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("async (tags) => (await axe.run({ runOnly: tags, preload: false })).violations", tags)
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
@pytest.mark.parametrize("name", names())
def test_no_word_runs_over_the_edge_of_a_phone(open_lab, name):
    page = open_lab(name, width=390, touch=True)
    over = page.evaluate("""[...document.querySelectorAll('.lab-picture text, .lab-picture rect')].filter((part) => {
        const box = part.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth;
    }).map((part) => part.outerHTML)""")
    assert over == []


@pytest.mark.browser
@pytest.mark.parametrize("name", names())
def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(open_lab, name):
    page = open_lab(name)
    once = "[type=radio]:not(li:first-child *)"  # a group of radio buttons is one stop, its arrows do the rest
    stops = f"[tabindex='0'], button:not([tabindex='-1']), input:not({once}), select"
    reachable = page.locator(f".lab :is({stops}):not(:disabled)")
    count = reachable.count()
    assert count >= 1
    seen = set()
    for _ in range(count):
        page.keyboard.press("Tab")
        page.evaluate("document.activeElement.dataset.seen = 1")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        seen.add(page.evaluate("document.activeElement.outerHTML"))
        assert outline == "solid", seen
    expect(page.locator(".lab [data-seen]")).to_have_count(count)


@pytest.mark.browser
@pytest.mark.parametrize("name", names())
def test_reset_table_and_code_are_there_and_open(open_lab, name):
    page = open_lab(name)
    page.get_by_role("button", name="Reset").click()
    for label, inside in (("Table", ".lab-more table"), ("Code", ".lab-more pre")):
        control = page.get_by_role("button", name=label, exact=True)
        if control.count():
            control.click()
            expect(control).to_have_attribute("aria-expanded", "true")
            expect(page.locator(inside).first).to_be_visible()


@pytest.mark.browser
def test_copy_puts_the_code_on_the_clipboard_or_selects_it(open_lab):
    page = open_lab("gradient-graph")
    page.get_by_role("button", name="Code", exact=True).click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied").or_(page.get_by_role("button", name="Selected"))).to_be_visible()
    assert "one_head.forward" in page.evaluate("getSelection().toString()")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["ask-model", "attention-heads", "decoding"])
def test_much_data_is_loaded_when_the_reader_asks_for_it_and_the_keyboard_goes_on_inside(open_lab, name):
    page = open_lab(name, start=False)
    loaded = "Object.keys(transformerLab.data)"
    assert page.evaluate(loaded) == []
    page.keyboard.press("Tab")
    expect(page.locator(".lab-start")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_selector(".lab-live .lab-controls")
    assert len(page.evaluate(loaded)) == 1
    focused = page.locator(".lab-live :focus")
    expect(focused).to_have_count(1)
    expect(focused).to_be_enabled()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["ask-model", "attention-heads", "decoding"])
def test_what_waits_for_its_data_is_drawn_at_its_size_and_keeps_its_place(open_lab, name, width):
    page = open_lab(name, start=False, width=width)
    picture = page.locator(".lab-static .lab-picture")
    scale = picture.evaluate("(svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
    before = picture.bounding_box()
    assert 0.95 < scale < 1.15
    page.locator(".lab-start").click()
    page.wait_for_selector(".lab-live .lab-controls")
    after = page.locator(".lab-live .lab-picture").bounding_box()
    assert abs(after["height"] - before["height"]) < 60 and abs(after["y"] - before["y"]) < 160


@pytest.mark.browser
@pytest.mark.parametrize("file", ["positions.js", "data-small-block.js"])
def test_what_does_not_load_says_so_and_can_be_tried_again(chromium, write_page, file):
    name = "positions" if "positions" in file else "backward-replay"
    page = chromium.new_page()
    page.route(f"**/{file}", lambda route: route.abort())
    page.goto(write_page(f"retry-{name}", static_html(name)))
    expect(page.get_by_role("alert")).to_contain_text(f"{file} did not load")
    page.unroute(f"**/{file}")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".lab-live .lab-controls")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", names())
def test_a_still_picture_in_a_notebook_brings_its_own_colours_and_says_how_to_wake_it(chromium, name, dark):
    shown = CLASSES[name]()._repr_mimebundle_()[0]["text/html"]
    page = chromium.new_page()
    page.set_content(f'<!doctype html><body data-jp-theme-light="{"false" if dark else "true"}" '
                     f'style="background: {"#111" if dark else "#fff"}">{shown}</body>')
    expect(page.get_by_text("Run the cell (Shift+Enter)")).to_be_visible()
    light = "#15181d" if dark else "#fdfcf9"
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--lab-page').trim()") == light
    pixels = imread(BytesIO(page.locator(".lab-static").screenshot()))[..., :3]
    assert (pixels.max(-1) == 0).mean() < 0.001  # black is no colour of ours
    page.close()
