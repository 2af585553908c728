"""tools/serve.py: compressed text, one folder and no other, and a sentence for what cannot be."""

from __future__ import annotations

import gzip
import importlib.util
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection

import pytest
from sample_book import ROOT

TOOL = ROOT / "tools" / "serve.py"
spec = importlib.util.spec_from_file_location("serve", TOOL)
serve = importlib.util.module_from_spec(spec)
spec.loader.exec_module(serve)


@pytest.fixture
def folder(tmp_path):
    pages = tmp_path / "html"
    (pages / "empty").mkdir(parents=True)
    (pages / "index.html").write_text("<p>" + "a page " * 500 + "</p>")
    (pages / "mark.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.html").write_text("secret")
    (pages / "link.html").symlink_to(tmp_path / "secret.html")
    (pages / "out").symlink_to(tmp_path)
    for name in ("linked", "deep"):
        (pages / name).mkdir()
    (pages / "linked" / "index.html").symlink_to(tmp_path / "secret.html")
    (pages / "deep" / "index.html").write_text("<p>" + "deep " * 500 + "</p>")
    return pages


@pytest.fixture
def ask(folder):
    """What the server answers to a path: its status, headers and body."""
    server = serve.open_server(0, folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(path, **headers):
        line = HTTPConnection("127.0.0.1", server.server_address[1])
        line.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = line.getresponse()
        body = reply.read()
        line.close()
        return reply.status, dict(reply.getheaders()), body

    yield answer
    server.shutdown()
    server.server_close()


def test_text_goes_compressed_to_whom_takes_it_and_plain_to_others(ask, folder):
    page = (folder / "index.html").read_bytes()
    status, headers, body = ask("/index.html?v=1", Accept_Encoding="gzip, br")
    assert status == 200 and headers["Content-Encoding"] == "gzip" and headers["Content-Type"] == "text/html"
    assert gzip.decompress(body) == page and len(body) < len(page) / 10
    status, headers, body = ask("/index.html")
    assert (status, body) == (200, page) and "Content-Encoding" not in headers
    assert "Content-Encoding" not in ask("/mark.png", Accept_Encoding="gzip")[1]


@pytest.mark.parametrize(("address", "name"), [("/", "index.html"), ("/?a=/b", "index.html"),
                                               ("/deep/", "deep/index.html")])
def test_the_address_of_a_folder_is_its_page_compressed_too(ask, folder, address, name):
    page = (folder / name).read_bytes()
    status, headers, body = ask(address, Accept_Encoding="gzip")
    assert status == 200 and headers["Content-Encoding"] == "gzip" and gzip.decompress(body) == page
    assert ask(address)[2] == page and ask("/deep")[0] == 301


def test_a_page_that_changed_is_sent_anew(ask, folder):
    ask("/index.html", Accept_Encoding="gzip")
    (folder / "index.html").write_text("new")
    assert gzip.decompress(ask("/index.html", Accept_Encoding="gzip")[2]) == b"new"


@pytest.mark.parametrize("path", ["/link.html", "/out/secret.html", "/../secret.html", "/%2e%2e/secret.html",
                                  "/empty/", "/linked/", "/%00", "/index.html%00", "/" + 400 * "a",
                                  "/" + 400 * "a/", "/index.html/", "/%ff", "/CON"])
def test_nothing_outside_the_folder_and_no_list_of_files_is_sent(ask, path):
    for headers in ({}, {"Accept_Encoding": "gzip"}):
        status, _, body = ask(path, **headers)
        assert status == 404 and b"secret" not in body


@pytest.mark.parametrize("port", ["1'2", 'a"b', "1;exit 0", "$PATH", "`id`"])
def test_make_hands_a_port_on_as_it_is(port):
    done = subprocess.run(["make", "--no-print-directory", "serve", f"PORT={port.replace('$', '$$')}",
                           f"PY={sys.executable}"], cwd=ROOT, capture_output=True, text=True)
    assert f"{port!r} is no port" in done.stderr and "Syntax" not in done.stderr and "unexpected" not in done.stderr


@pytest.mark.parametrize("port", ["abc", "", "-1", "0", "65536", "8000.5", "٨٠", "9" * 5000, "1'2"])
def test_a_port_that_is_none_is_a_sentence(port):
    done = subprocess.run([sys.executable, TOOL, port], capture_output=True, text=True)
    assert done.returncode == 1 and "is no port" in done.stderr and "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_a_sentence(folder):
    with (socket.create_server(("127.0.0.1", 0)) as other,
          pytest.raises(SystemExit, match="is taken; choose another")):
        serve.open_server(other.getsockname()[1], folder)


def test_pages_that_are_not_built_are_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match="make book"):
        serve.open_server(0, tmp_path)
