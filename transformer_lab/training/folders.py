"""Folders of evidence: there whole or not at all, and the old one stays until the new one is whole.

What is being written lies in a sibling whose name carries the process and random letters, so that two writers never
meet. ``NAME.PID-RANDOM.part`` is half written, its manifest first: what a killed writer left of it goes after a day,
and nothing else that this process did not make is ever removed. ``NAME.PID-RANDOM.old`` is what ``NAME`` held until a
moment ago: if a kill came between, it is found and put back.
"""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ..errors import DataError
from ..places import sibling
from .seals import unsealed

DAY = 24 * 60 * 60  # seconds: no writer takes as long


def place(folder: Path, contents: dict[str, bytes], *, replace: bool = False) -> Path:
    """Write files into a new ``folder``, or into one that takes the place of the old.

    Raises
    ------
    DataError
        If there is such a folder already and ``replace`` is False, or if it cannot be written. Either way, what was
        there is left as it was.
    """
    half = sibling(folder, "part")
    try:
        half.mkdir(parents=True)
        sweep(folder)
        for name in sorted(contents, key="manifest.json".__ne__):
            (half / name).write_bytes(contents[name])
        if replace:
            swap(half, folder)
        elif folder.exists():
            raise DataError(f"{folder} exists already, and no record is overwritten. Choose another name or delete it.")
        else:
            half.rename(folder)
    except OSError as fault:
        raise unwritable(folder, fault) from None
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


def unwritable(folder: Path, fault: OSError) -> DataError:
    return DataError(f"{folder} cannot be written: {fault.strerror or fault}. What was there is left as it was. Make "
                     "room, or see to it that this folder may be written.")


def check_writable(folder: Path) -> Path:
    """A folder that can be placed, as far as one can know before: found out before hours are spent on it."""
    probe = sibling(folder, "part")
    try:
        probe.mkdir(parents=True)
        probe.rmdir()
        sweep(folder)
        if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
            raise NotADirectoryError(20, "there is a file, or a link to nowhere, of this name")
    except OSError as fault:
        raise unwritable(folder, fault) from None
    return folder


def sweep(folder: Path) -> None:
    """Remove what writers of this folder left half written when they were killed, a day ago or more."""
    pattern = re.compile(re.escape(folder.name) + r"\.\d+-[0-9a-f]{8}\.part")
    for half in [path for path in folder.parent.iterdir() if pattern.fullmatch(path.name)]:
        with suppress(OSError):
            if time.time() - half.stat().st_mtime > DAY and {path.name for path in half.iterdir()} <= written(half):
                shutil.rmtree(half)


def written(half: Path) -> set[str]:
    """What a writer may have put into a folder: the files that its manifest names, and this."""
    try:
        return {"manifest.json", *unsealed(half / "manifest.json")["files"]}
    except (DataError, LookupError, TypeError):
        return set()


def swap(half: Path, folder: Path) -> None:
    """``half`` takes the place of ``folder``. Another process may do the same at this moment: the last one stays."""
    for _ in range(10):
        old = sibling(folder, "old")
        if folder.is_dir():
            folder.rename(old)
        try:
            half.rename(folder)
            break
        except OSError as fault:
            last = fault
            settled(folder)  # puts the old one back, unless somebody else was quicker
    else:
        raise last
    shutil.rmtree(old, ignore_errors=True)


def settled(folder: Path) -> Path:
    """The folder; if a writer was killed between its two renames, after what it held has been put back."""
    if not folder.exists() and folder.parent.is_dir():
        pattern = re.compile(re.escape(folder.name) + r"\.\d+-[0-9a-f]{8}\.old")
        for old in sorted(path for path in folder.parent.iterdir() if pattern.fullmatch(path.name)):
            try:
                old.rename(folder)
            except OSError:
                continue  # another process has put one there
            break
    return folder
