"""make work: learners' answers survive every new edition of a chapter, and their notebooks run where they lie."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("work", ROOT / "tools" / "work.py")
work = importlib.util.module_from_spec(spec)
spec.loader.exec_module(work)


def notebook(**cells: str) -> dict:
    made = [{"cell_type": "code", "id": name, "metadata": {}, "source": text, "outputs": [], "execution_count": None}
            for name, text in cells.items()]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def book(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "glossary.md").write_text("# Glossary\n")
    return tmp_path


def edition(root: Path, name: str, **cells: str) -> None:
    for old in (root / "book").glob("*.ipynb"):
        old.unlink()
    (root / "book" / name).write_text(json.dumps(notebook(**cells)))


def now(root: Path, name: str) -> list[tuple[str, str]]:
    return [(cell["id"], work.source(cell)) for cell in json.loads((root / "work" / name).read_text())["cells"]]


def write(root: Path, name: str, **changes: str) -> None:
    """The learner changes cells, or adds one at the end."""
    path = root / "work" / name
    mine = json.loads(path.read_text())
    for cell in mine["cells"]:
        cell["source"] = changes.pop(cell["id"], cell["source"])
    mine["cells"] += notebook(**changes)["cells"]
    path.write_text(json.dumps(mine))


def bring(root: Path) -> list[str]:
    return work.bring(root, root / "work")


def test_a_first_copy_is_the_book_and_a_second_does_nothing(book):
    edition(book, "01-look.ipynb", a="1", ex="stub")
    assert bring(book) == ["01-look: copied"] and bring(book) == []
    assert (book / "work" / "01-look.ipynb").read_bytes() == (book / "book" / "01-look.ipynb").read_bytes()
    assert (book / "work" / "glossary.md").exists()


def test_answers_and_added_cells_survive_a_new_edition_and_the_rest_is_new(book):
    edition(book, "01-look.ipynb", a="1", ex="stub", end="3")
    bring(book)
    write(book, "01-look.ipynb", ex="my answer", extra="my cell")
    edition(book, "01-look.ipynb", a="one", between="new", ex="stub", end="3")
    assert bring(book) == ["01-look: brought up to date, 2 cells of yours kept"]
    assert now(book, "01-look.ipynb") == [("a", "one"), ("between", "new"), ("ex", "my answer"), ("end", "3"),
                                          ("extra", "my cell")]
    write(book, "01-look.ipynb", ex="a better answer")
    edition(book, "01-look.ipynb", a="1!", ex="stub", end="3")
    bring(book)
    assert now(book, "01-look.ipynb") == [("a", "1!"), ("ex", "a better answer"), ("end", "3"), ("extra", "my cell")]


def test_a_cell_that_both_have_changed_is_kept_and_the_new_one_follows(book):
    edition(book, "01-look.ipynb", ex="stub", end="3")
    bring(book)
    write(book, "01-look.ipynb", ex="my answer")
    edition(book, "01-look.ipynb", ex="another stub", end="3")
    bring(book)
    assert now(book, "01-look.ipynb") == [("ex", "my answer"), ("ex-both", work.BOTH), ("ex-new", "another stub"),
                                          ("end", "3")]


def test_a_cell_whose_place_is_gone_stands_at_the_end(book):
    edition(book, "01-look.ipynb", a="1", ex="stub")
    bring(book)
    write(book, "01-look.ipynb", ex="my answer", extra="mine, too")
    edition(book, "01-look.ipynb", a="1")
    bring(book)
    assert [name for name, _ in now(book, "01-look.ipynb")] == ["a", "cells-of-yours", "ex", "extra"]


def test_a_chapter_with_another_number_takes_its_answers_along(book):
    edition(book, "01-look.ipynb", ex="stub")
    bring(book)
    write(book, "01-look.ipynb", ex="my answer")
    edition(book, "02-look.ipynb", ex="stub")
    bring(book)
    assert now(book, "02-look.ipynb") == [("ex", "my answer")]
    assert not (book / "work" / "01-look.ipynb").exists() and bring(book) == []


def test_every_chapter_of_the_book_survives_the_round(tmp_path):
    """Each exercise is answered; an edition whose other cells all differ keeps exactly the answers."""
    (tmp_path / "book").mkdir()
    for path in sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        (tmp_path / "book" / path.name).write_bytes(path.read_bytes())
    bring(tmp_path)
    for path in sorted((tmp_path / "book").glob("*.ipynb")):
        fresh = json.loads(path.read_text("utf-8"))
        stubs = [cell["id"] for cell in fresh["cells"] if "raise NotImplementedError" in work.source(cell)]
        assert len(stubs) >= 5
        write(tmp_path, path.name, **dict.fromkeys(stubs, "# my answer"))
        for cell in fresh["cells"]:
            cell["source"] = work.source(cell) + ("" if cell["id"] in stubs else "\n")
        path.write_text(json.dumps(fresh), "utf-8")
    assert all("cells of yours kept" in line for line in bring(tmp_path))
    for path in sorted((tmp_path / "book").glob("*.ipynb")):
        assert {text for name, text in now(tmp_path, path.name) if name.startswith("ex-")
                and "NotImplemented" not in text} >= {"# my answer"}


def test_a_notebook_in_work_finds_the_chapters_packages_and_the_shipped_data(tmp_path):
    """Run in the folder work of a clone, with the package and without the book on Python's path."""
    (tmp_path / "book").symlink_to(ROOT / "book")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "chapters.py").write_text(work.HOME)
    code = "from chapters import ch01; print(ch01.check_hard_lookup(ch01.exercises.hard_lookup))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "work", capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT), "PATH": ""}, check=False)
    assert done.stdout.startswith("✓"), done.stderr


def test_nothing_of_a_learner_is_tracked():
    ignored = subprocess.run(["git", "check-ignore", "-q", "work/01-soft-lookup.ipynb"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
