"""make online: the cell that fetches the book on Colab, in every chapter, from lab_repository in _config.yml.

Where the setting is empty the cell is taken out. ``make execute`` afterwards: the code of the chapters has changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from lab_site.online import CELL, first_cell  # noqa: E402 - found in the folder above


def placed(notebook: dict, repository: str) -> dict:
    """The notebook with the cell behind its title, or without it where there is no address."""
    cells = [cell for cell in notebook["cells"] if cell["id"] != CELL]
    return notebook | {"cells": [*cells[:1], *([first_cell(repository)] if repository else []), *cells[1:]]}


def main(root: Path = ROOT) -> None:
    settings = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    repository = settings["sphinx"]["config"].get("lab_repository", "")
    for path in sorted((root / "book").glob("[0-9]*.ipynb")):
        try:
            made = placed(json.loads(path.read_text("utf-8")), repository)
        except ValueError as fault:
            sys.exit(f"Transformer Lab: {fault}")
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print("The chapters fetch the book on Colab." if repository else "No address is set; the chapters fetch nothing.")


if __name__ == "__main__":
    main()
