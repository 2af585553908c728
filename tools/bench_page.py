"""How long a page takes to answer, in a real browser, read from disk: a key, and the turn of a handle.

The key asks the trained model another input. From the key to the painted frame: the model runs, and all heads, logits,
likeliest answers and the map are drawn. The wait for the screen's next frame (up to 17 ms) is part of it. The second
number is the work alone, layout included. The handles are all of all explorables, as they open; each is turned to and
fro, and what counts is the work of a turn, layout included: half of the turns, and the longest.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from contextlib import contextmanager
from pathlib import Path

from transformer_lab import generator
from transformer_lab.theme import css_variables
from transformer_lab.widgets.bundle import files, names, static_html

PROMISED, INPUTS, WARM_UP = 50, 50, 5   # ms; keys that are timed; keys before them
TURNS, HALF, LONGEST = 30, 6, 12        # turns of a handle; ms in which half of them and all of them should be done
PAGE = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>Bench</title>
<link rel="stylesheet" href="_static/labs/labs.css"><style>{colors}</style><main>{body}</main>
<script defer src="_static/labs/host.js"></script></html>"""
WATCH = """() => {
    const field = document.querySelector(".lab input"), after = new MessageChannel();
    let key = 0, ready = 0;
    window.times = [];
    field.addEventListener("keydown", (event) => { key = event.timeStamp; });
    addEventListener("input", () => {
        document.querySelector(".lab-picture").getBoundingClientRect();
        ready = performance.now();
        requestAnimationFrame(() => after.port2.postMessage(0));
    });
    after.port1.onmessage = () => times.push([performance.now() - key, ready - key]);
}"""

HANDLES = ".lab-live :is([role=slider], input[type=range]):not([aria-disabled])"
TURN = """async ([handle, warm, turns]) => {
    const times = [], range = handle.localName === "input", first = Number(handle.value);
    for (let i = 0; i < warm + turns; i += 1) {
        await new Promise(requestAnimationFrame);
        const there = i % 2 ? handle.step === "any" ? first + 1 : first + Number(handle.step || 1) : first;
        if (range) handle.value = there > Number(handle.max) ? 2 * first - there : there;
        const start = performance.now(), key = i % 2 ? "ArrowRight" : "ArrowLeft";
        handle.dispatchEvent(range ? new Event("input", { bubbles: true })
            : new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        document.body.getBoundingClientRect();
        times.push(performance.now() - start);
    }
    return times.slice(warm);
}"""


def chromium() -> str | None:
    """The path of a browser."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("LAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def write_page(folder: Path, name: str, state: dict | None = None) -> str:
    labs = folder / "_static" / "labs"
    labs.mkdir(parents=True, exist_ok=True)
    for file, text in files().items():
        (labs / file).write_text(text, "utf-8")
    page = folder / f"{name}.html"
    page.write_text(PAGE.format(colors=css_variables(), body=static_html(name, state)), "utf-8")
    return page.as_uri()


@contextmanager
def opened(path: str):
    """Opens an explorable by its name, and a state, on a page of its own, and starts it."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])

        def lab(name, state=None):
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.goto(write_page(Path(folder), name, state))
            if page.locator(".lab-start").count():
                page.locator(".lab-start").click()
            page.wait_for_selector(".lab-live .lab-controls")
            return page

        yield lab
        browser.close()


def typing(path: str) -> list[list[float]]:
    """Milliseconds from a key to the painted frame, and to the finished layout, for each input that is typed."""
    digits = generator(0, "bench typing").integers(10, size=(WARM_UP + INPUTS, 3))
    operations = ("First", "Second", "Last", "Max", "Min")
    with opened(path) as lab:
        page = lab("ask-model", {"step": 2000})
        page.evaluate(WATCH)
        for i, (a, b, c) in enumerate(digits):
            page.get_by_role("textbox").fill(f"{operations[i % 5]} {a} {b}")
            page.keyboard.press("Space")
            page.evaluate("times.length = 0")
            page.keyboard.press(str(c))
            page.wait_for_function("times.length > 0")
            page.evaluate("(window.kept ??= []).push(times[0])")
        return page.evaluate("kept")[WARM_UP:]


def turning(path: str) -> dict[str, list[float]]:
    """Milliseconds of each turn of each handle, by explorable and handle."""
    found = {}
    with opened(path) as lab:
        for name in names():
            page = lab(name)
            for handle in page.query_selector_all(HANDLES):
                called = handle.get_attribute("aria-label") or handle.get_attribute("id") or "slider"
                found[f"{name}, {called}"[:58]] = page.evaluate(TURN, [handle, WARM_UP, TURNS])
            page.close()
    return found


def main() -> None:
    if not (path := chromium()):
        print("Typing in the page was not measured: no Chromium found.")
        return
    typed(path)
    turned(path)


def typed(path: str) -> None:
    painted, ready = zip(*typing(path), strict=True)
    print(f"Typing in the page, {INPUTS} inputs\n\n{'':36}{'median ms':>10}{'worst':>8}{f'within {PROMISED} ms':>14}")
    for name, times in (("key to painted frame", painted), ("key to finished layout", ready)):
        kept = sum(value <= PROMISED for value in times)
        print(f"{name:36}{statistics.median(times):10.1f}{max(times):8.1f}{f'{kept} of {INPUTS}':>14}")


def turned(path: str) -> None:
    print(f"\nTurning a handle, {TURNS} times{'':33}{'median ms':>10}{'worst':>8}")
    for name, times in turning(path).items():
        middle, worst = statistics.median(times), max(times)
        late = "  late" if middle > HALF or worst > LONGEST else ""
        print(f"{name:60}{middle:8.1f}{worst:8.1f}{late}", flush=True)


if __name__ == "__main__":
    main()
