"""Studies: what is declared is what is trained, once; what is kept comes back as it was; nothing old is lost."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import toy_study
import xarray as xr

from transformer_lab.config import Config
from transformer_lab.errors import ArgumentError, DataError, DtypeError, LabError, StudyError
from transformer_lab.rules import Whole
from transformer_lab.training import Study, study
from transformer_lab.training import study as find
from transformer_lab.training.datasets import read_dataset, write_dataset

mechanism = importlib.import_module("transformer_lab.training.study")


@dataclass(frozen=True)
class Recipe(Config):
    width: Whole(1) = 4


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty place for data and runs, and a registry of its own."""
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(mechanism, "STUDIES", {})
    return tmp_path


def scaled(rate, seed, ran=None):
    if ran is not None:
        ran.append((rate, seed))
    return {"loss": ("step", np.array([1, rate, seed], np.float32)), "step": ("step", [0, 10, 20]),
            "right": ("input", np.array([seed % 2, 1], np.uint8))}


def test_a_study_is_trained_shipped_loaded_and_never_trained_twice(home):
    ran = []
    made = Study("small", partial(scaled, ran=ran), arms={"rate": (0.1, 1.0)}, seeds=(3, 5, 8), recipe=Recipe())
    found = made.run()
    assert ran == [(rate, seed) for rate in (0.1, 1.0) for seed in (3, 5, 8)]
    assert found["loss"].dims == ("rate", "seed", "step") and found["loss"].dtype == np.float32
    assert found["right"].dtype == np.uint8 and found["step"].values.tolist() == [0, 10, 20]
    assert found["loss"].sel(rate=0.1, step=20).values.tolist() == [3, 5, 8]
    assert float(found["loss"].sel(rate=0.1, step=20).min("seed")) == 3
    again = made.run()
    assert len(ran) == 6 and again.identical(found) and study("small") is made
    assert found.attrs["record"].startswith("small sha256:") and found.attrs["timing"]["units"] == 6
    assert sorted(path.name for path in (home / "data" / "studies").iterdir()) == ["small"]


def test_a_kept_unit_is_read_and_the_others_are_run(home):
    ran = []
    made = Study("small", partial(scaled, ran=ran), arms={"rate": (0.1, 1.0)}, seeds=(3, 5))
    made.run()
    shutil.rmtree(made.folder({"rate": 1.0, "seed": 3}))
    wider = Study("small", partial(scaled, ran=ran), arms={"rate": (0.1, 1.0, 2.0)}, seeds=(3, 5))
    wider.run()
    assert ran[4:] == [(1.0, 3), (2.0, 3), (2.0, 5)]


def test_arms_that_are_listed_leave_nan_where_there_is_none(home):
    arms = [{"optimizer": "sgd", "rate": 1.0}, {"optimizer": "adam", "rate": 0.1}, {"optimizer": "sgd", "rate": 0.1}]

    def unit(optimizer, rate):
        return {"loss": ((), rate), "steps": ((), np.int32(7)), "few": ((), np.uint8(3))}

    found = Study("listed", unit, arms=arms).run()
    assert found["optimizer"].values.tolist() == ["sgd", "adam"] and found["rate"].values.tolist() == [1.0, 0.1]
    np.testing.assert_array_equal(found["loss"], [[1.0, 0.1], [np.nan, 0.1]])
    np.testing.assert_array_equal(found["steps"], [[7, 7], [np.nan, 7]])
    assert found["steps"].dtype == np.float64 and found["few"].dtype == np.float16


def test_steps_that_differ_are_joined_and_lengths_without_a_coordinate_are_refused(home):
    found = Study("ragged", lambda arm: {"loss": ("step", [1.0] * arm), "step": ("step", range(arm))},
                  arms={"arm": (2, 3)}).run()
    np.testing.assert_array_equal(found["loss"], [[1, 1, np.nan], [1, 1, 1]])
    with pytest.raises(DataError, match=r"units of uneven do not fit side by side.*give the dimension a coordinate"):
        Study("uneven", lambda arm: {"loss": ("step", [1.0] * arm)}, arms={"arm": (2, 3)}).run()


def test_seeds_may_train_together_or_not_be(home):
    def unit(arm, seeds):
        return {"loss": (("seed", "step"), np.array([[arm, seed] for seed in seeds], np.int8))}

    found = Study("together", unit, arms={"arm": (4, 6)}, seeds=(7, 9), together=True).run()
    assert found["loss"].dims == ("arm", "seed", "step") and found["loss"].dtype == np.int8
    assert found["loss"].sel(arm=6, seed=9).values.tolist() == [6, 9]
    assert Study("one", lambda: {"loss": ((), 2.5)}).run()["loss"] == 2.5
    with pytest.raises(StudyError, match="got no seeds"):
        Study("missing", lambda seeds: {"loss": ((), 1.0)}, seeds=(1,), together=True).run()


def test_a_unit_that_raises_is_named_and_the_others_are_kept(home):
    def unit(rate, seed):
        return {"loss": ((), 1 / (rate - seed))}

    made = Study("faulty", unit, arms={"rate": (1, 2)}, seeds=(1, 2, 3))
    with pytest.raises(StudyError) as found:
        made.run()
    assert "2 of 6 units of faulty failed" in str(found.value) and len(made.missing()) == 2
    assert "rate 1, seed 1: ZeroDivisionError: division by zero" in str(found.value)
    assert "rate 2, seed 2" in str(found.value) and not any((home / "data" / "studies").iterdir())


def test_what_is_shipped_may_be_less(home):
    made = Study("less", scaled, arms={"rate": (0.1, 1.0)}, seeds=(3, 5),
                 finish=lambda found: found[["loss"]].isel(step=-1))
    assert set(made.run().data_vars) == {"loss"} and made.load()["step"] == 20


@pytest.mark.parametrize(("change", "words"), [
    ({"recipe": Recipe(5)}, "recipe.width is 4, not 5"), ({"version": 2}, "version is 1, not 2"),
    ({"settings": {"every": 5}}, "settings.every is None, not 5"),
])
def test_a_result_of_another_configuration_is_refused(home, change, words):
    settings = {"arms": {"rate": (0.1,)}, "seeds": (3,), "recipe": Recipe()}
    Study("small", scaled, **settings).run()
    other = Study("small", scaled, **settings | change)
    for act in (other.run, other.load):
        with pytest.raises(DataError, match=f"of another configuration: .*{words}"):
            act()


@pytest.mark.parametrize("name", ["arrays.safetensors", "dataset.json", "manifest.json", "timing.json"])
def test_a_damaged_file_is_refused(home, name):
    made = Study("small", scaled, arms={"rate": (0.1,)}, seeds=(3,))
    made.run()
    for folder, act in ((home / "data" / "studies" / "small", made.load), (made.folder(made.units[0]), made.run)):
        file, before = folder / name, (folder / name).read_bytes()
        for data in (before[:-1] + b"?", before[:-1], b"", b"null"):
            file.write_bytes(data)
            with pytest.raises(DataError, match="damaged"):
                act()
        file.unlink()
        with pytest.raises(DataError, match="no such file"):
            act()
        if hasattr(os, "mkfifo"):
            os.mkfifo(file)
            with pytest.raises(DataError, match="no ordinary file"):
                act()
            file.unlink()
        file.write_bytes(before)
    made.load()


def test_a_dataset_comes_back_as_it_was(tmp_path):
    kinds = [np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.bool_]
    wanted = xr.Dataset(
        {np.dtype(kind).name: (("x", "word"), np.arange(6).reshape(3, 2).astype(kind), {"units": "nats"})
         for kind in kinds} | {"alone": ((), np.float32(2.5)), "none": (("empty",), np.zeros(0)),
                               "holes": (("x",), [np.nan, np.inf, -0.0]), "said": (("x",), ["a", "ä", ""])},
        {"x": [0.1, 0.2, 0.3], "word": ["Max", "Min"], "second": ("x", [5, 6, 7])}, {"title": "kinds", "n": 3})
    write_dataset(tmp_path / "kinds", wanted, config={"a": [1, "ä"]})
    found = read_dataset(tmp_path / "kinds", config={"a": [1, "ä"]})
    added = {name: found.attrs.pop(name) for name in ("record", "config", "versions", "timing")}
    assert added["config"] == {"a": [1, "ä"]}
    xr.testing.assert_identical(found, wanted)
    assert {name: one.dtype for name, one in found.variables.items()} == {
        name: one.dtype for name, one in wanted.variables.items()}
    with pytest.raises(LabError, match="complex64"):
        write_dataset(tmp_path / "other", xr.Dataset({"z": ("x", np.ones(2, np.complex64))}), config={})
    assert [path.name for path in tmp_path.iterdir()] == ["kinds"]


def test_the_record_of_equal_data_is_the_same_however_long_it_took(tmp_path):
    one = xr.Dataset({"loss": ("x", [1.0])})
    for seconds in (1, 2):
        write_dataset(tmp_path / str(seconds) / "s", one, config={}, timing={"cpu_s": seconds})
    first, second = (read_dataset(tmp_path / str(seconds) / "s") for seconds in (1, 2))
    assert first.attrs["record"] == second.attrs["record"] and first.attrs["timing"] != second.attrs["timing"]


def test_a_disk_that_is_full_loses_nothing(home, monkeypatch):
    made = Study("small", scaled, arms={"rate": (0.1,)}, seeds=(3,))
    before = made.run()
    wider = Study("small", scaled, arms={"rate": (0.1,)}, seeds=(3, 4))
    write = Path.write_bytes

    for file in ("arrays.safetensors", "manifest.json"):
        def full(path, data, file=file):
            if path.name == file:
                raise OSError(28, "No space left on device")
            return write(path, data)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", full)
            with pytest.raises((DataError, StudyError), match="No space left on device"):
                wider.run()
        assert made.load().identical(before)
        assert sorted(path.name for path in (home / "data" / "studies").iterdir()) == ["small"]
    assert wider.run().sizes["seed"] == 2


def test_a_target_that_cannot_be_written_is_said_before_anything_is_run(home):
    ran = []
    made = Study("small", partial(scaled, ran=ran), arms={"rate": (0.1,)}, seeds=(3,))
    (home / "data").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        made.run()
    assert ran == []


def test_nothing_that_a_study_did_not_make_is_removed(home):
    made = Study("small", scaled, arms={"rate": (0.1,)}, seeds=(3,))
    data, runs = home / "data" / "studies", made.folder(made.units[0]).parent
    strangers = [data / "small.part", data / "small.old", data / "small.1-aaaaaaaa.part", runs / "0.1-3.part"]
    for folder in strangers:
        folder.mkdir(parents=True)
        (folder / "mine").write_text("keep")
    made.run(), made.run()
    assert all((folder / "mine").read_text() == "keep" for folder in strangers)


def test_a_kill_between_the_two_renames_is_mended(home):
    made = Study("small", scaled, arms={"rate": (0.1,)}, seeds=(3,))
    before, folder = made.run(), home / "data" / "studies" / "small"
    folder.rename(folder.with_name("small.123-0a1b2c3d.old"))
    assert made.load().identical(before) and [path.name for path in folder.parent.iterdir()] == ["small"]


@pytest.mark.parametrize("settings", [
    {"name": "No Such"}, {"name": "x" * 300}, {"name": "../up"}, {"arms": {"seed": (1, 2)}},
    {"arms": {"rate": (None,)}}, {"arms": [{"rate": 1}, {"other": 1}]}, {"arms": {"rate": (1, 1)}}, {"seeds": (1, 1)},
    {"seeds": (-1,)}, {"seeds": (), "together": True}, {"unit": 3}, {"recipe": {}}, {"version": 0}, {"arms": 5},
])
def test_what_cannot_be_a_study_is_said(home, settings):
    with pytest.raises(LabError):
        Study(**{"name": "small", "unit": scaled, "arms": {"rate": (0.1,)}, "seeds": (3,)} | settings)


def test_a_name_that_clashes_with_a_factor_is_said(home):
    with pytest.raises(StudyError, match="something called rate"):
        Study("clash", lambda rate: {"rate": ((), 1.0)}, arms={"rate": (1, 2)}).run()


def test_unknown_names_are_answered_with_the_known(home):
    Study("optimizers", scaled)
    with pytest.raises(ArgumentError, match="Did you mean 'optimizers'"):
        find("optimisers")
    (home / "book" / "chapters" / "ch99").mkdir(parents=True)


def test_importing_the_package_needs_no_xarray():
    code = ("import sys; sys.modules['xarray'] = sys.modules['joblib'] = None; import transformer_lab.training, "
            "transformer_lab.cli; from transformer_lab.training import Study; Study('a', print).run()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode and "MissingExtraError: Studies need joblib. Install it: pip install joblib" in done.stderr


@pytest.mark.parametrize(("library", "line"), [
    ("torch", "import transformer_lab.models"), ("torch", "import transformer_lab.training.torch_stepper"),
    ("matplotlib", "import transformer_lab.plots"), ("anywidget", "from transformer_lab.widgets import SoftLookup"),
    ("traitlets", "from transformer_lab.widgets import SoftLookup"),
    ("xarray", "from transformer_lab.training import study; study('optimizers').load()"),
    *((library, "from transformer_lab.cli import main; main(['study'])") for library in ("torch", "matplotlib"))])
def test_a_library_that_is_missing_is_a_sentence(library, line):
    script = f"""import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition('.')[0] == {library!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
{line}"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert re.search(rf"\bneeds? {library}\. Install it: pip install {library}$", done.stderr.splitlines()[-1])


def test_two_processes_at_once_end_in_the_same_record(tmp_path):
    environment = os.environ | {"TRANSFORMER_LAB_HOME": str(tmp_path), "TOY_LOG": str(tmp_path / "log")}
    both = [subprocess.Popen([sys.executable, toy_study.__file__], env=environment, stderr=subprocess.PIPE, text=True,
                             stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.communicate()[1] for process in both] == ["", ""] and not any(one.returncode for one in both)
    check_toy(tmp_path)


def check_toy(home: Path) -> None:
    """Every unit is there once, and the whole equals what units give that are run here."""
    folders = [path.name for path in (home / "runs" / "studies" / "toy").iterdir() if not path.name.endswith(".part")]
    found = read_dataset(home / "data" / "studies" / "toy", config=toy_study.TOY.config)
    assert len(folders) == len(set(folders)) == toy_study.UNITS and found["loss"].shape == (20, 10, 5)
    for one in toy_study.TOY.units[::7]:
        wanted = np.random.default_rng(1000 * one["arm"] + one["seed"]).random(5).astype(np.float16)
        np.testing.assert_array_equal(found["loss"].sel(one), wanted)
    assert (found["count"] == found["arm"]).all()
    lines = Counter((home / "log").read_text().split("\n")[:-1])
    assert len(lines) == toy_study.UNITS


@pytest.mark.parametrize("value", [float("nan"), np.arange(3), {1, 2}, object(), "\ud800"])
def test_settings_and_data_that_json_cannot_hold_are_refused(home, value):
    with pytest.raises(DtypeError, match=r"^settings: got what JSON cannot hold"):
        Study("unwritable", scaled, settings={"a": value})
    with pytest.raises(LabError, match=r"^arms: got"):
        Study("unwritable", scaled, arms={"rate": (value,)})
    for argument in ("config", "timing"):
        with pytest.raises(DtypeError, match=f"^{argument}: got what JSON cannot hold"):
            write_dataset(home / "data" / "odd", xr.Dataset(), **{"config": {}} | {argument: {"a": value}})
    if not isinstance(value, np.ndarray):
        with pytest.raises(DtypeError, match=r"^dataset: got what JSON cannot hold"):
            write_dataset(home / "data" / "odd", xr.Dataset(attrs={"a": value}), config={})
    assert not (home / "data" / "odd").exists()
