"""What other tools are told of a run is its record; event files are what TensorBoard's own library reads."""

import struct

import numpy as np
import pytest

from transformer_lab.errors import MissingExtraError
from transformer_lab.training import History, read_record, write_record
from transformer_lab.training.trackers import masked, track


@pytest.fixture
def record(tmp_path):
    rows = [{"step": 0, "loss": 2.5, "entropy blocks.0": np.array([1.0, 0.5])}, {"step": 300, "held_out_loss": 1.25}]
    return read_record(write_record(tmp_path / "run", config={"a": 1}, history=History(rows), step=300,
                                    state={"W_U": np.arange(6.0).reshape(2, 3)}, timing={"wall_s": 60.0}))


def fields(message: bytes):
    """(field, value) of a protocol buffer's message: a reader apart from the writer."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if message[at - 1] < 128:
                return value, at

    at = 0
    while at < len(message):
        key, at = varint(at)
        if key & 7 == 0:
            value, at = varint(at)
        elif key & 7 == 2:
            size, at = varint(at)
            value, at = message[at:at + size], at + size
        else:
            size, kind = {1: (8, "<d"), 5: (4, "<f")}[key & 7]
            value, at = struct.unpack(kind, message[at:at + size])[0], at + size
        yield key >> 3, value


def events(data: bytes):
    while data:
        size, = struct.unpack("<Q", data[:8])
        assert data[8:12] == masked(data[:8]) and data[12 + size:16 + size] == masked(data[12:12 + size])
        yield list(fields(data[12:12 + size]))
        data = data[16 + size:]


def test_an_event_file_has_each_row_at_its_step_and_the_weights(record, tmp_path):
    file, = track(record, "tensorboard", tmp_path / "events").iterdir()
    first, *rows = events(file.read_bytes())
    assert dict(first)[3] == b"brain.Event:2" and [dict(row)[2] for row in rows] == [0, 300, 300]
    assert [dict(row)[1] for row in rows] == [0, 60, 60]
    seen = {}
    for row in rows:
        for _, value in fields(dict(row)[5]):
            entry = dict(fields(value))
            seen[entry[1].decode()] = entry.get(2) if 2 in entry else dict(fields(entry[5]))
    weights = seen.pop("weights/W_U")
    assert seen == {"loss": 2.5, "entropy/blocks.0/0": 1.0, "entropy/blocks.0/1": 0.5, "held_out_loss": 1.25}
    assert (weights[1], weights[2], weights[3], weights[4], weights[5]) == (0, 5, 6, 15, 55)
    assert sum(np.frombuffer(weights[7])) == 6 and np.frombuffer(weights[6])[-1] == 5


def test_tensorboards_own_library_reads_the_same(record, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(track(record, "tensorboard", tmp_path / "events"))).Reload()
    assert [(one.step, one.value) for one in found.Scalars("held_out_loss")] == [(300, 1.25)]
    assert found.Histograms("weights/W_U")[0].histogram_value.num == 6


def test_an_offline_run_is_written_where_the_library_is_there(record, tmp_path, monkeypatch):
    try:
        import wandb
    except ModuleNotFoundError:
        with pytest.raises(MissingExtraError, match="pip install wandb"):
            track(record, "wandb", tmp_path / "tool")
        return
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert list(track(record, "wandb", tmp_path / "tool").rglob("*.wandb")) and wandb.run is None
