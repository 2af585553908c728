"""make mutants: plant each bug of mutants.toml in a copy of the tree, and say which test or claim sees it first.

The tests come nearest first: the mirror of the module, the tests that name it, those that reach it by imports, then
the chapters that do. What was found is kept in _build/mutants.json, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from execute import imported

ROOT = Path(__file__).resolve().parents[1]
FOUND = ROOT / "_build" / "mutants.json"
LONGEST = 1200  # seconds for one group of tests
LINKED = (".venv", "node_modules")


@dataclass(frozen=True)
class Mutant:
    """One bug: ``old`` stands once in the file, and ``new`` in its place is wrong; ``tests`` are asked first."""

    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.file}\0{self.old}\0{self.new}".encode()).hexdigest()[:16]

    def fault(self) -> str | None:
        """What is wrong with the mutant itself."""
        path = ROOT / self.file
        found = path.read_text("utf-8").count(self.old) if path.is_file() else 0
        return None if found == 1 else f"{self.file}: {found} times {self.old!r} ({self.why})"


def mutants() -> list[Mutant]:
    told = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text("utf-8"))["mutant"]
    return [Mutant(**{**one, "tests": tuple(one.get("tests", ()))}) for one in told]


def groups(mutant: Mutant) -> Iterator[list[str]]:
    """Groups of tests, the likeliest first; none is named twice."""
    seen, path = set(), Path(mutant.file)
    for group in (mutant.tests, *(javascript() if path.suffix == ".js" else python(path))):
        fresh = [name for name in group if name not in seen]
        seen.update(fresh)
        if fresh:
            yield fresh


def javascript() -> Iterator[list[str]]:
    yield ["tests/js"]
    yield ["tests/widgets"]


def python(path: Path) -> Iterator[list[str]]:
    name = re.compile(rf"\b{path.parent.name if path.stem == '__init__' else path.stem}\b")
    tests = {file: file.read_text("utf-8") for file in sorted((ROOT / "tests").rglob("test_*.py"))}
    yield [str(path), *(relative(file) for file in tests if path.stem in file.stem)]
    yield [relative(file) for file, text in tests.items() if name.search(text)]
    yield [relative(file) for file, text in tests.items() if ROOT / path in imported(text, ROOT)]
    for notebook in sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        cells = nbformat.read(notebook, as_version=4).cells
        if ROOT / path in imported("\n".join(cell.source for cell in cells if cell.cell_type == "code"), ROOT):
            yield [relative(notebook)]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def copy_tree(folder: Path) -> Path:
    """What git knows, or would add; the environment is linked."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name not in LINKED:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in LINKED:
        (folder / name).symlink_to((ROOT / name).resolve())
    return folder


def caught_by(group: list[str], copy: Path) -> str | None:
    """The first test or cell that fails, or None."""
    paths = os.pathsep.join(str(copy / place) for place in (".", "book", "book/_ext"))
    command = ([copy / ".venv/bin/node", "--test", "tests/js/*.test.js"] if group == ["tests/js"] else
               [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *group])
    try:
        done = subprocess.run(["nice", "-n", "10", *map(str, command)], cwd=copy, capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, timeout=LONGEST,
                              check=False)
    except subprocess.TimeoutExpired:
        return f"{group[0]} (did not end in {LONGEST} s)"
    if done.returncode in (0, 5):
        return None
    named = re.search(r"^\s*(?:FAILED|ERROR|not ok \d+ -|✖) (.*?)(?: - .*| \([\d.]+ms\))?$", done.stdout, re.MULTILINE)
    return named[1] if named else f"{group[0]} (rc {done.returncode})"


def hunt(mutant: Mutant, copies: queue.Queue) -> str | None:
    """Plant the mutant in a free copy, ask the groups in turn, and put the file back."""
    copy = copies.get()
    target = copy / mutant.file
    original = target.read_text("utf-8")
    try:
        target.write_text(original.replace(mutant.old, mutant.new), "utf-8")
        return next(filter(None, (caught_by(group, copy) for group in groups(mutant))), None)
    finally:
        target.write_text(original, "utf-8")
        copies.put(copy)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutants whose file begins so")
    parser.add_argument("--again", action="store_true", help="forget what was found")
    parser.add_argument("--list", action="store_true", help="only look whether each can be planted")
    options = parser.parse_args(arguments)
    chosen = [one for one in mutants() if one.file.startswith(options.only)]
    if faults := [fault for one in chosen if (fault := one.fault())]:
        print("These mutants are out of step with the tree:", *faults, sep="\n  ", file=sys.stderr)
        return 2
    if options.list:
        print(f"{len(chosen)} mutants, each in one place")
        return 0
    return run(chosen, {} if options.again or not FOUND.exists() else json.loads(FOUND.read_text("utf-8")))


def run(chosen: list[Mutant], found: dict[str, str | None]) -> int:
    waiting = [one for one in chosen if not found.get(one.key)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        copies = queue.Queue()
        for name in ("a", "b"):
            copies.put(copy_tree(Path(folder, name)))
        for one, caught in zip(waiting, pool.map(lambda one: hunt(one, copies), waiting), strict=True):
            found[one.key] = caught
            FOUND.parent.mkdir(exist_ok=True)
            FOUND.write_text(json.dumps(found, indent=1), "utf-8")
            print(f"{'caught' if caught else 'SURVIVED':9} {one.file}: {one.why}: {caught or ''}", flush=True)
    survivors = [one for one in chosen if not found[one.key]]
    print(f"{len(chosen)} mutants, {len(survivors)} survive", *(f"{one.file}: {one.why}" for one in survivors),
          sep="\n  ")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
