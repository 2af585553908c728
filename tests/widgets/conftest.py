"""A bare page from disk that holds explorables, as the built site does, and nothing else."""

from __future__ import annotations

import pytest

from transformer_lab.theme import css_variables
from transformer_lab.widgets.bundle import files, static_html

PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Explorables</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="_static/labs/labs.css"><link rel="icon" href="data:,">
<style>{colors} body {{ background: var(--lab-page); color: var(--lab-ink); margin: 0 }}
main {{ max-width: 46rem; margin: 0 auto; padding: 0 16px }}</style></head>
<body><main><h1>Explorables</h1>{body}</main><script defer src="_static/labs/host.js"></script></body></html>"""


@pytest.fixture(scope="session")
def labs_folder(tmp_path_factory):
    """The files that the site puts into ``_static/labs``."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "_static" / "labs").mkdir(parents=True)
    for name, text in files().items():
        (folder / "_static" / "labs" / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def write_page(labs_folder):
    """``write_page(name, body)`` writes the page beside the site's files and returns its address."""
    def write(name, body, theme="light"):
        page_file = labs_folder / f"{name}-{theme}.html"
        page_file.write_text(PAGE.format(theme=theme, colors=css_variables(), body=body), "utf-8")
        return page_file.as_uri()
    return write


@pytest.fixture
def open_lab(chromium, write_page):
    """``open_lab(name, state)`` opens one explorable from disk; whatever the console says fails the test."""
    contexts, said = [], []

    def open_one(name, state=None, *, width=1280, theme="light", scripts=True, touch=False, html=None, start=True):
        context = chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts,
                                       has_touch=touch, is_mobile=touch, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(write_page(name, html or static_html(name, state), theme))
        if scripts:
            page.wait_for_selector(".lab-live .lab-controls, .lab-start")
        for button in page.locator(".lab-start").all() if start else ():
            button.click()
            page.wait_for_selector(".lab-live :focus")
            page.click("h1")  # the tests' keys begin at the top
        if scripts and start:
            page.wait_for_selector(".lab-live .lab-controls")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert said == []
