"""Folders of evidence: there whole or not at all, and the old one stays until the new one is whole.

What is being written lies in a sibling whose name carries the process and random letters, so that two writers never
meet. ``NAME.PID-LETTERS.part`` is half written, its manifest first. ``NAME.PID-LETTERS.old`` is what ``NAME`` held
until a moment ago: if a kill came between, it is found and put back.

What a killed writer left goes when the same folder is next written on the same machine, and nothing else that this
process did not make is ever removed. The letters end in a seal on the machine and the process, so the name proves who
made the folder; the process is no more; and nothing lies in it but what its manifest names. Where this cannot be shown
(Windows, another machine's half in a shared folder) it stays, and may be deleted by hand when nothing is being written.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from ..errors import DataError
from ..places import left_behind, sibling
from .seals import unsealed


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
        discard(half, folder)
    return folder


def unwritable(folder: Path, fault: OSError | ValueError) -> DataError:
    why = getattr(fault, "strerror", "") or fault
    return DataError(f"{folder} cannot be written: {why}. What was there is left as it was. Make room, or see to it "
                     "that this folder may be written.")


def check_writable(folder: Path) -> Path:
    """A folder that can be placed, as far as one can know before: found out before hours are spent on it."""
    probe = sibling(folder, "part")
    try:
        probe.mkdir(parents=True)
        probe.rmdir()
        sweep(folder)
        if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
            raise NotADirectoryError(20, "there is a file, or a link to nowhere, of this name")
    except (OSError, ValueError) as fault:
        raise unwritable(folder, fault) from None
    return folder


def sweep(folder: Path) -> None:
    """Remove what writers of this folder left when they were killed: halves, and the old where the new one is there."""
    for rest in left_behind(folder, "part") + (left_behind(folder, "old") if folder.exists() else []):
        discard(rest, folder)


def discard(rest: Path, folder: Path) -> None:
    """Remove a half, or what ``folder`` held before: nothing but what its manifest names, and the manifest last.

    What is removed is called a half from then on, so that none is ever put back half deleted.
    """
    with suppress(OSError):
        if {path.name for path in rest.iterdir()} <= written(rest):
            rest = rest.rename(sibling(folder, "part")) if rest.suffix == ".old" else rest
            for path in sorted(rest.iterdir(), key=lambda path: path.name == "manifest.json"):
                path.unlink()
            rest.rmdir()


def written(rest: Path) -> set[str]:
    """What a writer may have put into a folder: the files that its manifest names, and this, whole or not."""
    try:
        return {"manifest.json", *unsealed(rest / "manifest.json")["files"]}
    except (DataError, LookupError, TypeError):
        return {"manifest.json"}


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
    discard(old, folder)


def settled(folder: Path) -> Path:
    """The folder; if a writer was killed between its two renames, after what it held has been put back."""
    if not folder.exists() and folder.parent.is_dir():
        pattern = re.compile(re.escape(folder.name) + r"\.\d+-[0-9a-f]{8,16}\.old")
        for old in sorted(path for path in folder.parent.iterdir() if pattern.fullmatch(path.name)):
            try:
                old.rename(folder)
            except OSError:
                continue  # another process has put one there
            break
    return folder
