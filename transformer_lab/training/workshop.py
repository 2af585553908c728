"""The workshop of a run, ``NAME.training`` beside its record: where it trains until the record is whole.

It holds a lock, the name of the process that holds it, and a ``mark``: random letters, which stand in the name of
everything that the run makes there. What does not carry them is never touched; a folder of this name without a mark is
somebody else's, and refused.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import DataError
from ..places import sibling
from .folders import check_writable, unwritable

FIXTURES = {"lock", "owner", "mark"}


@dataclass(frozen=True)
class Workshop:
    """The folder, and the letters that are in the name of all that was made in it."""

    place: Path
    mark: str

    def path(self, name: str) -> Path:
        return self.place / f"{name}.{self.mark}"

    def checkpoints(self) -> list[Path]:
        """The checkpoints of the run, oldest first."""
        return sorted(self.place.glob(f"at-*.{self.mark}"))

    def tidy(self, but: Path | None = None) -> None:
        """Remove what the run no longer needs, and what it left half written when it was killed.

        Each is first renamed, so that none is ever seen half deleted.
        """
        for path in list(self.place.iterdir()):
            if self.mark in path.name and path != but:
                shutil.rmtree(path if path.suffix == ".part" else path.rename(sibling(path, "part")))


def workshop_of(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.training"


@contextmanager
def owned(folder: Path):
    """The workshop of a run, held against all other processes; it goes as soon as the record is there."""
    place = workshop_of(check_writable(folder))
    lock = locked(place, folder)
    try:
        yield (workshop := Workshop(place, letters(place)))
    finally:
        if folder.exists():
            workshop.tidy()
            if {path.name for path in place.iterdir()} <= FIXTURES:
                for name in ("owner", "mark", "lock"):
                    (place / name).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # there is something in it that is not ours, or a checkpoint to go on with
            place.rmdir()


def locked(place: Path, folder: Path) -> FileLock:
    """The lock in the workshop, with the mark and the name of this process beside it."""
    lock = FileLock(place / "lock", timeout=0)
    for _ in range(100):
        try:
            place.mkdir(parents=True, exist_ok=True)
            check_ours(place)
            lock.acquire()
            if not letters(place):
                (place / "mark").write_bytes(secrets.token_hex(8).encode())
            (place / "owner").write_text(f"process {os.getpid()} on {platform.node()}, since {time.ctime()}\n")
            return lock
        except Timeout:
            raise DataError(f"{folder} is being trained by {owner(place)}. Wait until it is done, or choose another "
                            "folder.") from None
        except FileNotFoundError:  # another process has just done with it
            lock.release()
        except OSError as fault:
            lock.release()
            raise unwritable(folder, fault) from None
    raise unwritable(folder, FileNotFoundError(2, f"{place} is removed again and again"))


def check_ours(place: Path) -> None:
    """A workshop that a run made: with a mark, or so new that it has none yet."""
    for path in () if letters(place) else place.iterdir():
        if path.name not in ("lock", "mark") or not path.is_file() or path.stat().st_size:
            raise DataError(f"{place} is where this run would keep its checkpoints, and no run made what is in it. "
                            "Move it elsewhere, or choose another folder for the run.")


def letters(place: Path) -> str:
    """What the mark says; nothing where there is none, or none of ours."""
    with suppress(OSError, ValueError):
        if (mark := place / "mark").stat().st_size == 16 and re.fullmatch("[0-9a-f]{16}", found := mark.read_text()):
            return found
    return ""


def owner(place: Path) -> str:
    with suppress(OSError):
        return (place / "owner").read_text("utf-8").strip() or "another process"
    return "another process"
