"""A run that is killed leaves nothing unreadable and ends in the same bytes when it goes on."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from kill_runs import contents, records_in
from small_run import CONFIG, SETTINGS, Regression, batches

from transformer_lab.errors import DataError, DivergedError
from transformer_lab.training import conditions, read_record, recorded, records, workshop
from transformer_lab.training.seals import sealed
from transformer_lab.training.stepper import Stepper


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
    again = recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
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


@pytest.mark.parametrize(("checkpoint_every", "least"), [(25, 20), (None, 8)])
def test_a_kill_at_every_single_file_operation_leaves_a_run_that_goes_on(whole, tmp_path, monkeypatch,
                                                                          checkpoint_every, least):
    """Every write, rename and removal of the run in turn is its last."""
    settings = SETTINGS | {"checkpoint_every": checkpoint_every}
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
            for owner, name in ((Path, "write_bytes"), (Path, "rename"), (Path, "mkdir"), (workshop.shutil, "rmtree")):
                patched.setattr(owner, name, counted(getattr(owner, name)))
            try:
                recorded(folder, Regression(), batches, **settings)
            except Killed:
                pass
            else:
                break
        assert all(read_record(path).weights for path in records_in(folder.parent))
        recorded(folder, Regression(), batches, **settings)
        assert contents(folder) == contents(whole) and [path.name for path in folder.parent.iterdir()] == ["run"]
    assert last > least


def test_a_record_is_read_while_another_process_tidies_up(whole, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "run")
    with workshop.owned(tmp_path / "other"):
        (tmp_path / "other.training").rename(tmp_path / "run.training")
        assert recorded(folder, Regression(), batches, **SETTINGS).manifest["step"] == 60
        assert (tmp_path / "run.training" / "lock").exists()


def test_a_target_that_appears_while_one_trains_is_left_alone_and_said(tmp_path):
    def meddled(step):
        if step == 59:
            (tmp_path / "run").mkdir(exist_ok=True)
            (tmp_path / "run" / "mine").write_text("mine")
        return batches(step)

    with pytest.raises(DataError, match="cannot be written"):
        recorded(tmp_path / "run", Regression(), meddled, **SETTINGS)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine"]


def begun(folder, stop=10, **changes):
    """A run that was killed at a step."""
    def stopped(step):
        if step == stop:
            raise Killed
        return batches(step)

    with pytest.raises(Killed):
        recorded(folder, Regression(), stopped, **SETTINGS | changes)


def slower(step):
    return SETTINGS["learning_rate"](step) / 2


def other_batches(step):
    return batches(step + 1)


@pytest.mark.parametrize(("changes", "words"), [
    ({"config": CONFIG | {"seed": 6}}, "another configuration: seed is 5, not 6"),
    ({"learning_rate": slower}, r"learning_rate\.first is 0\.1, not 0\.05"),
    ({"batches": other_batches}, r"batches is '\w+', not '"), ({"evaluate": lambda stepper: {"x": 1}}, "evaluate is"),
    ({"every": 8}, "every is 7, not 8"), ({"keep": (30,)}, "keep is .*, not"), ({"best": ("loss", max)}, "best is"),
    ({"steps": 61}, "steps is 60, not 61")])
def test_a_checkpoint_that_would_not_go_on_bit_for_bit_is_refused(tmp_path, changes, words):
    begun(tmp_path / "run")
    settings = {"batches": batches} | SETTINGS | changes
    with pytest.raises(DataError, match=words):
        recorded(tmp_path / "run", Regression(), settings.pop("batches"), **settings)
    assert recorded(tmp_path / "run", Regression(), batches, **SETTINGS).manifest["step"] == 60


def later_batches(step):
    return batches(step + (step >= 9))


def later_rate(step):
    return SETTINGS["learning_rate"](step if step < 50 else 2 * step)


@pytest.mark.parametrize(("changes", "words"), [({"batches": later_batches}, r"next\.batch is '"),
                                                ({"learning_rate": later_rate}, r"learning_rate\.schedule is '")])
def test_so_is_one_whose_later_steps_differ(tmp_path, changes, words):
    begun(tmp_path / "run")
    settings = {"batches": batches} | SETTINGS | changes
    with pytest.raises(DataError, match=words):
        recorded(tmp_path / "run", Regression(), settings.pop("batches"), **settings)


@pytest.mark.parametrize(("changes", "words"), [
    ({"steps": 61}, "steps is 60, not 61"), ({"every": 8}, "every is 7, not 8"), ({"best": None}, "best is"),
    ({"keep": (30,)}, r"keep is \[0, 30, 60\], not \[30\]"), ({"batches": other_batches}, "batches is"),
    ({"learning_rate": slower}, r"learning_rate\.first is 0\.1, not 0\.05"),
    ({"learning_rate": later_rate}, r"learning_rate\.schedule is"),
    ({"evaluate": lambda stepper: {"x": 1}}, "evaluate is None, not '")])
def test_a_finished_record_is_no_answer_to_other_settings(whole, tmp_path, changes, words):
    folder = shutil.copytree(whole, tmp_path / "run")
    settings = {"batches": batches} | SETTINGS | changes
    with pytest.raises(DataError, match=rf"is a run with other settings: .*{words}.*Choose another folder"):
        recorded(folder, Regression(), settings.pop("batches"), **settings)
    assert contents(folder) == contents(whole)


def test_a_record_from_before_its_settings_were_written_down_is_read(whole, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "run")
    values = json.loads((folder / "manifest.json").read_text())
    del values["sha256"], values["content"], values["conditions"]
    (folder / "manifest.json").write_bytes(sealed(values))
    assert recorded(folder, Regression(), batches, **SETTINGS).manifest["step"] == 60


def squares(params, batch):
    return {"loss": (params["w"]**2).sum() / 2}, {"w": params["w"]}


def cubes(params, batch):
    return {"loss": abs(params["w"]**3).sum() / 3}, {"w": params["w"]**2}


def again(times):
    return lambda params, batch: (times * (params["w"]**2).sum() / 2, {"w": times * params["w"]})


def doubled(name, value):
    return 2 * value


STEPPERS = {  # what the second stepper has, where the first has the other; the words of the refusal
    "beta1": ((squares, "adam"), {}, {"beta1": 0.8}, r"stepper\.beta1 is 0\.9, not 0\.8"),
    "eps": ((squares, "adam"), {}, {"eps": 1e-6}, r"stepper\.eps is 1e-08, not 1e-06"),
    "max_norm": ((squares, "sgd"), {"max_norm": 9.0}, {}, r"stepper\.max_norm is 9\.0, not 0\.0"),
    "seed": ((squares, "sgd"), {}, {"seed": 1}, r"stepper\.seed is 0, not 1"),
    "train": ((squares, "sgd"), {}, {"train": ("w",)}, r"stepper\.train is None, not \['w'\]"),
}


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(("first", "second", "words"), [
    *(((*made, had), (*made, has), words) for made, had, has, words in STEPPERS.values()),
    ((squares, "sgd", {}), (cubes, "sgd", {}), r"stepper\.model is 'squares', not 'cubes'"),
    ((squares, "adam", {}), (squares, "adamw", {}), r"stepper\.optimizer is 'Adam', not 'AdamW'"),
    ((squares, "sgd", {}), (squares, "momentum", {}), r"stepper\.optimizer is 'SGD', not 'Momentum'")])
def test_a_run_by_another_stepper_is_another_run(tmp_path, first, second, words, ended):
    settings = {"config": {}, "steps": 9, "learning_rate": 0.1, "checkpoint_every": 2}

    def made(model, optimizer, others):
        return Stepper({"w": np.array([3.0, 1.0])}, model, optimizer, **others)

    def stopped(step):
        if step == 5 and not ended:
            raise Killed
        return step

    with suppress(Killed):
        recorded(tmp_path / "run", made(*first), stopped, **settings)
    with pytest.raises(DataError, match=words):
        recorded(tmp_path / "run", made(*second), lambda step: step, **settings)
    assert recorded(tmp_path / "run", made(*first), lambda step: step, **settings).manifest["step"] == 9


def test_a_function_of_the_same_name_that_calculates_otherwise_does_not_go_on(tmp_path):
    settings = {"config": {}, "steps": 9, "learning_rate": 0.1, "checkpoint_every": 2}

    def stopped(step):
        if step == 5:
            raise Killed
        return step

    def made(times):
        return Stepper({"w": np.array([3.0, 1.0])}, again(times), "sgd")

    with pytest.raises(Killed):
        recorded(tmp_path / "run", made(1.0), stopped, **settings)
    with pytest.raises(DataError, match=r"next\.code is '\w+', not '"):
        recorded(tmp_path / "run", made(2.0), lambda step: step, **settings)
    assert recorded(tmp_path / "run", made(1.0), lambda step: step, **settings).manifest["step"] == 9


@pytest.mark.parametrize(("name", "value"), [("numpy", "9.9"), ("kernel", "Prescott"), ("threads", "64")])
def test_so_is_one_of_other_versions_threads_or_another_kernel(tmp_path, monkeypatch, name, value):
    begun(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(conditions, "versions", lambda: records.versions() | {name: value})
        with pytest.raises(DataError, match=rf"versions.{name} is .*, not '{value}'.*delete this folder"):
            recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert recorded(tmp_path / "run", Regression(), batches, **SETTINGS).manifest["step"] == 60


def test_of_a_damaged_checkpoint_one_hears_how_to_start_again(tmp_path):
    begun(tmp_path / "run")
    checkpoint = next((tmp_path / "run.training").glob("at-*"))
    (checkpoint / "weights.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match=f"is damaged: .*delete {checkpoint}, to start the run again"):
        recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    shutil.rmtree(checkpoint)
    assert recorded(tmp_path / "run", Regression(), batches, **SETTINGS).manifest["step"] == 60


def test_ctrl_c_between_any_two_steps_keeps_that_step(whole, tmp_path):
    for stop in (2, 9, 30, 59):
        def pressed(step, stop=stop):
            if step == stop - 1:
                signal.raise_signal(signal.SIGINT)
            return batches(step)

        folder = tmp_path / f"at-{stop}"
        with pytest.raises(KeyboardInterrupt, match=rf"at step {stop}\. The same command goes on"):
            recorded(folder, Regression(), pressed, **SETTINGS)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        recorded(folder, Regression(), batches, **SETTINGS)
        assert contents(folder) == contents(whole)


def test_siblings_of_any_name_are_left_alone(tmp_path):
    others = ["run.counterpart", "run.1.part", "run.77-0123abcd.part", "run.at-00000009", "run.5", "run.5.training",
              "run.training.old", "run2.training"]
    for name in others:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text(name)
    begun(tmp_path / "run")
    for name in ("record", "at-00000003", "at-00000099"):
        shutil.copytree(tmp_path / others[0], tmp_path / "run.training" / name)
    (tmp_path / "run.training" / "mine").write_text("run.training")
    recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert {path.name: (path / "mine").read_text() for path in tmp_path.iterdir() if path.name != "run"} == {
        name: name for name in [*others, "run.training"]}
    assert {path.name: (path / "mine").read_text() for path in (tmp_path / "run.training").iterdir() if path.is_dir()} \
        == dict.fromkeys(["record", "at-00000003", "at-00000099"], others[0])


@pytest.mark.parametrize("name", ["record", "at-00000003", "lock", "owner", "mark", "notes"])
@pytest.mark.parametrize("folder", [True, False])
def test_a_folder_in_the_place_of_the_workshop_that_no_run_made_is_refused_and_left_as_it_is(tmp_path, name, folder):
    mine = tmp_path / "run.training" / name / "mine" if folder else tmp_path / "run.training" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    for _ in range(2):
        with pytest.raises(DataError, match=r"run.training is where .* no run made what is in it"):
            recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert mine.read_text() == "years of work" and [path.name for path in tmp_path.iterdir()] == ["run.training"]


def test_an_empty_folder_in_the_place_of_the_workshop_serves(whole, tmp_path):
    (tmp_path / "run.training").mkdir()
    recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert contents(tmp_path / "run") == contents(whole) and [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_link_to_nowhere_is_refused_before_the_training(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "nowhere")
    stepper = Regression()
    with pytest.raises(DataError, match="a link to nowhere"):
        recorded(tmp_path / "run", stepper, batches, **SETTINGS)
    assert (stepper.arrays["W"] == 1).all() and (tmp_path / "run").is_symlink()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="two writers are made with os.fork")
@pytest.mark.parametrize("names", [("lr-1", "lr-1.5"), ("run", "run")])
def test_two_that_train_side_by_side_lose_nothing(whole, tmp_path, names):
    for trial in range(20):
        place, children = tmp_path / str(trial), []
        place.mkdir()
        for name in names:
            if not (child := os.fork()):
                try:
                    recorded(place / name, Regression(), batches, **SETTINGS | {"checkpoint_every": 1})
                except DataError as fault:
                    os._exit(7 if "is being trained by" in str(fault) else 1)
                os._exit(0)
            children.append(child)
        ends = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
        assert ends in ([0, 0], [0, 7]) and (ends == [0, 0] or len(set(names)) == 1)
        assert sorted(path.name for path in place.iterdir()) == sorted(set(names))
        assert all(contents(place / name) == contents(whole) for name in names)


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
    with pytest.raises(DivergedError, match="step 17") as again:
        recorded(tmp_path / "run", Regression(), batches, **SETTINGS)
    assert again.value.step == 17 and again.value.history.steps.tolist() == [0, 7, 14]
