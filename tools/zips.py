"""make zips: each chapter's zip runs elsewhere, on the wheel in it alone, and reads no file of the clone.

``python tools/zips.py 04 07`` takes these chapters; without a number, all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book" / "_ext")]

from lab_site.download import build_wheel, pack  # noqa: E402 - found in the folder above

RUN = """
import sys, nbformat
from pathlib import Path
from nbclient import NotebookClient
path = Path(sys.argv[1])
NotebookClient(nbformat.read(path, as_version=4), timeout=600, kernel_name="python3",
               resources={"metadata": {"path": str(path.parent)}}).execute()
"""
# Python runs this at the start of each of its processes, the kernel among them.
WATCH = """
import sys
def watch(event, args):
    if event in ("open", "os.listdir", "os.scandir") and str(args[0]).startswith(FOLDERS):
        raise PermissionError(f"{args[0]} is in the clone, which an unpacked chapter does not have")
sys.addaudithook(watch)
"""
FOLDERS = ("book", "data", "runs", "tests", "tools", "transformer_lab")


def chapters(*numbers: str) -> list[Path]:
    """The notebooks of these chapters, or of all."""
    notebooks = sorted((ROOT / "book").glob("[0-9][0-9]-*.ipynb"))
    return [path for path in notebooks if not numbers or path.name[:2] in numbers]


def run_elsewhere(notebook: Path, wheel: Path, folder: Path) -> str:
    """Unpack the chapter's zip, install its wheel beside it and execute the notebook there; what went wrong, or ""."""
    pack(notebook, ROOT, wheel, folder / "chapter.zip")
    return run(folder / "chapter.zip", notebook.stem, folder)


def run(chapter: Path, name: str, folder: Path) -> str:
    """The same for a zip that is there."""
    with zipfile.ZipFile(chapter) as pages:
        pages.extractall(folder)
    here, installed = folder / name, folder / "installed"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(installed),
                    "--disable-pip-version-check", str(next(here.glob("*.whl")))], check=True)
    clone = tuple(f"{ROOT / name}{os.sep}" for name in FOLDERS)
    (installed / "sitecustomize.py").write_text(f"FOLDERS = {clone}{WATCH}", "utf-8")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFORMER_LAB")}
    done = subprocess.run([sys.executable, "-c", RUN, f"book/{name}.ipynb"], cwd=here, capture_output=True,
                          text=True, env=bare | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"})
    return done.stderr[-2000:] if done.returncode else ""


def main(numbers: list[str]) -> int:
    faults = 0
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(ROOT, Path(scratch) / "wheel")
        for notebook in chapters(*numbers):
            folder, start = Path(scratch) / notebook.name[:2], time.time()
            folder.mkdir()
            fault = run_elsewhere(notebook, wheel, folder)
            print(f"{notebook.stem}: {fault or 'runs'} ({time.time() - start:.0f} s)", flush=True)
            faults += bool(fault)
    return faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
