"""What a killed writer left half written goes when its place is next written, and nothing else ever does.

The writers are processes of their own, and killed as a machine that runs out of memory kills them.
"""

import itertools
import os
import platform
import signal
import time
from pathlib import Path

import pytest

from transformer_lab.places import left_behind, sibling, written_whole
from transformer_lab.training.folders import place
from transformer_lab.training.seals import sealed, seals, unsealed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are killed in processes of their own")
FILES = {"config.json": b"{}", "metrics.csv": b"step,loss\n0,1.5\n" * 100}
CONTENTS = FILES | {"manifest.json": sealed({"files": seals(FILES)})}


def killed(work, monkeypatch, last=10**9):
    """Whether ``work`` was killed at file operation ``last``, in the middle of it where it writes."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    calls = itertools.count()

    def deadly(name, original):
        def operation(path, *args, **given):
            if next(calls) == last:
                if name == "write_bytes":
                    original(path, args[0][:len(args[0]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return original(path, *args, **given)
        return operation

    try:
        for name in ("mkdir", "write_bytes", "rename", "unlink", "rmdir"):
            monkeypatch.setattr(Path, name, deadly(name, getattr(Path, name)))
        work()
    finally:
        os._exit(0)


@pytest.mark.parametrize("old", [False, True])
def test_a_kill_at_every_file_operation_leaves_nothing_for_ever(tmp_path, monkeypatch, old):
    left = set()
    for last in itertools.count():
        folder = tmp_path / str(last) / "lr-1.5"
        if old:
            place(folder, CONTENTS)
        ended = not killed(lambda folder=folder: place(folder, CONTENTS, replace=True), monkeypatch, last)
        left |= {path.suffix for path in folder.parent.iterdir()} if folder.parent.exists() else set()
        place(folder, CONTENTS, replace=True)
        place(folder, CONTENTS, replace=True)  # what was put back is the first one's; then the second finds all
        assert [path.name for path in folder.parent.iterdir()] == ["lr-1.5"], last
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
        if ended:
            break
    assert last > (10 if old else 5) and left == {".5", ".part"} | ({".old"} if old else set())


def test_a_killed_writer_of_a_file_leaves_nothing_for_ever(tmp_path, monkeypatch):
    def write(text, deadly=False):
        with written_whole(tmp_path / "film.gif") as half:
            half.write_text(text)
            if deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    assert killed(lambda: write("half", deadly=True), monkeypatch)
    half, = tmp_path.iterdir()
    assert half.read_text() == "half" and half.suffix == ".part"
    write("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]


def named_by_the_dead(path, kind, tmp_path, change=lambda: None):
    """A name that a process gave that is no more."""
    if child := os.fork():
        os.waitpid(child, 0)
        return path.with_name((tmp_path / "name").read_text())
    try:
        change()
        (tmp_path / "name").write_text(sibling(path, kind).name)
    finally:
        os._exit(0)


@pytest.mark.parametrize("kind", ["part", "old"])
def test_what_is_not_provably_ours_and_dead_stays(tmp_path, monkeypatch, kind):
    folder = tmp_path / "place" / "run"
    place(folder, CONTENTS)
    dead = named_by_the_dead(folder, kind, tmp_path)
    elsewhere = named_by_the_dead(folder, kind, tmp_path, lambda: monkeypatch.setattr(platform, "node", lambda: "far"))
    pid, letters = dead.name.split(".")[1].split("-")
    kept = {"of a living process": sibling(folder, kind), "of another machine": elsewhere,
            "another's letters": folder.with_name(f"run.{pid}-{letters[::-1]}.{kind}"),
            "without a seal": folder.with_name(f"run.{pid}-{letters[:8]}.{kind}"),
            "of another process": folder.with_name(f"run.{int(pid) + 1}-{letters}.{kind}"),
            "of another name": folder.with_name(f"run2.{pid}-{letters}.{kind}")}
    for half in kept.values():
        half.mkdir()
        (half / "manifest.json").write_bytes(CONTENTS["manifest.json"])
    dead.mkdir()
    for name in ("manifest.json", "config.json", "mine"):
        (dead / name).write_bytes(CONTENTS.get(name, b"years of work"))
    assert left_behind(folder, kind) == [dead]
    place(folder, CONTENTS, replace=True)
    assert (dead / "mine").read_bytes() == b"years of work" and (dead / "config.json").exists()
    (dead / "mine").unlink()
    place(folder, CONTENTS, replace=True)
    assert {path.name for path in folder.parent.iterdir()} == {"run", *(half.name for half in kept.values())}
    assert all(unsealed(half / "manifest.json") for half in kept.values())


def test_what_a_living_writer_is_at_stays_while_another_writes(tmp_path):
    if not (child := os.fork()):
        half = sibling(tmp_path / "run", "part")
        half.mkdir()
        (half / "manifest.json").write_bytes(b"")
        time.sleep(60)
        os._exit(0)
    try:
        while not (found := list(tmp_path.glob("run.*/manifest.json"))):
            time.sleep(0.01)
        place(tmp_path / "run", CONTENTS)
        assert found[0].exists()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    place(tmp_path / "run", CONTENTS, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
