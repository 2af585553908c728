"""Colab and Binder, as far as that goes without a network: addresses, the links of a page, and what the cell does."""

import doctest
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sample_book import ROOT, build, write_book

from lab_site import online

spec = importlib.util.spec_from_file_location("online_tool", ROOT / "tools" / "online.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
HOME = "https://github.com/someone/transformer-lab"
# Colab's module, and pip: what it would be asked for is written down. Git is real.
STUBS = """
import subprocess, sys, types
sys.modules["google"], colab = types.ModuleType("google"), types.ModuleType("google.colab")
sys.modules["google.colab"], colab.output = colab, types.SimpleNamespace(enable_custom_widget_manager=lambda: None)
real = subprocess.run
subprocess.run = lambda command, **options: print("pip", *command[4:]) if "pip" in command else real(command, **options)
"""


def test_the_addresses():
    assert doctest.testmod(online).failed == 0
    with pytest.raises(ValueError, match=r"lab_repository in _config\.yml is 'someone/lab'"):
        online.parsed("someone/lab")


def test_a_chapter_s_page_has_its_links_where_the_setting_is_there_and_no_other_page(tmp_path):
    folder = write_book(tmp_path / "book")
    config = folder / "_config.yml"
    config.write_text(re.sub(r"lab_repository: .*", f"lab_repository: {HOME}", config.read_text("utf-8")), "utf-8")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (folder / "_build" / "html" / "book" / "02-sample.html").read_text("utf-8")
    for _, address in online.links(HOME, "book/02-sample"):
        assert f'href="{address}"' in page
    assert "mybinder" not in (folder / "_build" / "html" / "book" / "glossary.html").read_text("utf-8")


def test_the_cell_fetches_the_book_and_the_chapter_s_package_is_found(tmp_path):
    origin, elsewhere = tmp_path / "origin", tmp_path / "content"
    (origin / "book" / "chapters").mkdir(parents=True), elsewhere.mkdir()
    (origin / "book" / "chapters" / "__init__.py").write_text("found = 'here'\n")
    named = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*named, "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    code = "".join(online.first_cell(HOME)["source"])
    assert code.count(HOME) == 1
    code = code.replace(HOME, origin.as_uri())
    whole = f"{STUBS}\n{code}\nimport os; sys.path.insert(0, ''); import chapters; print(chapters.found, os.getcwd())"
    done = subprocess.run([sys.executable, "-c", whole], cwd=elsewhere, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0].startswith("pip -q ./book-clone anywidget"), done.stderr
    assert done.stdout.endswith(f"here {elsewhere / 'book-clone' / 'book'}\n")
    bare = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (bare.returncode, bare.stdout, bare.stderr) == (0, "", ""), "elsewhere it does nothing"


def test_the_cell_stands_once_behind_the_title_and_goes_with_the_setting():
    before = json.loads((ROOT / "book" / "01-soft-lookup.ipynb").read_text("utf-8"))
    bare = tool.placed(before, "")
    once = tool.placed(tool.placed(before, "https://github.com/other/lab"), HOME)
    assert [cell["id"] for cell in once["cells"]][1] == online.CELL
    assert tool.placed(once, "") == bare


def test_no_notebook_holds_an_absolute_path():
    for path in sorted(Path(ROOT, "book").glob("[0-9]*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert not re.search(r"""["'](?:/[a-z]|~|[A-Z]:\\)""", code), path.name
