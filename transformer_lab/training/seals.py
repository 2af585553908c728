"""Checksums: every byte of a record is vouched for, and whatever is wrong becomes one sentence."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path

import safetensors

from ..checks import check_type
from ..errors import DataError, DtypeError, LabError
from ..rules import By, Is
from ..wording import check_name

LARGEST, LARGEST_MANIFEST = 1 << 30, 1 << 20  # bytes that are ever read of one file
PATH = By(lambda argument, value: Path(check_name(argument, os.fspath(ANY_PATH(argument, value)))))
ANY_PATH = Is((str, os.PathLike), "a path", "Pass a str or a pathlib.Path.")
REMEDY = "Copy the record again from where it came, or train the run again."


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def dumped(values: dict) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def check_plain(argument: str, value) -> dict:
    """A dict that JSON can hold."""
    try:
        dumped(check_type(argument, value, dict))
    except LabError:
        raise
    except (TypeError, ValueError, RecursionError) as fault:
        raise DtypeError(argument, f"what JSON cannot hold ({fault})"[:120], "a dict of text, finite numbers, truth "
                         "values, None, and lists and dicts of these, with text as names", "Convert it.") from None
    for name in value:
        check_type(f"a name in {argument}", name, str)
    return value


PLAIN = By(check_plain)


def seals(contents: dict[str, bytes]) -> dict[str, dict]:
    """What vouches for each file."""
    return {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in contents.items()}


def parsed(data: bytes):
    """What JSON text holds; an entry that comes twice is refused, for nobody could say which counts."""
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("an entry comes twice")
        return dict(pairs)

    def refused(name):
        raise ValueError(f"{name} is no number of JSON")

    return json.loads(data, object_pairs_hook=once, parse_constant=refused)


def sealed(values: dict) -> bytes:
    """JSON that carries the sha256 of its other entries."""
    return dumped(values | {"sha256": sha256(dumped(values))})


def unsealed(path: Path) -> dict:
    """The entries of a sealed JSON file, its own checksum included."""
    data = existing(path, LARGEST_MANIFEST)
    with understood(path):
        values = parsed(data)
        if sealed({name: value for name, value in values.items() if name != "sha256"}) != data:
            raise DataError(f"{path} is damaged: its own checksum does not fit it. {remedy(data)}")
    return values


def vouched(path: Path, seal: dict) -> bytes:
    """The bytes of a file, if they are the ones that the manifest vouches for."""
    data = existing(path)
    if len(data) != seal["bytes"]:
        raise DataError(f"{path} is damaged: it has {len(data)} bytes, and the manifest says {seal['bytes']}. "
                        f"{remedy(data, seal['sha256'])}")
    if sha256(data) != seal["sha256"]:
        raise DataError(f"{path} is damaged: its sha256 is not the manifest's. {REMEDY}")
    return data


def remedy(data: bytes, wanted: str = "") -> str:
    """What to do about damaged bytes: Git may have changed the line ends of a text."""
    plain = data.replace(b"\r\n", b"\n")
    if plain != data and wanted in ("", sha256(plain)):
        return "Its line ends were changed. In a clone: git config core.autocrlf false, then check it out again."
    return REMEDY


def existing(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of an ordinary file of a bearable size: a pipe or a device would never end, so one looks first."""
    with readable(path):
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path} cannot be read: it is no ordinary file. {REMEDY}")
        if found.st_size > most:
            raise DataError(f"{path} is damaged: {found.st_size:,} bytes are too many. {REMEDY}")
        return path.read_bytes()


@contextmanager
def readable(path: Path):
    """Whatever the disk has against reading ``path`` becomes one sentence."""
    try:
        yield
    except (OSError, ValueError) as fault:
        missing = getattr(fault, "strerror", "") or "no file can have this name"
        if isinstance(fault, FileNotFoundError):
            missing = "there is no such file"
        raise DataError(f"{path} cannot be read: {missing}. A run record is a folder with a manifest.json; "
                        "check the name.") from None


def noted(manifest: Path) -> None:
    """Add a manifest to the list of what was read, if the environment variable ``TRANSFORMER_LAB_READS`` names one."""
    if name := os.environ.get("TRANSFORMER_LAB_READS"):
        with open(name, "a", encoding="utf-8") as listed:
            listed.write(f"{manifest.resolve()}\n")


@contextmanager
def understood(path: Path):
    """Whatever a parser has against the content of ``path`` becomes one sentence."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, csv.Error,
            safetensors.SafetensorError) as fault:
        raise DataError(f"{path} does not hold what a run record holds ({type(fault).__name__}). {REMEDY}") from None
