"""What a record gives back, and that everything that is not one is refused with a sentence."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest
from small_run import CONFIG, SETTINGS, Regression, batches

from transformer_lab.errors import DataError, DtypeError, LabError, ShapeError
from transformer_lab.randomness import generator
from transformer_lab.training import History, fit, read_record, recorded, records, write_record
from transformer_lab.training.seals import sealed, sha256

FIT = {name: value for name, value in SETTINGS.items() if name not in ("config", "checkpoint_every")}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "run"
    recorded(folder, Regression(), batches, **SETTINGS)
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "run")


def test_a_record_gives_back_what_was_measured_bit_for_bit(original):
    stepper = Regression()
    history, record = fit(stepper, batches, **FIT), read_record(original, config=CONFIG)
    assert record.config == CONFIG and set(record.weights) == {"W", "b"} == set(record.state)
    for name in history.names:
        np.testing.assert_array_equal(record.history[name], history[name])
    for name in record.weights:
        np.testing.assert_array_equal(record.weights[name], stepper.arrays[name])
        np.testing.assert_array_equal(record.history.trajectory[name], history.trajectory[name])
        np.testing.assert_array_equal(record.history.best.weights[name], history.best.weights[name])
    assert (record.history.best.step, record.history.best.value) == (history.best.step, history.best.value)
    assert list(record.history.kept) == [0, 30, 60] and record.timing["cpu_s"] >= 0
    assert record.name == f"run sha256:{record.manifest['content'][:12]}"


@pytest.mark.parametrize("value", [np.float32(0.1), np.arange(6, dtype=np.float16).reshape(2, 3).T, np.int64(7),
                                   np.zeros((0, 3))])
def test_tensors_keep_their_dtype_shape_and_bits(tmp_path, value):
    write_record(tmp_path / "run", config={}, history=fit(Regression(), batches, steps=1, learning_rate=0.1),
                 state={"value": value}, step=1)
    back = read_record(tmp_path / "run").weights["value"]
    assert back.dtype == value.dtype and back.shape == value.shape and (back == value).all()


def test_an_existing_record_is_never_overwritten(original, folder):
    before = read_record(folder).manifest
    with pytest.raises(DataError, match="no record is overwritten"):
        write_record(folder, config={}, history=read_record(folder).history, state={}, step=60)
    assert read_record(folder).manifest == before and [path.name for path in folder.parent.iterdir()] == ["run"]


def damages(folder, n):
    """n damaged versions of a record's files, of three kinds: (kind, path, bytes)."""
    draw, paths = generator(1, "damage"), sorted(folder.iterdir())
    for i in range(n):
        path = paths[draw.integers(len(paths))]
        data = bytearray(path.read_bytes())
        where, kind = int(draw.integers(len(data))), ("flip", "truncate", "zero")[i % 3]
        if kind == "flip":
            data[where] ^= 1 << int(draw.integers(8))
        elif kind == "truncate":
            del data[where:]
        else:
            data[where:where + 64] = bytes(len(data[where:where + 64]))
        if bytes(data) != path.read_bytes():
            yield kind, path, bytes(data)


def test_every_damaged_record_is_refused_with_a_sentence(folder):
    seen = {"flip": 0, "truncate": 0, "zero": 0}
    for kind, path, data in damages(folder, 960):
        whole = path.read_bytes()
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"run.*(damaged|does not hold)"):
            read_record(folder)
        path.write_bytes(whole)
        seen[kind] += 1
    assert min(seen.values()) >= 300, seen
    assert read_record(folder).config == CONFIG


@pytest.mark.parametrize("name", ["manifest.json", "config.json", "metrics.csv", "weights.safetensors", "timing.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name} cannot be read: there is no such file"):
        read_record(folder)


def test_a_folder_that_is_no_record_and_a_file_are_refused(tmp_path, folder):
    for path in (tmp_path / "nothing", tmp_path, folder / "config.json"):
        with pytest.raises(DataError, match="cannot be read"):
            read_record(path)


def test_another_configuration_is_refused_and_its_differences_named(folder):
    with pytest.raises(DataError, match="another configuration: seed is 5, not 6, steps is 60, not 61"):
        read_record(folder, config=CONFIG | {"seed": 6, "steps": 61})


def forged(folder, changes=None, manifest=None):
    """Replace files and seal the manifest anew: damage that checksums cannot show."""
    values = json.loads((folder / "manifest.json").read_bytes())
    del values["sha256"]
    for name, data in (changes or {}).items():
        (folder / name).write_bytes(data)
        values["files"][name] = {"bytes": len(data), "sha256": sha256(data)}
    if "files" not in (manifest or {}):
        values["content"] = records.content_of(values)
    (folder / "manifest.json").write_bytes(sealed(values | (manifest or {})))


def test_another_format_is_refused(folder):
    forged(folder, manifest={"format": records.FORMAT + 1})
    with pytest.raises(DataError, match=f"format {records.FORMAT + 1}, and this version reads format {records.FORMAT}"):
        read_record(folder)


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("name", ["weights.safetensors", "best.safetensors", "config.json", "metrics.csv"])
def test_a_pickle_in_disguise_is_refused_and_never_executed(folder, tmp_path, name):
    target = tmp_path / "executed"
    data = pickle.dumps(Bomb(target))
    forged(folder, {name: data})
    with pytest.raises(DataError, match="does not hold what a run record holds"):
        read_record(folder)
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(DataError, match="manifest"):
        read_record(folder)
    assert not target.exists()
    pickle.loads(data)
    assert target.exists(), "the bomb was no bomb, so this test would have proved nothing"


@pytest.mark.parametrize("changes", [
    {"config.json": b"[1, 2"}, {"metrics.csv": b"loss\n1.0\n"}, {"metrics.csv": b"step,loss\n0,one\n"},
    {"metrics.csv": b"step,loss\n0,1.0,2.0\n"}, {"metrics.csv": b"\xff\xfe"}, {"weights.safetensors": b""},
    {"config.json": b"null"}, {"config.json": b'{"a": NaN}'}, {"metrics.csv": b"step,loss\n7,1.0\n0,1.0\n"},
    {"metrics.csv": b"step,loss\n-1,1.0\n"}, {"metrics.csv": b"step,loss\n61,1.0\n"},
    {"metrics.csv": b"step,loss\n7,1.0\n7,1.0\n"}, {"config.json": b'{"seed": 1, "seed": 2}'},
    {"weights.safetensors": (2**62).to_bytes(8, "little") + b"{}"}, {"config.json": b"[" * 100_000},
    {"metrics.csv": b"step,loss,loss\n7,1.0,2.0\n"}])
def test_well_sealed_nonsense_is_refused_with_a_sentence(folder, changes):
    forged(folder, changes)
    with pytest.raises(DataError, match="does not hold what a run record holds"):
        read_record(folder)


def test_a_manifest_cannot_point_outside_its_folder(folder, tmp_path):
    (tmp_path / "secret").write_bytes(b"{}")
    forged(folder, {"../secret": b"{}"})
    assert set(read_record(folder).config) == set(CONFIG)


def test_one_looks_before_one_reads(folder):
    """A pipe would never end, a device would fill the memory, and so would a file of forty gigabytes without a byte."""
    path = folder / "metrics.csv"
    for spoil in (os.mkfifo, lambda name: os.symlink("/dev/zero", name), os.mkdir):
        path.unlink(missing_ok=True)
        spoil(path)
        with pytest.raises(DataError, match="no ordinary file"):
            read_record(folder)
    path.rmdir()
    for name in ("metrics.csv", "manifest.json"):
        (folder / name).touch()
        os.truncate(folder / name, 40 << 30)
        with pytest.raises(DataError, match="42,949,672,960 bytes are too many"):
            read_record(folder)


@pytest.mark.parametrize("name", ["manifest.json", "config.json", "metrics.csv"])
def test_line_ends_that_git_changed_are_named_with_what_to_do(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(DataError, match=r"line ends were changed.*core.autocrlf false"):
        read_record(folder)


@pytest.mark.parametrize("manifest", [
    {"step": None}, {"step": -1}, {"step": 59}, {"stopped": None}, {"files": []}, {"format": "1"}, {"format": True},
    {"content": "0" * 64}, {"content": None}, {"versions": None}, {"versions": {"numpy": None}}, {"conditions": None},
    {"conditions": {"steps": 61}}])
def test_a_manifest_that_says_nonsense_is_refused(folder, manifest):
    forged(folder, manifest=manifest)
    with pytest.raises(LabError):
        read_record(folder)


@pytest.mark.parametrize("value", [float("nan"), np.arange(3), {1, 2}, {"a": 1, 2: 3}, object(), "\ud800", 1j])
@pytest.mark.parametrize("argument", ["config", "conditions", "timing"])
def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path, value, argument):
    given = {"config": {}, "history": History(), "state": {"W": np.zeros(2)}, "step": 1} | {argument: {"a": value}}
    for write, words in ((lambda: write_record(tmp_path / "run", **given), argument),
                         (lambda: recorded(tmp_path / "run", Regression(), batches, **SETTINGS | {"config": value}),
                          "config")):
        with pytest.raises(DtypeError, match=rf"^{words}: got"):
            write()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("measured", "words"), [
    ({"x": np.ones((2, 3))}, r"x'\]: got an array of shape \(2, 3\)"), ({"a[b": 1.0}, "name in evaluate"),
    ({"a[0]": 1.0}, "name in evaluate"), ({"": 1.0}, "name in evaluate"), ({"a\nb": 1.0}, "name in evaluate"),
    ({1: 1.0}, "name in evaluate"), ({"x": None}, "x'"), ({"x": "1"}, "x'"), ({"x": 1j}, "x'"), ([1.0], "evaluate")])
def test_what_a_table_cannot_hold_is_refused_where_it_is_measured(tmp_path, measured, words):
    with pytest.raises(LabError, match=words):
        recorded(tmp_path / "run", Regression(), batches, **SETTINGS, evaluate=lambda stepper: measured)
    assert not list(tmp_path.glob("run"))


@pytest.mark.parametrize("name", ["a]b", "a,b", 'a"b', "seeds", "a b", "Größe", "0"])
@pytest.mark.parametrize("value", [0.1 + 0.2, np.float32(0.1), np.array([1.0, float("nan"), -1e-300]), True, 3])
def test_a_metric_of_any_name_and_kind_comes_back(tmp_path, name, value):
    record = recorded(tmp_path / "run", Regression(), batches, **SETTINGS, evaluate=lambda stepper: {name: value})
    assert record.history.names[1] == name
    np.testing.assert_array_equal(record.history[name][-1], np.asarray(value, dtype=float))


def test_metrics_whose_seeds_come_and_go_are_a_sentence():
    history = fit(Regression(), batches, steps=2, learning_rate=0.1,
                  evaluate=lambda stepper: {"x": np.ones(2) if stepper.arrays["b"].any() else 1.0})
    with pytest.raises(ShapeError, match="as many seeds in every row"):
        history["x"]
