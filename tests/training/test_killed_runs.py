"""A run that is killed leaves nothing unreadable and ends in the same bytes when it goes on."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import CONFIG, SETTINGS, Regression, batches

from transformer_lab.errors import DataError, DivergedError
from transformer_lab.training import read_record, recorded, runs


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "timing.json"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    recorded(folder, Regression(), batches, **SETTINGS)
    return folder


def test_the_same_command_writes_the_same_bytes_and_nothing_trains_twice(whole, tmp_path):
    recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert contents(tmp_path / "run") == contents(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    before = (tmp_path / "run" / "timing.json").read_bytes()
    again = recorded(tmp_path / "run", None, None, **SETTINGS)
    assert again.manifest["step"] == 60 and (tmp_path / "run" / "timing.json").read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="killing runs needs os.fork")
def test_a_hundred_kills_leave_no_record_unreadable_and_twenty_resumes_are_bit_identical(tmp_path):
    done = subprocess.run([sys.executable, Path(__file__).with_name("kill_runs.py"), tmp_path], capture_output=True,
                          text=True, env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["killed"] >= 100 and report["records"] >= 50, report
    assert report["unreadable"] == 0, done.stderr
    assert report["resumed"] == report["identical"] == 20 and report["left"] == []


class Killed(BaseException):
    """Not an Exception, so that nothing on the way may catch it and tidy up, as nothing can after a kill."""


def test_a_kill_at_every_single_file_operation_leaves_a_run_that_goes_on(whole, tmp_path, monkeypatch):
    """Every write, rename and removal of the run in turn is its last."""
    settings = SETTINGS | {"checkpoint_every": 25}
    for last in itertools.count():
        folder, calls = tmp_path / str(last) / "run", itertools.count()
        folder.parent.mkdir()

        def counted(original, calls=calls, last=last):
            def operation(*args, **kwargs):
                if next(calls) >= last:
                    raise Killed
                return original(*args, **kwargs)
            return operation

        with monkeypatch.context() as patched:
            for owner, name in ((Path, "write_bytes"), (Path, "rename"), (Path, "mkdir"), (runs.shutil, "rmtree")):
                patched.setattr(owner, name, counted(getattr(owner, name)))
            try:
                recorded(folder, Regression(), batches, **settings)
            except Killed:
                pass
            else:
                break
        for path in folder.parent.iterdir():
            assert path.name.endswith(".part") or read_record(path).weights
        recorded(folder, Regression(), batches, **settings)
        assert contents(folder) == contents(whole) and [path.name for path in folder.parent.iterdir()] == ["run"]
    assert last > 20


def test_a_run_refuses_the_checkpoint_of_another_configuration_or_other_versions(tmp_path, monkeypatch):
    def stopped(step):
        if step == 10:
            raise Killed
        return batches(step)

    with pytest.raises(Killed):
        recorded(tmp_path / "run", Regression(), stopped, **SETTINGS)
    assert [path.name for path in runs.checkpoints(tmp_path / "run")] == ["run.at-00000009"]
    with pytest.raises(DataError, match="another configuration: seed is 5, not 6"):
        recorded(tmp_path / "run", Regression(), batches, **SETTINGS | {"config": CONFIG | {"seed": 6}})
    with monkeypatch.context() as patched:
        patched.setattr(runs, "versions", lambda: {"numpy": "9.9"})
        with pytest.raises(DataError, match=r"9\.9.*Delete it to start the run again"):
            recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert recorded(tmp_path / "run", Regression(), batches, **SETTINGS).manifest["step"] == 60


def test_a_run_that_meets_nan_keeps_its_last_good_state_and_says_why(tmp_path):
    def poisoned(step):
        inputs, targets = batches(step)
        return inputs, targets * (float("nan") if step == 17 else 1)

    with pytest.raises(DivergedError, match="step 17"):
        recorded(tmp_path / "run", Regression(), poisoned, **SETTINGS)
    kept, sound = read_record(tmp_path / "run"), Regression()
    for step in range(17):
        sound.step(batches(step), SETTINGS["learning_rate"](step))
    assert kept.manifest["step"] == 17 and "step 17" in kept.manifest["stopped"]
    assert (kept.weights["W"] == sound.arrays["W"]).all() and kept.history.steps.tolist() == [0, 7, 14]
