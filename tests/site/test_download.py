"""A chapter's zip runs elsewhere, with the package from its wheel alone; it is the same each time it is made."""

import importlib.util
import zipfile
from pathlib import Path

import nbformat
import pytest

from lab_site.download import build_wheel, contents, pack

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("zips", ROOT / "tools" / "zips.py")
zips = importlib.util.module_from_spec(spec)
spec.loader.exec_module(zips)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def chapter(number: str) -> Path:
    return zips.chapters(number)[0]


def test_an_unpacked_chapter_runs_on_its_wheel_alone(wheel, tmp_path):
    """One chapter; ``make zips`` runs all."""
    assert zips.run_elsewhere(chapter("04"), wheel, tmp_path) == ""


def test_what_an_unpacked_chapter_would_read_of_the_clone_is_a_fault(wheel, tmp_path):
    notebook = tmp_path / "04-reads.ipynb"
    cells = [nbformat.v4.new_code_cell(f"open({str(ROOT / 'book' / 'index.md')!r}).close()")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    with zipfile.ZipFile(tmp_path / "chapter.zip", "w") as pages:
        pages.write(notebook, "04-reads/book/04-reads.ipynb")
        pages.write(wheel, f"04-reads/{wheel.name}")
    assert "is in the clone" in zips.run(tmp_path / "chapter.zip", notebook.stem, tmp_path)


def test_a_zip_holds_what_its_chapter_needs_and_is_the_same_each_time(wheel, tmp_path):
    for name in ("one", "two"):
        pack(chapter("03"), ROOT, wheel, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    names = zipfile.ZipFile(tmp_path / "one").namelist()
    top = chapter("03").stem
    assert names == sorted(names) and {name.split("/")[0] for name in names} == {top}
    assert {f"{top}/README.txt", f"{top}/{wheel.name}", f"{top}/book/chapters/ch03/exercises.py"} <= set(names)
    assert any("/data/studies/phases/" in name for name in names) and not any("/data/digits/" in name for name in names)


def test_a_chapter_brings_the_packages_of_the_chapters_that_it_imports():
    folders = {file.parent.name for file in contents(chapter("06"), ROOT)}
    assert "ch06" in folders


def test_the_wheel_is_built_anew_only_when_the_package_changes(wheel):
    made = wheel.stat().st_mtime_ns
    assert build_wheel(ROOT, wheel.parents[1]).stat().st_mtime_ns == made
