"""make execute: the same bytes each time, only what changed, all or nothing, and one clear sentence on failure."""

import importlib.util
import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("execute", ROOT / "tools" / "execute.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

CLAIM = "from transformer_lab import at_least, claim\nclaim('two', 'Two is at least 1.', at_least('two', 2, 1))"


@pytest.fixture
def book(tmp_path):
    """An empty book, and a function that writes a chapter into it."""
    (tmp_path / "book").mkdir()

    def write(*sources, name="07-test"):
        cells = [new_markdown_cell("# Test", id="title")]
        cells += [new_code_cell(source, id=f"cell-{index}") for index, source in enumerate(sources)]
        path = tmp_path / "book" / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        return path

    return write


def ledger(path: Path) -> Path:
    return path.parents[1] / "data" / "claims" / f"{path.stem}.json"


@pytest.fixture
def execute(tmp_path):
    saved = os.environ.copy()
    yield lambda *arguments: tool.main(list(arguments), root=tmp_path)
    os.environ.clear()
    os.environ.update(saved)


def test_running_twice_gives_the_same_bytes_and_a_ledger(book, execute):
    path = book(CLAIM, "print('a'); print('b')\n{'x': 1.5}", "import sys\nprint('c')")
    assert execute("--all") == 0
    first, claims = path.read_bytes(), ledger(path).read_bytes()
    assert execute("--all") == 0
    assert path.read_bytes() == first and ledger(path).read_bytes() == claims
    assert [entry["id"] for entry in json.loads(claims)] == ["two"]
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3]
    assert [output.text for output in notebook.cells[2].outputs if output.output_type == "stream"] == ["a\nb\n"]


def test_only_changed_chapters_run(book, execute, capsys):
    path = book("1 + 1")
    execute()
    assert "07-test: run" in capsys.readouterr().out
    execute()
    assert "07-test: up to date" in capsys.readouterr().out
    path.write_text(path.read_text().replace("1 + 1", "1 + 2"))
    execute()
    assert "07-test: run" in capsys.readouterr().out
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].data["text/plain"] == "3"


def test_code_is_folded_in_jupyterlab_by_the_rule_of_the_page(book, execute):
    path = book(CLAIM, "x = 3\nx + x", "y = 4")
    for _ in range(2):
        execute()
        cells = nbformat.read(path, as_version=4).cells[1:]
        assert [cell.metadata.get("jupyter") for cell in cells] == [{"source_hidden": True}, None,
                                                                   {"source_hidden": True}]
    tool.replace(path, path.read_text().replace("source_hidden", "other"))
    execute()
    cells = nbformat.read(path, as_version=4).cells[1:]
    assert [cell.metadata.get("jupyter") for cell in cells] == [{"source_hidden": True, "other": True}, None,
                                                               {"source_hidden": True, "other": True}]


def test_a_claim_that_is_gone_leaves_the_ledger(book, execute):
    path = book(CLAIM)
    execute()
    assert ledger(path).exists()
    book("3")
    execute()
    assert not ledger(path).exists()


def test_a_failing_cell_replaces_nothing_and_is_one_sentence(book, execute, capsys):
    path = book(CLAIM)
    execute()
    claims = ledger(path).read_bytes()
    path = book(CLAIM, "print('fine')", "1 / 0")
    before = path.read_bytes()
    capsys.readouterr()
    assert execute() == 1
    assert capsys.readouterr().err == ("07-test stopped in cell 'cell-2' with ZeroDivisionError: division by zero. "
                                       "Nothing was replaced.\n")
    assert path.read_bytes() == before and ledger(path).read_bytes() == claims
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]
    assert sorted(file.name for file in ledger(path).parent.iterdir()) == [ledger(path).name]


def test_a_damaged_notebook_is_one_sentence_and_the_others_still_run(book, execute, capsys):
    book("1", name="01-broken").write_text("{")
    other = book("2", name="02-whole")
    assert execute() == 1
    assert capsys.readouterr().err.startswith("01-broken stopped with NotJSONError: ")
    assert nbformat.read(other, as_version=4).cells[1].outputs


def test_chapters_are_chosen_by_number(book, execute, capsys):
    book("1", name="01-first"), book("2", name="02-second")
    assert execute("02") == 0
    assert capsys.readouterr().out == "02-second: run\n"
    assert execute("9") == 2
    assert capsys.readouterr().err == "No chapter's name begins with '9'; there are: 01-first, 02-second.\n"


def test_widget_views_go_where_html_stands_in_for_them(book, execute):
    data = {"text/html": "<b>x</b>", "text/plain": "x", tool.WIDGET: {"model_id": "random"}}
    path = book(f"class Both:\n    def _repr_mimebundle_(self, **_):\n        return {data}\nBoth()")
    execute()
    assert sorted(nbformat.read(path, as_version=4).cells[1].outputs[0].data) == ["text/html", "text/plain"]


def test_sources_are_followed_through_imports(tmp_path):
    package = tmp_path / "transformer_lab"
    (package / "deep").mkdir(parents=True)
    for name, text in {"__init__": "", "a": "from .deep import b", "c": "", "deep/__init__": "",
                       "deep/b": "from ..c import thing", "unused": "", "theme": ""}.items():
        (package / f"{name}.py").write_text(text)
    found = {str(file.relative_to(package)) for file in tool.imported("from transformer_lab import a", tmp_path)}
    assert found == {"__init__.py", "a.py", "c.py", "deep/__init__.py", "deep/b.py"}


def test_a_changed_source_makes_the_chapter_stale(tmp_path):
    package = tmp_path / "transformer_lab"
    package.mkdir()
    for name in ("__init__.py", "a.py", "unused.py", "theme.json"):
        (package / name).write_text("")
    notebook = new_notebook(cells=[new_code_cell("import transformer_lab.a", id="x")])
    before = tool.sources_hash(notebook, tmp_path)
    (package / "unused.py").write_text("1")
    assert tool.sources_hash(notebook, tmp_path) == before
    (package / "a.py").write_text("1")
    assert tool.sources_hash(notebook, tmp_path) != before


READS = """import os
from pathlib import Path
from transformer_lab.training.seals import noted
for name in ("study", "run"):
    noted(Path("..", "data", name, "manifest.json"))
noted(Path("..", "elsewhere", "manifest.json"))
"""


def test_a_changed_record_makes_the_chapter_stale_whatever_way_it_is_named(book, execute, tmp_path, capsys):
    for name in ("data/study", "data/run", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "manifest.json").write_text(name)
    path = book(READS)
    execute()
    records = nbformat.read(path, as_version=4).metadata["transformer_lab"]["records"]
    assert list(records) == ["data/run/manifest.json", "data/study/manifest.json"]
    for change in (lambda file: file.write_text("other"), lambda file: file.write_text("another")):
        execute()
        assert capsys.readouterr().out.endswith("07-test: up to date\n")
        change(tmp_path / "data" / "study" / "manifest.json")
        execute()
        assert capsys.readouterr().out.endswith("07-test: run\n")
    (tmp_path / "data" / "run" / "manifest.json").unlink()
    assert tool.changed(nbformat.read(path, as_version=4), tmp_path)
