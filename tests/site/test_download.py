"""A chapter's zip runs elsewhere, with the package from its wheel alone; it is the same each time it is made."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab_site.download import build_wheel, contents, pack

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys, nbformat
from pathlib import Path
from nbclient import NotebookClient
path = Path(sys.argv[1])
NotebookClient(nbformat.read(path, as_version=4), timeout=300, kernel_name="python3",
               resources={"metadata": {"path": str(path.parent)}}).execute()
import transformer_lab
print(transformer_lab.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def chapter(name: str) -> Path:
    return next((ROOT / "book").glob(f"{name}-*.ipynb"))


def run_elsewhere(notebook: Path, wheel: Path, folder: Path) -> str:
    """Unpack the chapter's zip, install its wheel beside it, and execute the notebook there; where the package was."""
    pack(notebook, ROOT, wheel, folder / "chapter.zip")
    with zipfile.ZipFile(folder / "chapter.zip") as pages:
        pages.extractall(folder)
    here, installed = folder / notebook.stem, folder / "installed"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(installed),
                    "--disable-pip-version-check", str(next(here.glob("*.whl")))], check=True)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFORMER_LAB")}
    done = subprocess.run([sys.executable, "-c", RUN, f"book/{notebook.name}"], cwd=here, capture_output=True,
                          text=True, env=bare | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]


def test_an_unpacked_chapter_runs_on_its_wheel_alone(wheel, tmp_path):
    assert run_elsewhere(chapter("04"), wheel, tmp_path).startswith(str(tmp_path / "installed"))


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
