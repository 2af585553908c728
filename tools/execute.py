"""make execute: run the chapters that changed, and write them back with the same bytes each time.

A chapter has changed when its code, a source of the package that its code imports, or a record
that it read differs from what its committed outputs were made with. Each runs in a fresh kernel; its
claims go to a fresh ledger file. A chapter is replaced only when all of it ran.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "transformer_lab"
#: The packages whose sources count, and the folders that they lie in.
HOMES = {PACKAGE: ".", "chapters": "book"}
WIDGET = "application/vnd.jupyter.widget-view+json"

rule = importlib.util.spec_from_file_location("folding", ROOT / "book" / "_ext" / "lab_site" / "folding.py")
folding = importlib.util.module_from_spec(rule)
rule.loader.exec_module(folding)


def cells_hash(notebook) -> str:
    """A hash of the code of the notebook, in order."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()


def sources_hash(notebook, root: Path = ROOT) -> str:
    """A hash of the package's files that the code imports, directly or not."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    files = sorted(imported(code, root) | {root / PACKAGE / "theme.json"})
    content = b"".join(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes() for file in files)
    return hashlib.sha256(content).hexdigest()


def imported(code: str, root: Path) -> set[Path]:
    """The package's source files that this code reaches by imports."""
    found, waiting = set(), [(code, None)]
    while waiting:
        source, home = waiting.pop()
        for name in module_names(source, home):
            for file in module_files(name, root):
                if file not in found:
                    found.add(file)
                    waiting.append((file.read_text("utf-8"), file.relative_to(root / HOMES[name.partition('.')[0]])))
    return found


def module_names(source: str, home: Path | None):
    """Absolute names of what a source imports from the package; relative imports are counted from ``home``."""
    parts = [] if home is None else list(home.with_suffix("").parts)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parts[: len(parts) - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_files(name: str, root: Path):
    """The files that importing this name runs: its own, and the ``__init__`` of each package above."""
    parts = name.split(".")
    if parts[0] not in HOMES:
        return
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(HOMES[parts[0]], *parts[:depth])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())


def records_read(listed: Path, root: Path) -> dict[str, str]:
    """The manifests of shipped evidence that a chapter's code read, however it named them, each with its sha256.

    The package writes down what it reads (:func:`transformer_lab.training.seals.noted`).
    """
    data = (root / "data").resolve()
    paths = {Path(line) for line in listed.read_text("utf-8").splitlines()} if listed.exists() else set()
    return {path.relative_to(data.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(paths) if path.is_relative_to(data)}


def same_records(made_with: dict, root: Path) -> bool:
    """Whether the evidence that was read is there as it was."""
    files = {root / name: seal for name, seal in made_with.items()}
    return all(file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == seal for file, seal in files.items())


def changed(notebook, root: Path = ROOT) -> bool:
    """Whether the committed outputs were made with other code, other sources or other records."""
    made_with = notebook.metadata.get(PACKAGE, {})
    return (made_with.get("cells") != cells_hash(notebook) or made_with.get("sources") != sources_hash(notebook)
            or not same_records(made_with.get("records", {}), root))


class Stopped(Exception):
    """A chapter did not run to its end; the message names the cell and the error."""


def run(path: Path, notebook, root: Path) -> None:
    """Execute one chapter, and replace it and its ledger; both stay as they were where a cell fails."""
    ledgers, build = root / "data" / "claims", root / "_build"
    ledgers.mkdir(parents=True, exist_ok=True), build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:  # on the same disk, so that replacing is one step
        fresh, ledger = Path(scratch, f"{path.stem}.json"), ledgers / f"{path.stem}.json"
        execute(notebook, path.parent, {"TRANSFORMER_LAB_LEDGER": str(fresh), "OMP_NUM_THREADS": "1",
                                        "TRANSFORMER_LAB_READS": str(read := Path(scratch, "read"))})
        tidy(notebook, records_read(read, root))
        replace(path, nbformat.writes(notebook).rstrip("\n") + "\n")
        if fresh.exists():
            fresh.replace(ledger)
        else:
            ledger.unlink(missing_ok=True)


def execute(notebook, folder: Path, environment: dict[str, str]) -> None:
    """Run all cells in a fresh kernel, whose working directory is ``folder``."""
    from nbclient import NotebookClient

    os.environ.update(environment)
    begun = []
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False, coalesce_streams=True,
                            store_widget_state=False, extra_arguments=["--log-level=40"],
                            resources={"metadata": {"path": str(folder)}},
                            on_cell_execute=lambda cell, cell_index: begun.append(cell.id))
    try:
        client.execute()
    except Exception as fault:
        words = re.sub(r"\x1b\[[0-9;]*m", "", getattr(fault, "evalue", str(fault))).strip().splitlines() or [""]
        name = getattr(fault, "ename", type(fault).__name__)
        raise Stopped(f"in cell '{begun[-1] if begun else '?'}' with {name}: {words[0]}") from None


def tidy(notebook, records: dict[str, str]) -> None:
    """Leave nothing in the notebook that differs from run to run, and note what it was made with."""
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        PACKAGE: {"cells": cells_hash(notebook), "sources": sources_hash(notebook), "records": records},
    })
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                tidy_output(output, count)


def tidy_output(output, count: int) -> None:
    if output.output_type == "execute_result":
        output.execution_count = count
    if "text/html" in output.get("data", {}):
        output.data.pop(WIDGET, None)  # its model id is random, and stale when the notebook is opened again


def replace(path: Path, text: str) -> None:
    half = path.with_suffix(".part")
    half.write_text(text, "utf-8")
    half.replace(path)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make execute", description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="numbers or names of chapters; without any, those that changed")
    parser.add_argument("--all", action="store_true", help="run every chapter")
    options = parser.parse_args(arguments)
    paths = sorted((root / "book").glob("[0-9]*.ipynb"))
    unknown = [name for name in options.chapters if not any(path.stem.startswith(name) for path in paths)]
    if unknown:
        known = ", ".join(path.stem for path in paths)
        print(f"No chapter's name begins with {unknown[0]!r}; there are: {known}.", file=sys.stderr)
        return 2
    named = [path for path in paths if path.stem.startswith(tuple(options.chapters))] if options.chapters else []
    good = [bring_up_to_date(path, root, force=options.all or path in named) for path in named or paths]
    return 0 if all(good) else 1


def fold(path: Path) -> None:
    """Fold in JupyterLab the code that the page folds, by the same rule; the file is written where that changes it."""
    before = path.read_text("utf-8")
    notebook = nbformat.reads(before, as_version=4)
    folding.hide_sources(notebook)
    after = nbformat.writes(notebook).rstrip("\n") + "\n"
    if after != before:
        replace(path, after)


def bring_up_to_date(path: Path, root: Path, force: bool) -> bool:
    """Run the chapter if it has to be run, and say what happened; False where it stopped."""
    try:
        notebook = nbformat.read(path, as_version=4)
        must = force or changed(notebook, root)
        if must:
            run(path, notebook, root)
        fold(path)
        print(f"{path.stem}: {'run' if must else 'up to date'}")
        return True
    except Exception as fault:
        first = str(fault).splitlines()[0].rstrip(".")
        words = first if isinstance(fault, Stopped) else f"with {type(fault).__name__}: {first}"
        print(f"{path.stem} stopped {words}. Nothing was replaced.", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(main())
