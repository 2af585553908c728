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

from ..errors import DataError, DtypeError

LARGEST_MANIFEST = 1 << 20
REMEDY = "Copy the record again from where it came, or train the run again."


def check_folder(folder) -> Path:
    """The path of a record's folder."""
    try:
        return Path(folder)
    except TypeError:
        raise DtypeError("folder", repr(folder)[:60], "a path", "Pass a str or a pathlib.Path.") from None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def dumped(values: dict) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sealed(values: dict) -> bytes:
    """JSON that carries the sha256 of its other entries."""
    return dumped(values | {"sha256": sha256(dumped(values))})


def unsealed(path: Path) -> dict:
    """The entries of a sealed JSON file, its own checksum included."""
    if size(path) > LARGEST_MANIFEST:
        raise DataError(f"{path} is damaged: {size(path)} bytes are too many. {REMEDY}")
    data = existing(path)
    with understood(path):
        values = json.loads(data)
        if sealed({name: value for name, value in values.items() if name != "sha256"}) != data:
            raise DataError(f"{path} is damaged: its own checksum does not fit it. {REMEDY}")
    return values


def vouched(path: Path, seal: dict) -> bytes:
    """The bytes of a file, if they are the ones that the manifest vouches for."""
    found, wanted = size(path), seal["bytes"]
    if found != wanted:
        raise DataError(f"{path} is damaged: it has {found} bytes, and the manifest says {wanted}. {REMEDY}")
    data = existing(path)
    if sha256(data) != seal["sha256"]:
        raise DataError(f"{path} is damaged: its sha256 is not the manifest's. {REMEDY}")
    return data


def size(path: Path) -> int:
    """How many bytes an ordinary file has; nothing is read, for a pipe or a device would never end."""
    with readable(path):
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path} cannot be read: it is no ordinary file. {REMEDY}")
        return found.st_size


def existing(path: Path) -> bytes:
    with readable(path):
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
