"""make work: a copy of the chapters to work in, in the folder work; made again, it is up to date and keeps answers.

What a learner has written stays: a cell that they changed, and cells that they added, are carried into the new edition
of the chapter. A cell that both have changed is kept as the learner has it, with the new one after it. How each chapter
was when it was copied lies in ``work/.copied``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = '''"""Lets the notebooks beside it import the chapters' own packages, wherever Jupyter was started."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[1] / "book" / "chapters")]
'''
BOTH = "This cell is new in the book; yours stands before it."
GONE = "## Cells of yours\n\nThe book no longer has the places of the cells below."


def bring(root: Path, folder: Path) -> list[str]:
    """Copy what is new and merge what has changed; a sentence for each chapter that is touched."""
    copied = folder / ".copied"
    copied.mkdir(parents=True, exist_ok=True)
    put(folder / "chapters.py", HOME)
    for page in sorted((root / "book").glob("*.md")):              # what the chapters link to
        put(folder / page.name, page.read_text("utf-8"))
    return list(filter(None, (one(notebook, folder) for notebook in sorted((root / "book").glob("[0-9]*.ipynb")))))


def one(notebook: Path, folder: Path) -> str:
    """Bring one chapter up to date, and say what was done."""
    old, base = there(folder, notebook.stem[3:]), there(folder / ".copied", notebook.stem[3:])
    fresh = notebook.read_text("utf-8")
    if old and base and old.name == notebook.name and base.read_text("utf-8") == fresh:
        return ""
    kept, text = 0, fresh
    if old:
        mine = json.loads(old.read_text("utf-8"))
        before = json.loads((base or notebook).read_text("utf-8"))
        new = json.loads(fresh)
        kept = merge(mine, before, new)
        text = json.dumps(new, indent=1, ensure_ascii=False) + "\n"
    put(folder / notebook.name, text)
    put(folder / ".copied" / notebook.name, fresh)
    for stale in {old, base} - {None, folder / notebook.name, folder / ".copied" / notebook.name}:
        stale.unlink()                                             # the chapter has another number now
    done = "brought up to date" if old else "copied"
    return f"{notebook.stem}: {done}{f', {kept} cells of yours kept' if kept else ''}"


def there(folder: Path, name: str) -> Path | None:
    """The chapter of this name in a folder, whatever number it had."""
    return next(iter(sorted(folder.glob(f"[0-9][0-9]-{name}.ipynb"))), None)


def merge(mine: dict, before: dict, new: dict) -> int:
    """Carry the learner's cells into the new edition, in place; how many there are."""
    originals = {cell["id"]: source(cell) for cell in before["cells"]}
    places = {cell["id"]: cell for cell in new["cells"]}
    kept, last, lost = 0, None, []
    for cell in mine["cells"]:
        known = cell["id"] in originals
        if known and source(cell) == originals[cell["id"]]:
            last = cell["id"]
            continue
        kept += 1
        if known and cell["id"] in places:
            replace(new["cells"], cell, changed=source(places[cell["id"]]) != originals[cell["id"]])
        elif not known and (last is None or last in {each["id"] for each in new["cells"]}):
            new["cells"].insert(position(new["cells"], last), cell)
        else:
            lost.append(cell)
        last = cell["id"]
    if lost:
        new["cells"] += [words(GONE, "cells-of-yours"), *lost]
    return kept


def replace(cells: list[dict], cell: dict, changed: bool) -> None:
    """The learner's cell in the place of the book's; where the book's is another one by now, that follows it."""
    at = next(i for i, each in enumerate(cells) if each["id"] == cell["id"])
    theirs, cells[at] = cells[at], cell
    if changed:
        cells[at + 1:at + 1] = [words(BOTH, f"{cell['id']}-both"), theirs | {"id": f"{cell['id']}-new"}]


def position(cells: list[dict], last: str | None) -> int:
    return next((i + 1 for i, each in enumerate(cells) if each["id"] == last), 0)


def words(text: str, name: str) -> dict:
    return {"cell_type": "markdown", "id": name[:64], "metadata": {}, "source": text}


def source(cell: dict) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def put(path: Path, text: str) -> None:
    """Write a file whole, where it is not so already."""
    if path.is_file() and path.read_text("utf-8") == text:
        return
    half = path.with_name(f"{path.name}.part")
    half.write_text(text, "utf-8")
    half.replace(path)


def main() -> None:
    folder = ROOT / "work"
    try:
        done = bring(ROOT, folder)
    except (json.JSONDecodeError, KeyError, TypeError):
        sys.exit("Transformer Lab: a notebook in work cannot be read; move it elsewhere and run `make work` again.")
    print("\n".join(done) or "The notebooks in work are those of the book, with what you have written.")


if __name__ == "__main__":
    main()
