"""What several groups of tests share: one browser, one built site, and a line that says what was skipped."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
GET_CHROMIUM = "install it (Debian: apt-get install chromium) or set LAB_CHROMIUM to its path"


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("LAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


#: What takes longest begins first.
ORDER = ("book", "tests/site", "tests/widgets", "tests/chapters", "tests/book", "tests")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: next((i for i, start in enumerate(ORDER) if place(item).startswith(start)), len(ORDER)))
    skip_browser_tests(items)


def place(item) -> str:
    """The path of an item's file, from the root."""
    return item.path.relative_to(ROOT).as_posix()


def skip_browser_tests(items):
    if find_chromium() or os.environ.get("LAB_REQUIRE_BROWSER") == "1":
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=f"no Chromium found: {GET_CHROMIUM}"))


def pytest_unconfigure(config):
    """The very last line says when the browser tests did not run."""
    if not find_chromium() and os.environ.get("LAB_REQUIRE_BROWSER") != "1":
        print(f"The browser tests were SKIPPED: no Chromium found; {GET_CHROMIUM}.", file=sys.stderr)


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium, driven by Playwright; each test opens its own context."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    assert path, f"LAB_REQUIRE_BROWSER=1, but no Chromium was found: {GET_CHROMIUM}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def built_site(testrun_uid) -> Path:
    """The folder of the built pages, made by the same command as the reader's, once for all processes of the tests."""
    with filelock.FileLock(ROOT / "_build.lock"):
        built = ROOT / "_build" / "built_for_tests"
        if not built.exists() or built.read_text() != testrun_uid:
            subprocess.run(["make", "book"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            built.write_text(testrun_uid)
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def site_url(built_site):
    """The built pages over http on this machine."""
    handler = functools.partial(QuietHandler, directory=str(built_site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
