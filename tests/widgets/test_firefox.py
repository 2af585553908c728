"""Each explorable runs in Firefox too: it wakes, answers a key or a press, and nothing goes wrong on the way."""

import http.server
import json
import queue
import shutil
import subprocess
import threading

import pytest

from transformer_lab.widgets.bundle import names, static_html

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
#: Run on the page: what each explorable says before and after its first control is used, or what went wrong.
WATCH = """<script>
const faults = [], said = {}, wait = (ms) => new Promise((done) => setTimeout(done, ms));
addEventListener("error", ({ message }) => faults.push(message));
addEventListener("unhandledrejection", ({ reason }) => faults.push(String(reason)));
async function until(found, tries = 1000) {
  for (let i = 0; i < tries && !found(); i++) await wait(50);
  return found();
}
async function use(lab, changed) { // one key at a time: a second may take back what the first did
  const handle = () => lab.querySelector("[role=slider]:not(input), [role=spinbutton][tabindex='0'],"
    + " [data-asks][tabindex='0']");
  if (!handle()) lab.querySelector("input, [role=radio]:not([aria-checked=true])").click();
  for (const key of handle() ? ["ArrowLeft", "ArrowUp"] : []) {
    handle().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    if (await until(changed, 100)) return;
  }
}
addEventListener("load", async () => {
  for (const el of document.querySelectorAll(".lab-static")) {
    el.scrollIntoView();
    await until(() => el.querySelector(".lab-live .lab-controls, .lab-start") || el.matches(".lab-live"));
    el.querySelector(".lab-start")?.click();
    await until(() => el.matches(".lab-live") && el.querySelector(".lab-words[aria-busy=false]"));
    const before = el.querySelector(".lab").outerHTML, changed = () => el.querySelector(".lab").outerHTML !== before;
    try { await use(el, changed); } catch (fault) { faults.push(`${el.dataset.lab}: ${fault}`); }
    said[el.dataset.lab] = el.matches(".lab-live") && await until(changed);
  }
  fetch("/report", { method: "POST", body: JSON.stringify({ faults, said }) });
});
</script>"""


@pytest.fixture
def served(labs_folder):
    """The address of the folder of the pages, and what they report."""
    reports = queue.Queue()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=labs_folder)

        def do_POST(self):
            reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", reports
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(FIREFOX is None, reason="no Firefox found: install it (Debian: apt-get install firefox-esr)")
def test_each_explorable_wakes_and_answers_in_firefox(served, write_page, tmp_path):
    address, reports = served
    write_page("firefox", WATCH + "".join(static_html(name) for name in names()))
    (tmp_path / "profile").mkdir()
    browser = subprocess.Popen([FIREFOX, "--headless", "--no-remote", "--profile", str(tmp_path / "profile"),
                                f"{address}/firefox-light.html"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        report = reports.get(timeout=240)
    finally:
        browser.terminate()
        browser.wait(timeout=30)
    assert report["faults"] == []
    assert [name for name in names() if not report["said"].get(name)] == []
