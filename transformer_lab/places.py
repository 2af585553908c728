"""Where things lie: shipped records, and what the reader trains; the same places whatever the working folder is."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ArgumentError, DataError
from .rules import Choice
from .signatures import checked
from .wording import check_name

__all__ = ["home", "runs", "shipped", "sibling", "written_whole"]


def home() -> Path:
    """The folder of ``data`` and ``runs``: the first of these that there is.

    What the environment variable ``TRANSFORMER_LAB_HOME`` names; the clone that this package is imported from; the
    folder of an unpacked chapter in which, or below which, one works; else the working folder, which ships nothing.

    >>> (home() / "data").is_dir()
    True
    """
    if named := os.environ.get("TRANSFORMER_LAB_HOME"):
        return Path(named)
    here = Path.cwd()
    around = (Path(__file__).resolve().parents[1], here, *here.parents)
    return next((folder for folder in around if _is_home(folder)), here)


def _is_home(folder: Path) -> bool:
    return (folder / "data").is_dir() and (folder / "book" / "chapters").is_dir()


@checked
def shipped(*names: str) -> Path:
    """A folder of the shipped evidence.

    >>> shipped("digits", "digits-0").parts[-3:]
    ('data', 'digits', 'digits-0')
    """
    return below(home() / "data", names)


@checked
def runs(*names: str) -> Path:
    """A folder for runs that are trained here; nothing in it is shipped.

    >>> runs("lengths-0").parts[-2:]
    ('runs', 'lengths-0')
    """
    return below(home() / "runs", names)


def below(folder: Path, names: tuple[str, ...]) -> Path:
    """A place in a folder; what leads out of it is refused: a name that someone else chose may be written to."""
    place = folder.joinpath(*(check_name("names", name) for name in names))
    if not place.is_relative_to(folder) or ".." in place.relative_to(folder).parts:
        raise ArgumentError("names", repr("/".join(names))[:80], f"a place in {folder.name}", "Leave .. and / out.")
    return place


@checked
def sibling(path: Path, kind: Choice(("part", "old"))) -> Path:
    """A name beside ``path`` that no other process uses: its process, random letters, and a seal on both.

    >>> sibling(Path("runs") / "digits-0", "part").parent.name
    'runs'
    """
    if not path.name:
        raise ArgumentError("path", repr(str(path)), "a path with a name", "Name a file or a folder.")
    pid, letters = os.getpid(), secrets.token_hex(4)
    return path.with_name(f"{path.name}.{pid}-{letters}{seal(pid, letters)}.{kind}")


def seal(pid: int, letters: str) -> str:
    """What shows that a name was given on this machine: in containers of one machine, processes are counted apart."""
    space = Path("/proc/self/ns/pid")
    machine = f"{platform.node()} {space.stat().st_ino if space.exists() else ''}"
    return hashlib.sha256(f"{machine} {pid} {letters}".encode()).hexdigest()[:8]


def left_behind(path: Path, kind: str) -> list[Path]:
    """Siblings of ``path`` whose name was given on this machine by a process that is no more."""
    pattern = re.compile(re.escape(path.name) + rf"\.(\d{{1,9}})-([0-9a-f]{{8}})([0-9a-f]{{8}})\.{kind}")
    found = [(each, *match.groups()) for each in path.parent.iterdir() if (match := pattern.fullmatch(each.name))]
    return [each for each, pid, letters, sealed in found if sealed == seal(int(pid), letters) and ended(int(pid))]


def ended(pid: int) -> bool:
    """Whether there is no such process any more; where one cannot ask without harm, no."""
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@checked
@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write what shall stand at ``path``: it goes there when the block ends well, and not at all otherwise.

    Raises DataError where it cannot be written; what was there is left as it was. What a killed process of this
    machine left half written for ``path`` goes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder) / "note.txt") as half:
    ...         written = half.write_text("all of it")
    ...     [each.name for each in Path(folder).iterdir()]
    ['note.txt']
    """
    half = sibling(path, "part")
    try:
        yield half
        os.replace(half, path)
    except OSError as fault:
        raise DataError(f"{path} cannot be written: {fault.strerror or fault}. Choose another place.") from None
    finally:
        with suppress(OSError):
            for each in (half, *left_behind(path, "part")):
                each.unlink(missing_ok=True)
