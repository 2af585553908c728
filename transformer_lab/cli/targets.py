"""Where a command writes: named by the reader, looked at before anything is computed, and typed so that it works."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..errors import DataError
from ..places import sibling

__all__ = ["made", "placed", "target", "typed"]


def target(name: str) -> Path:
    """The folder that a reader names for a run."""
    if not Path(name).name:
        raise DataError(f"--to {name!r} is no folder for a run. Give it a name of its own, such as runs/mine.")
    return Path(name)


def typed(folder: Path) -> str:
    """A folder as one types it after a command: quoted, and never taken for an option.

    >>> typed(Path("-x")), typed(Path("a b"))
    ('./-x', "'a b'")
    """
    return shlex.quote(f"./{folder}" if str(folder).startswith("-") else str(folder))


def made(folder: Path) -> Path:
    """The folder, which is there from now on, and in which one may write."""
    probe = sibling(folder / "probe", "part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise DataError(f"{folder} cannot be written into: {fault.strerror or fault}. Choose another with --to."
                        ) from None
    return folder


def placed(file: Path) -> Path:
    """A file that can be written: its folder is there from now on."""
    if file.is_dir() or not file.name:
        raise DataError(f"--to {str(file)!r} is a folder. Name a file in it.")
    return made(file.parent) / file.name
