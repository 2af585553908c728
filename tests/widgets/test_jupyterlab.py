"""A real JupyterLab with a real kernel: a drag on the page reaches Python, and Python's assignment moves the page."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from playwright.sync_api import expect

from transformer_lab.widgets import SoftLookup

CELLS = [
    "from transformer_lab.widgets import GradientGraph\ngraph = GradientGraph()\ngraph",
    'print("step", graph.step, "position", graph.position, "attention", graph.acts["pattern"].shape)',
    'graph.step = 3; graph.mistake = "uphill"',
    "from transformer_lab.widgets import PhaseScrubber\nPhaseScrubber(step=2)",
    "from transformer_lab.widgets import AskModel\nasked = AskModel(step=2000)\nasked",
    "print(asked.expression)",
    "from transformer_lab.widgets import SoftLookup\nlookup = SoftLookup()\nlookup",
]
STORED = 6  # the cell whose still picture is in the file
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab that knows nothing of this machine's settings, with one notebook in it."""
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
    (tmp_path / "files").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    stored = {"text/plain": "SoftLookup()", "text/html": SoftLookup()._repr_mimebundle_()[0]["text/html"]}
    notebook.cells[STORED].outputs = [nbformat.v4.new_output("display_data", stored)]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "data").mkdir()
    NotebookNotary(data_dir=str(tmp_path / "data")).sign(notebook)
    nbformat.write(notebook, tmp_path / "files" / "graph.ipynb")
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
               "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "spaces", "IPYTHONDIR": "ipython"}
    environment = os.environ | {name: str(tmp_path / folder) for name, folder in folders.items()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
             "--ip=127.0.0.1",
             "--FileContentsManager.pre_save_hook=transformer_lab.widgets.saving.keep_stills",
             f"--port={port}", "--IdentityProvider.token=", f"--notebook-dir={tmp_path / 'files'}"],
            env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server, tmp_path / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/graph.ipynb"
        assert "is not defined" not in (tmp_path / "log").read_text()  # Lab runs a script of its own under our folder
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
        server.kill()  # nothing, where it has ended
        server.wait()


def _wait_for(address, server, log, seconds=60):
    for _ in range(10 * seconds):
        assert server.poll() is None, log.read_text()
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def run(page, cell):
    page.evaluate("""async (index) => {
        jupyterapp.shell.currentWidget.content.activeCellIndex = index;
        await jupyterapp.commands.execute('notebook:run-cell');
    }""", cell)


def the_keys_of_jupyterlab_stay_away(page):
    """Arrows move a slider, and what Lab means by other keys does not happen."""
    run(page, STORED)
    expect(page.get_by_text("Run the cell (Shift+Enter)")).to_have_count(0, timeout=60_000)
    slider, query = page.get_by_label("temperature"), page.get_by_label("Query", exact=True)
    slider.focus()
    before = slider.input_value()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert float(slider.input_value()) < float(before)
    query.focus()
    at = query.get_attribute("aria-valuetext")
    for key in ("d", "d", "x", "a", "ArrowDown"):
        page.keyboard.press(key)
    expect(query).not_to_have_attribute("aria-valuetext", at)
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 7


def saved_and_opened_again(page, address, folder):
    """With another kernel the still pictures are there, and no model is missed."""
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    file = folder / "files" / "graph.ipynb"
    for _ in range(100):
        if "lab-static" in file.read_text().partition("PhaseScrubber(step=2)")[2].partition("AskModel")[0]:
            break
        time.sleep(0.1)
    assert "widget-view" not in file.read_text()
    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")
    page.goto(address + "?reset")
    expect(page.get_by_text("Run the cell (Shift+Enter)").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("model not found")).to_have_count(0)


@pytest.mark.browser
def test_a_drag_reaches_python_and_an_assignment_moves_the_page(chromium, jupyterlab, tmp_path):
    context = chromium.new_context(viewport={"width": 1400, "height": 1300})
    page, outside, errors = context.new_page(), [], []
    page.on("request", lambda sent: outside.append(sent.url) if "127.0.0.1" not in sent.url.split("/")[2] else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(jupyterlab)
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length == 7", timeout=60_000)
    page.wait_for_function("jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status == 'idle'",
                           timeout=60_000)
    still = page.locator(".lab-static .lab-picture")
    expect(still).to_be_visible()
    expect(page.get_by_text("Run the cell (Shift+Enter)")).to_be_visible()
    assert still.locator("rect.axis").first.evaluate("(box) => getComputedStyle(box).fill") == "none"
    words = page.locator(".lab[role=group] .lab-words")
    run(page, 0)
    step = page.get_by_label("Step", exact=True)
    expect(step).to_have_attribute("aria-valuenow", "12", timeout=60_000)

    box = step.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 24, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    page.get_by_label("Inspected position").press("ArrowDown")
    shown = step.get_attribute("aria-valuenow")
    assert 5 < int(shown) < 10
    page.wait_for_timeout(300)                                     # messages to Python leave every 50 ms
    run(page, 1)
    expect(page.locator(".jp-OutputArea-output pre")).to_have_text(f"step {shown} position 1 attention (1, 9)\n")

    run(page, 2)
    expect(step).to_have_attribute("aria-valuenow", "3")
    expect(words).to_contain_text("Planted: sign flipped")
    run(page, 3)                                                   # bytes reach the page, too
    expect(words.nth(1)).to_contain_text("Seed 7, step 2: writing is trained", timeout=60_000)
    run(page, 4)
    page.get_by_role("textbox", name="Ask").fill("")
    page.keyboard.type("min 4 0 7")                                # letters that mean something to a notebook
    expect(words.nth(2)).to_contain_text("the answer to Min ( 4 , 0 , 7 )")
    page.wait_for_timeout(300)
    run(page, 5)
    expect(page.locator(".jp-OutputArea-output pre").last).to_have_text("Min ( 4 , 0 , 7 )\n")
    the_keys_of_jupyterlab_stay_away(page)
    saved_and_opened_again(page, jupyterlab, tmp_path)
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--lab-query').trim()") == "#26528c"
    context.close()
    assert [url for url in outside if not url.startswith(("data:", "blob:"))] == [] and errors == []
