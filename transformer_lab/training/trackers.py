"""A record as other tools want it: event files for TensorBoard, written here, and offline runs of Weights & Biases.

The record stays what counts; a tracker is told of a run when it is whole, so no row comes twice however often the run
was stopped. Names of measures, ``gradient blocks.0``, become ``gradient/blocks.0``, which both tools show in groups.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ..errors import DataError, installed
from ..places import written_whole
from ..rules import Choice
from ..signatures import checked
from .records import Record

__all__ = ["TRACKERS", "track"]


def scalars(record: Record):
    """(step, {name: number}) for each row; an array has a number for each entry."""
    for row in record.history.rows:
        found = {}
        for name, value in row.items():
            group = name.replace(" ", "/")
            if name != "step":
                found |= {f"{group}/{i}": float(entry) for i, entry in enumerate(value)} if np.ndim(value) else {
                    group: float(value)}
        yield int(row["step"]), found


# ---- TensorBoard: records of a checksum, a message of protocol buffers and its checksum ---------------------

def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC = tuple(crc_table())


def masked(data: bytes) -> bytes:
    """The checksum CRC-32C as these files keep it, so that no file of files has one like its own.

    >>> masked(b"123456789").hex()
    'e5b08ac7'
    """
    found = 0xFFFFFFFF
    for byte in data:
        found = CRC[(found ^ byte) & 0xFF] ^ (found >> 8)
    found ^= 0xFFFFFFFF
    return struct.pack("<I", (((found >> 15) | (found << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(message: bytes) -> bytes:
    size = struct.pack("<Q", len(message))
    return size + masked(size) + message + masked(message)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def part(field: int, value) -> bytes:
    """A field of a message: bytes and text with their length, whole numbers, doubles."""
    if isinstance(value, (bytes, str)):
        data = value.encode() if isinstance(value, str) else value
        return varint(field << 3 | 2) + varint(len(data)) + data
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    return varint(field << 3 | 1) + struct.pack("<d", value)


def histogram(values) -> bytes:
    counts, edges = np.histogram(values, bins=30)
    values = np.asarray(values, dtype=float)
    limits, buckets = (np.asarray(each, dtype="<f8").tobytes() for each in (edges[1:], counts))
    parts = (values.min(), values.max(), float(values.size), values.sum(), (values**2).sum())
    return b"".join(part(i, float(each)) for i, each in enumerate(parts, 1)) + part(6, limits) + part(7, buckets)


def event(seconds: float, step: int, values: list[bytes]) -> bytes:
    return framed(part(1, seconds) + part(2, step) + part(5, b"".join(part(1, value) for value in values)))


def tensorboard(record: Record, folder: Path) -> None:
    """An event file: the rows, at even times, and histograms of the weights as they are in the end."""
    last, seconds = max(1, record.manifest["step"]), record.timing.get("wall_s", 0.0)
    events = [framed(part(1, 0.0) + part(3, "brain.Event:2"))]
    events += [event(seconds * step / last, step, [part(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value)
                                                  for name, value in found.items()])
               for step, found in scalars(record)]
    events.append(event(seconds, last, [part(1, f"weights/{name}") + part(5, histogram(value))
                                        for name, value in record.weights.items()]))
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / "events.out.tfevents.0.transformer-lab") as half:
        half.write_bytes(b"".join(events))


# ---- Weights & Biases ---------------------------------------------------------------------------------------

def wandb(record: Record, folder: Path) -> None:
    """An offline run: configuration, rows, histograms of the weights, and the rows once more as a table."""
    tool = installed("wandb", "Runs of Weights & Biases")
    folder.mkdir(parents=True, exist_ok=True)
    run = tool.init(mode="offline", dir=str(folder), project="transformer-lab", name=record.path.name,
                    config=record.config, settings=tool.Settings(silent=True, console="off"))
    rows = list(scalars(record))
    for step, found in rows:
        run.log(found, step=step)
    last, names = max([0, *(step for step, _ in rows)]), sorted({name for _, found in rows for name in found})
    run.log({f"weights/{name}": tool.Histogram(value.ravel(), num_bins=30) for name, value in record.weights.items()}
            | {"rows": tool.Table(["step", *names], [[step, *(found.get(name) for name in names)]
                                                     for step, found in rows])}, step=last)
    run.finish()
    if tool.run is None:  # the tool's own process writes the end of the file only when it is told to go
        tool.teardown()


#: What a run can be told to.
TRACKERS = {"tensorboard": tensorboard, "wandb": wandb}


@checked
def track(record: Record, tracker: Choice(TRACKERS), folder: Path) -> Path:
    """Tell a tracker of a run, in a folder of its own; returns the folder.

    A folder that cannot be written is a DataError.

    >>> import tempfile
    >>> from transformer_lab.training import History, read_record, write_record
    >>> with tempfile.TemporaryDirectory() as place:
    ...     run = write_record(f"{place}/run", config={}, history=History([{"step": 0, "loss": 2.5}]),
    ...                        state={"w": np.ones(3)}, step=1)
    ...     [path.name for path in track(read_record(run), "tensorboard", Path(place, "events")).iterdir()]
    ['events.out.tfevents.0.transformer-lab']
    """
    try:
        TRACKERS[tracker](record, folder)
    except OSError as fault:
        raise DataError(f"{folder} cannot be written: {fault.strerror or fault}. Choose another folder.") from None
    return folder
