"""JupyterLab is told to trust the chapters as the repository has them, and none that someone else has changed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = {"output_type": "display_data", "metadata": {}, "data": {"text/html": ["<script>alert(1)</script>"]}}


@pytest.fixture
def trust(tmp_path, monkeypatch):
    """The tool over a small repository: ``said(names)`` gives the notebooks that Jupyter would trust."""
    spec = importlib.util.spec_from_file_location("trust", ROOT / "tools" / "trust.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for folder in ("book", "work"):
        (tmp_path / folder).mkdir()
        for name in ("01-a.ipynb", "02-b.ipynb"):
            (tmp_path / folder / name).write_text(json.dumps({"cells": [], "nbformat": 4}) + "\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "book"], ["commit", "-qm", "chapters"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    run, told = subprocess.run, []

    def called(command, **settings):
        if command[:3] == [sys.executable, "-m", "jupyter"]:
            told.extend(Path(name).relative_to(tmp_path).as_posix() for name in command[4:])
            return None
        return run(command, **settings)

    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool.subprocess, "run", called)

    def asked(folder):
        tool.main(sorted(map(str, (tmp_path / folder).glob("*.ipynb"))))
        return told

    return asked


def test_the_repositorys_own_bytes_are_trusted(trust, capsys):
    assert trust("book") == ["book/01-a.ipynb", "book/02-b.ipynb"] and capsys.readouterr().out == ""


def test_a_fresh_copy_is_trusted_whatever_its_line_ends(trust, tmp_path):
    (tmp_path / "work" / "01-a.ipynb").write_bytes((tmp_path / "book" / "01-a.ipynb").read_bytes()
                                                   .replace(b"\n", b"\r\n"))
    assert trust("work") == ["work/01-a.ipynb", "work/02-b.ipynb"]


@pytest.mark.parametrize("folder", ["book", "work"])
def test_one_that_holds_a_strange_script_is_named_and_left_alone(trust, folder, tmp_path, capsys):
    strange = {"cells": [{"cell_type": "code", "outputs": [SCRIPT]}], "nbformat": 4}
    (tmp_path / folder / "02-b.ipynb").write_text(json.dumps(strange))
    assert trust(folder) == [f"{folder}/01-a.ipynb"] and "02-b.ipynb" in capsys.readouterr().out


def test_a_stranger_of_no_known_name_is_left_alone(trust, tmp_path, capsys):
    (tmp_path / "book" / "09-mine.ipynb").write_text("{}")
    assert "book/09-mine.ipynb" not in trust("book") and "09-mine.ipynb" in capsys.readouterr().out
