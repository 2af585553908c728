"""A chapter to take away: a zip of its notebook, its own package, the records that it reads, the wheel and a README.

The zip is laid out like the clone (``book/``, ``data/``), so that everything is found from the same places. It is made
anew with the same bytes: the files in order, their dates fixed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

__all__ = ["build_wheel", "contents", "finish", "is_clone", "pack"]

DATE = (1980, 1, 1, 0, 0, 0)
README = """Transformer Lab, {name}: one chapter to run and change (Python 3.11 or newer).
Install, in this folder:  python -m pip install "./{wheel}[book]"
Start:  python -m jupyterlab book/{name}.ipynb
"""


def finish(app, exception) -> None:
    """Write a zip for each chapter of the clone into ``_downloads``."""
    root = Path(app.srcdir)
    if exception is not None or app.builder.format != "html" or not is_clone(root):
        return
    out, wheel = Path(app.outdir) / "_downloads", build_wheel(root, Path(app.outdir).parent / "wheel")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for document in sorted(app.env.found_docs):
        if (notebook := root / f"{document}.ipynb").is_file():
            pack(notebook, root, wheel, out / f"{notebook.stem}.zip")


def is_clone(root: Path) -> bool:
    """Whether this is the book's own clone, with the package to build a wheel of."""
    return (root / "pyproject.toml").is_file() and (root / "transformer_lab").is_dir()


def pack(notebook: Path, root: Path, wheel: Path, target: Path) -> None:
    """Write the zip of one chapter."""
    name = notebook.stem
    files = {str(file.relative_to(root)): file.read_bytes() for file in contents(notebook, root)}
    files |= {wheel.name: wheel.read_bytes(), "README.txt": README.format(name=name, wheel=wheel.name).encode()}
    with zipfile.ZipFile(target, "w") as pages:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{name}/{path}", DATE)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            pages.writestr(entry, files[path])


def contents(notebook: Path, root: Path) -> list[Path]:
    """The notebook, the chapters' packages that it imports, and the families of records that either of them names."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    chapters, names = root / "book" / "chapters", set(re.findall(r"chapters(?:\.| import )(ch\d\d)", text))
    sources = [chapters / "__init__.py", *(file for name in sorted(names) for file in (chapters / name).rglob("*.py"))]
    text += "\n".join(file.read_text("utf-8") for file in sources)
    data, studies = root / "data", root / "data" / "studies"
    families = [folder for folder in (*sorted(data.iterdir()), *sorted(studies.iterdir())) if folder != studies
                and folder.is_dir() and re.search(rf'["/]{re.escape(folder.name)}["/]', text)]
    records = [file for folder in families for file in folder.rglob("*") if file.is_file()]
    return [notebook, *sources, *records]


def build_wheel(root: Path, store: Path) -> Path:
    """The package as a wheel, kept in ``store`` until a file of the package changes."""
    package = [file for file in sorted((root / "transformer_lab").rglob("*"))
               if file.is_file() and "__pycache__" not in file.parts]
    files = [*package, *(root / name for name in ("pyproject.toml", "README.md", "LICENSE"))]
    digest = hashlib.sha256(b"\0".join(str(file.relative_to(root)).encode() + file.read_bytes() for file in files))
    kept = store / digest.hexdigest()[:16]
    if not kept.is_dir():
        shutil.rmtree(store, ignore_errors=True)
        with tempfile.TemporaryDirectory() as scratch:
            _build(files, root, Path(scratch, "source"), Path(scratch, "wheel"))
            shutil.copytree(Path(scratch, "wheel"), kept)
    return next(kept.glob("*.whl"))


def _build(files: list[Path], root: Path, source: Path, target: Path) -> None:
    """Build from a copy, so that nothing is left in the clone; fixed dates make the same bytes."""
    for file in files:
        copy = source / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation",
               "--disable-pip-version-check", "-w", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"SOURCE_DATE_EPOCH": "315532800"})
    if done.returncode:
        raise RuntimeError(f"The package's wheel could not be built: {done.stderr.strip()[-500:]}")
