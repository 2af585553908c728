"""What other tools are told of a run is its record; event files are what TensorBoard's own library reads."""

import json
import struct
import sys

import numpy as np
import pytest
import wandb
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto import wandb_internal_pb2

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
    found = EventAccumulator(str(track(record, "tensorboard", tmp_path / "events"))).Reload()
    curves = {name: [(one.step, one.value) for one in found.Scalars(name)] for name in found.Tags()["scalars"]}
    assert curves == {"loss": [(0, 2.5)], "entropy/blocks.0/0": [(0, 1.0)], "entropy/blocks.0/1": [(0, 0.5)],
                      "held_out_loss": [(300, 1.25)]}
    weights = found.Histograms("weights/W_U")[0].histogram_value
    assert (weights.num, weights.sum, sum(weights.bucket)) == (6, 15, 6)


def records_of(data: bytes):
    """The messages of a file of Weights & Biases: a head of 7 bytes, then LevelDB's log: blocks of 32 KiB with parts
    (checksum, length, kind: 1 whole, 2 first, 3 middle, 4 last).
    """
    at, message = 7, b""
    while at + 7 <= len(data):
        if 2**15 - at % 2**15 < 7:
            at += 2**15 - at % 2**15
            continue
        length, kind = struct.unpack("<HB", data[at + 4:at + 7])
        message += data[at + 7:at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            found = wandb_internal_pb2.Record()
            found.ParseFromString(message)
            yield found
            message = b""


def test_an_offline_run_has_the_configuration_curves_histograms_and_the_table(record, tmp_path):
    """With the real library, which writes what its server would be sent."""
    file, = track(record, "wandb", tmp_path / "tool").rglob("*.wandb")
    told = list(records_of(file.read_bytes()))
    assert wandb.run is None and [one.exit.exit_code for one in told if one.HasField("exit")] == [0]
    run, = (one.run for one in told if one.HasField("run"))
    assert (run.project, run.display_name) == ("transformer-lab", "run")
    assert {one.key: one.value_json for one in run.config.update}["a"] == "1"
    rows = [{item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in one.history.item}
            for one in told if one.HasField("history")]
    seen = {row["_step"]: row for row in rows}
    assert seen[0]["loss"] == 2.5 and seen[0]["entropy/blocks.0/0"] == 1.0 and seen[300]["held_out_loss"] == 1.25
    last = seen[300]
    assert last["weights/W_U/_type"] == "histogram" and sum(last["weights/W_U/values"]) == 6
    assert (last["weights/W_U/bins"][0], last["weights/W_U/bins"][-1]) == (0, 5)
    kept = json.loads((file.parent / "files" / last["rows/path"]).read_text("utf-8"))
    assert kept["columns"] == ["step", "entropy/blocks.0/0", "entropy/blocks.0/1", "held_out_loss", "loss"]
    assert kept["data"] == [[0, 1.0, 0.5, None, 2.5], [300, None, None, 1.25, None]]


def test_a_tool_that_is_missing_is_named(record, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtraError, match="pip install wandb"):
        track(record, "wandb", tmp_path / "tool")
