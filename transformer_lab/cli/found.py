"""Where runs lie, what they are called, and how one is found by its name."""

from __future__ import annotations

import os
from pathlib import Path

from .. import places
from ..analysis.digit_model import DigitModel, load
from ..errors import DataError
from ..training import Record
from ..training.seals import readable


def homes() -> list[Path]:
    """Where runs lie: those that were trained here, and those that the book ships."""
    return [near(places.runs()), near(places.shipped("digits"))]


def near(path: Path) -> Path:
    """The path from the working folder on, where that is shorter."""
    return min(Path(os.path.relpath(path)), path, key=lambda each: len(str(each)))


def kept(folders) -> list[Path]:
    """The folders that look like runs."""
    found = []
    for folder in folders:
        with readable(folder):
            found += sorted(path for path in folder.iterdir() if is_run(path)) if folder.is_dir() else []
    return found


def is_run(path: Path) -> bool:
    """Whether there is a manifest, or nobody may look."""
    try:
        return (path / "manifest.json").exists()
    except OSError:
        return True


def called(path: Path) -> str:
    """What to type for a run: its name where that is enough, or else its path."""
    return path.name if candidates(path.name)[:1] == [path] else str(path)


def candidates(name: str) -> list[Path]:
    with readable(Path(name)):
        return [folder for folder in (Path(name), *(home / name for home in homes())) if folder.is_dir()]


def opened(name: str) -> tuple[DigitModel, Record]:
    """A run by its path, or by a name in ``runs`` or among what the book ships."""
    return learned(*load(found_folder(name)))


def learned(found, record: Record) -> tuple:
    """A run or a model with its record, if the training came to its end: one that met NaN has no answers."""
    if stopped := record.manifest["stopped"]:
        raise DataError(f"{record.path.name} never learned, and has no answers. {stopped}")
    return found, record


def found_folder(name: str) -> Path:
    """The folder of a run."""
    if not (folders := candidates(name)):
        known = [called(path) for path in kept(homes())]
        if not known:
            raise DataError(f"There is no run {name!r}, and none at all yet. Make one: transformer-lab train digits")
        raise DataError(f"There is no run {name!r}. There are: {', '.join(known)}.")
    return folders[0]
