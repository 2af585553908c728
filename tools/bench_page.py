"""How long a page takes to answer a key: the trained model, asked another input, in a real browser, read from disk.

From the key to the painted frame: the model runs, and all heads, logits, likeliest answers and the map are drawn. The
wait for the screen's next frame (up to 17 ms) is part of it. The second number is the work alone, layout included.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from pathlib import Path

from transformer_lab import generator
from transformer_lab.theme import css_variables
from transformer_lab.widgets.bundle import files, static_html

PROMISED, INPUTS, WARM_UP = 50, 50, 5   # ms; keys that are timed; keys before them
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


def chromium() -> str | None:
    """The path of a browser."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("LAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def write_page(folder: Path) -> str:
    labs = folder / "_static" / "labs"
    labs.mkdir(parents=True)
    for name, text in files().items():
        (labs / name).write_text(text, "utf-8")
    page = folder / "index.html"
    page.write_text(PAGE.format(colors=css_variables(), body=static_html("ask-model", {"step": 2000})), "utf-8")
    return page.as_uri()


def typing(path: str) -> list[list[float]]:
    """Milliseconds from a key to the painted frame, and to the finished layout, for each input that is typed."""
    from playwright.sync_api import sync_playwright

    digits = generator(0, "bench typing").integers(10, size=(WARM_UP + INPUTS, 3))
    operations = ("First", "Second", "Last", "Max", "Min")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(write_page(Path(folder)))
        page.locator(".lab-start").click()
        page.wait_for_selector(".lab-live .lab-controls")
        page.evaluate(WATCH)
        for i, (a, b, c) in enumerate(digits):
            page.get_by_role("textbox").fill(f"{operations[i % 5]} {a} {b}")
            page.keyboard.press("Space")
            page.evaluate("times.length = 0")
            page.keyboard.press(str(c))
            page.wait_for_function("times.length > 0")
            page.evaluate("(window.kept ??= []).push(times[0])")
        times = page.evaluate("kept")
        browser.close()
    return times[WARM_UP:]


def main() -> None:
    if not (path := chromium()):
        print("Typing in the page was not measured: no Chromium found.")
        return
    painted, ready = zip(*typing(path), strict=True)
    print(f"Typing in the page, {INPUTS} inputs\n\n{'':36}{'median ms':>10}{'worst':>8}{f'within {PROMISED} ms':>14}")
    for name, times in (("key to painted frame", painted), ("key to finished layout", ready)):
        kept = sum(value <= PROMISED for value in times)
        print(f"{name:36}{statistics.median(times):10.1f}{max(times):8.1f}{f'{kept} of {INPUTS}':>14}")


if __name__ == "__main__":
    main()
