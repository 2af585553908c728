"""A real JupyterLab with a real kernel: a drag on the page reaches Python, and Python's assignment moves the page."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from playwright.sync_api import expect

CELLS = [
    "from transformer_lab.widgets import GradientGraph\ngraph = GradientGraph()\ngraph",
    'print("step", graph.step, "position", graph.position, "attention", graph.acts["pattern"].shape)',
    'graph.step = 3; graph.mistake = "uphill"',
    "from transformer_lab.widgets import PhaseScrubber\nPhaseScrubber(step=2)",
    "from transformer_lab.widgets import AskModel\nasked = AskModel(step=2000)\nasked",
    "print(asked.expression)",
]
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab that knows nothing of this machine's settings, with one notebook in it."""
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
    (tmp_path / "files").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
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
             "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=", f"--notebook-dir={tmp_path / 'files'}"],
            env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server, tmp_path / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/graph.ipynb"
    finally:
        server.terminate()
        server.wait(timeout=20)


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


@pytest.mark.browser
def test_a_drag_reaches_python_and_an_assignment_moves_the_page(chromium, jupyterlab):
    context = chromium.new_context(viewport={"width": 1400, "height": 1300})
    page, outside, errors = context.new_page(), [], []
    page.on("request", lambda sent: outside.append(sent.url) if "127.0.0.1" not in sent.url.split("/")[2] else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(jupyterlab)
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length == 6", timeout=60_000)
    page.wait_for_function("jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status == 'idle'",
                           timeout=60_000)
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
    expect(page.locator(".lab-words")).to_contain_text("Planted: sign flipped")
    run(page, 3)                                                   # bytes reach the page, too
    expect(page.locator(".lab-words").nth(1)).to_contain_text("Seed 7, step 2: writing is trained", timeout=60_000)
    run(page, 4)
    page.get_by_role("textbox", name="Ask").fill("")
    page.keyboard.type("min 4 0 7")                                # letters that mean something to a notebook
    expect(page.locator(".lab-words").nth(2)).to_contain_text("the answer to Min ( 4 , 0 , 7 )")
    page.wait_for_timeout(300)
    run(page, 5)
    expect(page.locator(".jp-OutputArea-output pre").last).to_have_text("Min ( 4 , 0 , 7 )\n")
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--lab-query').trim()") == "#26528c"
    context.close()
    assert [url for url in outside if not url.startswith(("data:", "blob:"))] == [] and errors == []
