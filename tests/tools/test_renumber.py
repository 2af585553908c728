"""make renumber on a small book: what moves, what is rewritten, what stays, and what is refused."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("renumber", ROOT / "tools" / "renumber.py")
renumber = importlib.util.module_from_spec(spec)
spec.loader.exec_module(renumber)

# Numbered names are put together here, so that the book's own renumbering leaves this test alone.
CH, C, c = "ch{:02}".format, "Chap" + "ter", "chap" + "ter"
ZERO, ONE, TWO, NEW, LATER = "00-begin", "01-look", "02-write", "30-new", "03-later"
CODE = f'''"""{C} 01 looks: see {c} 2 and :mod:`chapters.{CH(2)}.study`."""
from chapters.{CH(2)} import study   # as {c} 1 does
RNG = generator(0, "{c} 01"), generator(0, "exercises of {c} 1")
Choice(id="{CH(1)}-first")
'''


def git(root, *words):
    return subprocess.run(["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@x", *words],
                          capture_output=True, text=True, check=True).stdout


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")


def order(root, written, planned=(), contents=None):
    """Write _toc.yml and the plan; what is only planned stands behind."""
    (root / "_toc.yml").write_text("".join(f"      - file: book/{name}\n" for name in contents or written))
    chapters = [{"document": f"book/{name}", "title": name, "question": "?"} for name in (*written, *planned)]
    (root / "book" / "parts.json").write_text(json.dumps([{"title": "All", "chapters": chapters}]))


def notebook(code, text):
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "source": code.splitlines(keepends=True),
              "outputs": [{"data": {"text/html": f'<a href="{TWO}.html">{c} 2, {CH(2)}</a>'}}]},
             {"cell_type": "markdown", "id": "b", "metadata": {}, "source": [text]}]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


@pytest.fixture
def book(tmp_path):
    """Three chapters, a fourth that was begun as number 30, and one to come."""
    for name in (ZERO, ONE, TWO, NEW):
        home = tmp_path / "book" / "chapters" / CH(int(name[:2]))
        home.mkdir(parents=True)
        (home / "study.py").write_text(CODE)
        for path, text in ((tmp_path / "book" / f"{name}.ipynb", notebook(CODE, f"[two]({TWO}.ipynb), fig-{name}")),
                           (tmp_path / "data" / "claims" / f"{name}.json", f'["{CH(2)} in {TWO}"]\n'),
                           (tmp_path / "tests" / "chapters" / home.name / "test_it.py", CODE)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (tmp_path / "README.md").write_text(f"{C}s 1 to 2, {c} 2, `chapters/{CH(1)}`, {LATER}, page 02-17.\n")
    order(tmp_path, [ZERO, ONE, TWO, NEW], [LATER])
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


@pytest.fixture
def moved(book, capsys):
    """The same with the new chapter put in front of the second, and renumbered."""
    order(book, [ZERO, NEW, ONE, TWO], [LATER])
    commit(book)
    assert renumber.main([], book) == 0
    return book


def test_files_get_the_number_of_their_place(moved):
    for name in ("00-begin", "01-new", "02-look", "03-write"):
        for path in (f"book/{name}.ipynb", f"data/claims/{name}.json", f"book/chapters/{CH(int(name[:2]))}/study.py",
                     f"tests/chapters/{CH(int(name[:2]))}/test_it.py"):
            assert (moved / path).is_file(), path
    assert len(list((moved / "book").glob("*.ipynb"))) == 4
    assert not (moved / "book" / "chapters" / CH(30)).exists()
    plan = json.loads((moved / "book" / "parts.json").read_text())
    assert [entry["document"][5:7] for entry in plan[0]["chapters"]] == ["00", "01", "02", "03", "04"]


def test_references_follow_and_names_of_streams_and_predictions_stay(moved):
    assert (moved / "book" / "chapters" / CH(2) / "study.py").read_text() == (
        f'"""{C} 02 looks: see {c} 3 and :mod:`chapters.{CH(3)}.study`."""\n'
        f"from chapters.{CH(3)} import study   # as {c} 2 does\n"
        f'RNG = generator(0, "{c} 01"), generator(0, "exercises of {c} 1")\n'
        f'Choice(id="{CH(1)}-first")\n')
    cells = json.loads((moved / "book" / "02-look.ipynb").read_text())["cells"]
    assert f"from chapters.{CH(3)} import" in "".join(cells[0]["source"])
    assert cells[1]["source"] == ["[two](03-write.ipynb), fig-01-look"]     # a label stays
    assert cells[0]["outputs"][0]["data"]["text/html"] == f'<a href="03-write.html">{c} 2, {CH(2)}</a>'
    assert (moved / "data" / "claims" / "03-write.json").read_text() == f'["{CH(2)} in {TWO}"]\n'  # evidence stays
    assert (moved / "README.md").read_text() == (
        f"{C}s 1 to 2, {c} 3, `chapters/{CH(2)}`, 04-later, page 02-17.\n")


def test_git_sees_renames_and_a_second_run_does_nothing(moved, capsys):
    assert "R" in {line[0] for line in git(moved, "status", "--porcelain").splitlines()}
    commit(moved)
    assert renumber.main([], moved) == 0
    assert "nothing to renumber" in capsys.readouterr().out
    assert git(moved, "status", "--porcelain") == ""


def test_the_way_back_gives_every_byte_again(book):
    before = git(book, "rev-parse", "HEAD^{tree}")
    for swap in ([ZERO, TWO, ONE, NEW], None):
        names = swap or ["00-begin", "02-look", "01-write", "03-new"]
        order(book, names, ["04-later"] if swap is None else [LATER])
        commit(book)
        assert renumber.main([], book) == 0
        commit(book)
    order(book, ["00-begin", "01-look", "02-write", "03-new"], ["04-later"])
    after = {line.split("\t")[1]: line.split()[2] for line in git(book, "ls-tree", "-r", "HEAD").splitlines()}
    first = {line.split("\t")[1]: line.split()[2] for line in git(book, "ls-tree", "-r", before.strip()).splitlines()}
    same = [f"book/chapters/{CH(n)}/study.py" for n in (0, 1, 2)] + [f"book/{name}.ipynb" for name in (ZERO, ONE, TWO)]
    assert all(after[path] == first[path] for path in same)


def test_several_chapters_at_once_are_left_to_a_person(book, capsys):
    order(book, [ZERO, TWO, ONE, NEW], [LATER])
    commit(book)
    assert renumber.main(["--dry-run"], book) == 0
    said = capsys.readouterr().out
    assert f"README.md:1: {C}s 1 to 2" in said and f"book/{TWO}.ipynb -> book/01-write.ipynb" in said
    assert git(book, "status", "--porcelain") == "" and (book / "book" / f"{TWO}.ipynb").exists()


@pytest.mark.parametrize("spoil, words", [
    (lambda root: (root / "README.md").write_text("more"), "not committed"),
    (lambda root: order(root, [ZERO, TWO], contents=[ONE]), "does not plan"),
    (lambda root: order(root, [ONE, TWO], contents=[TWO, ONE]), "one order"),
    (lambda root: order(root, [ZERO, ONE, "01-other"]), "one number"),
], ids=["dirty", "unplanned", "two orders", "twins"])
def test_what_is_refused_changes_nothing_and_says_why(book, capsys, spoil, words):
    spoil(book)
    if words != "not committed":
        commit(book)
    before = git(book, "status", "--porcelain")
    assert renumber.main([], book) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert git(book, "status", "--porcelain") == before


def test_the_book_itself_stands_in_order():
    names = renumber.new_names(ROOT)
    assert names and all(old == new for old, new in names.items())
