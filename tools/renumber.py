"""make renumber: number the chapters by their order, and rewrite every file and reference that carries a number.

The order is that of ``_toc.yml`` and ``book/parts.json``, which has the chapters to come as well; the first is 00. A
new chapter is begun under any free number (``make chapter``), put where it belongs in both files, and renumbered.
Renamed are its notebook, its package ``chapters/chNN``, its tests and its claims; rewritten are links to it, the name
of its package in code and text, and "chapter 7" in text. What is named by a slug (figures, equations, claims, studies)
has no number and stays; so do the names of streams of random numbers, and those under which a browser keeps a guess.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = re.compile(r"(?<![\w-])\d\d-[a-z0-9]+(?:-[a-z0-9]+)*")       # 07-learning-honestly
PACKAGE = re.compile(r"\bch(\d\d)\b(?!-)")                            # chapters.ch07, but no id "ch07-order"
WORDS = re.compile(r"""(?<![^"]["'])\b([Cc]hapter )(\d{1,2})\b""")   # chapter 7, but no stream "chapter 7"
MANY = re.compile(r"\b[Cc]hapters \d.*")                              # several at once: a person has to look


class Refused(Exception):
    """Why nothing was renumbered, in one sentence."""


def new_names(root: Path) -> dict[str, str]:
    """The name of each chapter, to come or written, and the one that its place gives it."""
    parts = json.loads((root / "book" / "parts.json").read_text("utf-8"))
    order = [entry["document"].removeprefix("book/") for part in parts for entry in part["chapters"]]
    written = re.findall(r"file:\s*book/(\d\d-[\w-]+)", (root / "_toc.yml").read_text("utf-8"))
    for name in written:
        if name not in order:
            raise Refused(f"_toc.yml has {name}, and book/parts.json does not plan it: add it there, where it belongs.")
    planned = [name for name in order if name in written]
    if one := next((pair for pair in zip(written, planned, strict=True) if len(set(pair)) > 1), None):
        raise Refused(f"_toc.yml has {one[0]} where book/parts.json has {one[1]}: bring both into one order.")
    if twins := [name for name in written if sum(other[:2] == name[:2] for other in written) > 1]:
        raise Refused(f"{' and '.join(twins)} have one number, so no one can tell whose references are whose: give one "
                      "of them a free number.")
    return {name: f"{place:02}{name[2:]}" for place, name in enumerate(order)}


def numbers_of(names: dict[str, str], root: Path) -> dict[str, str]:
    """New numbers by old; where a chapter to come has the number of a written one, the written one is meant."""
    by_claim = sorted(names, key=lambda name: (root / "book" / f"{name}.ipynb").exists())
    return {name[:2]: names[name][:2] for name in by_claim}


def line_rewriter(numbers: dict[str, str]) -> Callable[[str], str]:
    """A function that renumbers packages and words in a line."""
    def package(match):
        return f"ch{numbers.get(match[1], match[1])}"

    def words(match):
        new = numbers.get(match[2].zfill(2), match[2])
        return match[1] + (new if match[2].startswith("0") else str(int(new)))

    def rewritten(line):
        line = PACKAGE.sub(package, line)
        return line if "generator(" in line else WORDS.sub(words, line)
    return rewritten


def rewritten(path: Path, names: dict[str, str], one_line: Callable[[str], str]) -> str:
    """The text of a file with its references renumbered; of a notebook's outputs only links change."""
    text = NAME.sub(lambda match: names.get(match[0], match[0]), path.read_text("utf-8"))
    if path.suffix != ".ipynb":
        return "".join(map(one_line, text.splitlines(keepends=True)))
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["source"] = list(map(one_line, "".join(cell["source"]).splitlines(keepends=True)))
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def texts(root: Path) -> list[Path]:
    """The tracked files that may speak of chapters: all text but data and locks."""
    found = git(root, "ls-files", "-z").split("\0")
    paths = [root / name for name in found if name and not name.startswith("data/") and "lock" not in name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def moves(names: dict[str, str], root: Path) -> list[tuple[str, str]]:
    """What is renamed: pairs of paths, those that exist."""
    pairs = []
    for old, new in names.items():
        if (root / "book" / f"{old}.ipynb").exists() and old != new:
            pairs += [(form.format(old), form.format(new)) for form in ("book/{}.ipynb", "data/claims/{}.json")]
            pairs += [(f"{home}/ch{old[:2]}", f"{home}/ch{new[:2]}") for home in ("book/chapters", "tests/chapters")]
    return [pair for pair in pairs if (root / pair[0]).exists()]


def move(root: Path, pairs: list[tuple[str, str]]) -> None:
    """Rename all at once: two chapters may change places."""
    for old, _ in pairs:
        git(root, "mv", old, f"{old}.moving")
    for old, new in pairs:
        git(root, "mv", f"{old}.moving", new)


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True).stdout


def renumber(root: Path, dry_run: bool) -> list[str]:
    """Renumber, or only tell; what is left for a person to look at comes back."""
    if not dry_run and git(root, "status", "--porcelain").strip():
        raise Refused("There are changes that are not committed: commit or stash them first, so that `git diff` shows "
                      "what was renumbered and nothing else.")
    names = new_names(root)
    one_line, pairs = line_rewriter(numbers_of(names, root)), moves(names, root)
    if all(old == new for old, new in names.items()):
        print("The chapters stand in order; there is nothing to renumber.")
        return []
    files = texts(root)
    changed = {path: text for path in files if (text := rewritten(path, names, one_line)) != path.read_text("utf-8")}
    left = [f"{path.relative_to(root)}:{number}: {found[0].strip()}" for path in files if path.suffix != ".ipynb"
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if (found := MANY.search(line))]
    for old, new in pairs:
        print(f"{old} -> {new}")
    print(f"{len(changed)} files {'would be' if dry_run else 'were'} rewritten.")
    if not dry_run:
        for path, text in changed.items():
            path.write_text(text, "utf-8")
        move(root, pairs)
    return left


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make renumber", description=__doc__.splitlines()[0])
    parser.add_argument("--dry-run", action="store_true", help="say what would be renamed, and change nothing")
    try:
        left = renumber(root, dry_run := parser.parse_args(arguments).dry_run)
    except Refused as why:
        print(why, file=sys.stderr)
        return 2
    if left:
        print("\nSeveral chapters are named at once here; look at them yourself:", *left, sep="\n  ")
    if left and not dry_run:
        print("\nThen `make execute` runs the chapters whose code was renamed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
