"""What a newcomer can meet on the way is answered with one clear sentence, and a space in the path is no obstacle."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ["Makefile", "pyproject.toml", "requirements", "package.json", "package-lock.json", "README.md", "tools"]


@pytest.fixture
def checkout(tmp_path):
    """The files that setting up needs, in a folder with a space in its name and without a .venv."""
    folder = tmp_path / "my lab"
    folder.mkdir()
    for name in NEEDED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder


def run(folder, *command, **environment):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment},
                          check=False)


def patched(change: str) -> list[str]:
    """Run tools/setup.py in a Python that was told something about its machine."""
    code = f"import os, runpy, shutil, sys; {change}; sys.argv = ['setup.py', 'site']; " \
           "runpy.run_path('tools/setup.py', run_name='__main__')"
    return [sys.executable, "-c", code]


def one_sentence(done) -> str:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_an_old_python_is_named_with_the_remedy(checkout):
    said = one_sentence(run(checkout, *patched("sys.version_info = (3, 9, 2)"), PATH="", LAB_GOAL="book"))
    assert said == ("Transformer Lab: this is Python 3.9, and 3.11 or newer is needed; "
                    "install one and run `make book PY=python3.11`.\n")
    assert not (checkout / ".venv").exists()


def test_too_little_disk_is_said_before_anything_is_installed(checkout):
    said = one_sentence(run(checkout, *patched("shutil.disk_usage = lambda _: type('Usage', (), {'free': 1e8})")))
    assert "0.1 GB of disk are free" in said
    assert not (checkout / ".venv").exists()


def test_no_network_is_said_and_a_space_in_the_path_is_handled(checkout):
    done = run(checkout, "make", "book", f"PY={sys.executable}", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0",
               PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="")
    assert "without a network connection, connect and run the command again" in one_sentence(done)
    assert (checkout / ".venv").exists(), "the environment is made; only the packages are missing"


def test_no_python_at_all(checkout):
    done = run(checkout, "make", "book", "PY=python-that-is-not-there")
    assert "no python-that-is-not-there was found; install Python 3.11 or newer" in done.stdout


def test_serving_before_building(checkout):
    assert "run `make book` first" in one_sentence(run(checkout, sys.executable, "tools/serve.py"))


def test_a_taken_port_is_said_with_another_to_choose(checkout):
    pages = checkout / "_build" / "html"
    pages.mkdir(parents=True)
    (pages / "index.html").write_text("<title>A page</title>", "utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = one_sentence(run(checkout, sys.executable, "tools/serve.py", str(port)))
    assert said == f"Transformer Lab: port {port} is taken; choose another with `make serve PORT={port + 1}`.\n"


def test_help_lists_every_command_of_the_readme():
    said = run(ROOT, "make", "--no-print-directory", "help").stdout
    assert [line.split()[1] for line in said.splitlines()] == [
        "help", "book", "test", "work", "lab", "serve", "slides", "sheet", "pdf", "online", "site-zip", "execute",
        "chapter", "renumber", "study", "bench", "kernels", "zips", "mutants", "clean"]
