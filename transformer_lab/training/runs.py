"""A run: fit() with a record, that goes on where it was stopped.

While it trains, ``NAME.training`` beside the record is its workshop: the newest checkpoint, which is a record like any
other with the optimiser's memory, and a lock that says which process holds it. When the run ends, ``NAME`` is the
record and the workshop is gone. What a run did not make is never removed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ..errors import DataError, DivergedError
from ..places import sibling
from .fit import fit
from .folders import check_writable, unwritable
from .history import History, weights_of
from .records import Record, difference, read_record, versions, write_record
from .seals import check_folder, readable, sha256

__all__ = ["recorded"]

CHECKPOINT = re.compile(r"at-\d{8}")
OURS = re.compile(r"(at-\d{8}|record)(\.\d+-[0-9a-f]{8}\.part)?")


def recorded(folder, stepper, batches, *, config: dict, steps: int, checkpoint_every: int | None = None,
             **settings) -> Record:
    """Train with :func:`fit` and keep the record in ``folder``.

    A finished record of the same configuration is read and returned: nothing trains twice. A run that was stopped, by
    Ctrl-C or by a kill, goes on from its newest checkpoint and ends in the same bytes as if nothing had happened. One
    that meets NaN keeps its last good state in the record, and whoever asks for it again gets the same error again.

    Parameters
    ----------
    folder : path
        The record's folder.
    stepper, batches, steps, settings
        As for :func:`fit`.
    config : dict
        Plain values that name the run: what a record is recognised by.
    checkpoint_every : int, optional
        Steps between two checkpoints; without it there are none.

    Raises
    ------
    DataError
        If the folder cannot be written, holds another run or a damaged one, or if another process is training it; if
        there is a checkpoint that would not go on bit for bit: of other settings, batches, versions or threads.
    DivergedError
        If a number is no longer finite, after the record was written.
    KeyboardInterrupt
        After Ctrl-C; the next call goes on with this very step.
    """
    folder = check_folder(folder)
    if not there(folder):
        with owned(folder) as workshop:
            if not folder.exists():  # else another process was quicker
                train(folder, workshop, stepper, batches, config, steps, checkpoint_every, settings)
    elif workshop_of(folder).is_dir():  # a kill came between the record and the tidying up
        with suppress(DataError), owned(folder):  # where nobody may write, or another process tidies up, it can wait
            pass
    return finished(folder, config)


def finished(folder: Path, config: dict) -> Record:
    record = read_record(folder, config=config)
    if stopped := record.manifest["stopped"]:
        raise DivergedError.kept(stopped, record.manifest["step"], record.history)
    return record


def there(folder: Path) -> bool:
    with readable(folder):
        return folder.exists()


def train(folder, workshop, stepper, batches, config, steps, checkpoint_every, settings) -> None:
    """Train from the newest checkpoint or from the start, and write the record."""
    started, made = (time.perf_counter(), time.process_time()), conditions(steps, settings)
    history, first, last, stopped = History(), 0, -1, None

    def state_of(step):
        return made | {"next": upcoming(step, steps, batches, settings.get("learning_rate"))}

    found = newest(workshop, config)
    tidy(workshop, but=found.path.name if found else "")
    if found:
        check_conditions(found, state_of(found.manifest["step"]))
        stepper.load_state(found.state)
        history, first = found.history, found.manifest["step"]

    def save(step, state, history):
        checkpoint = workshop / f"at-{step:08d}"
        if step != first and not checkpoint.exists():
            write_record(checkpoint, config=config, history=history, state=state, step=step, conditions=state_of(step))
            tidy(workshop, but=checkpoint.name)

    with heeded(checkpoint_every) as pressed:
        def stoppable(step):
            nonlocal last
            if pressed.is_set() and step > last:  # the weights have had all steps before this one, and no other
                save(step, stepper.state(), history)
                raise KeyboardInterrupt(f"{folder} is kept as it is at step {step:,}. The same command goes on.")
            last = max(last, step)
            return batches(step)

        try:
            fit(stepper, stoppable, steps=steps, checkpoint=save if checkpoint_every else None,
                checkpoint_every=checkpoint_every, start=first, history=history, **settings)
        except DivergedError as fault:
            history, steps, stopped = fault.history, fault.step, fault
    timing = {"wall_s": time.perf_counter() - started[0], "cpu_s": time.process_time() - started[1]}
    write_record(workshop / "record", config=config, history=history, step=steps, stopped=str(stopped or ""),
                 timing=timing, conditions=made, state=stepper.state() if stopped else weights_of(stepper.state()))
    try:
        (workshop / "record").rename(folder)
    except OSError as fault:
        raise unwritable(folder, fault) from None


# ---- the workshop ---------------------------------------------------------------------------------------------

def workshop_of(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.training"


@contextmanager
def owned(folder: Path):
    """The workshop of a run, held against all other processes; it goes as soon as the record is there."""
    workshop = workshop_of(check_writable(folder))
    lock = locked(workshop, folder)
    try:
        yield workshop
    finally:
        if folder.exists():
            tidy(workshop)
            for name in ("owner", "lock"):
                (workshop / name).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # there is something in it that is not ours, or a checkpoint to go on with
            workshop.rmdir()


def locked(workshop: Path, folder: Path) -> FileLock:
    """The lock in the workshop, with the name of this process beside it."""
    lock = FileLock(workshop / "lock", timeout=0)
    for _ in range(100):
        try:
            workshop.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            (workshop / "owner").write_text(f"process {os.getpid()} on {platform.node()}, since {time.ctime()}\n")
            return lock
        except Timeout:
            raise DataError(f"{folder} is being trained by {owner(workshop)}. Wait until it is done, or choose another "
                            "folder.") from None
        except FileNotFoundError:  # another process has just done with it
            lock.release()
        except OSError as fault:
            lock.release()
            raise unwritable(folder, fault) from None
    raise unwritable(folder, FileNotFoundError(2, f"{workshop} is removed again and again"))


def owner(workshop: Path) -> str:
    with suppress(OSError):
        return (workshop / "owner").read_text("utf-8").strip() or "another process"
    return "another process"


def checkpoints(workshop: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(path for path in workshop.iterdir() if CHECKPOINT.fullmatch(path.name))


def newest(workshop: Path, config: dict) -> Record | None:
    return read_record(paths[-1], config=config) if (paths := checkpoints(workshop)) else None


def tidy(workshop: Path, but: str = "") -> None:
    """Remove the checkpoints that a run no longer needs, and what it left half written when it was killed.

    Each is first renamed, so that none is ever seen half deleted.
    """
    for path in list(workshop.iterdir()):
        if OURS.fullmatch(path.name) and path.name != but:
            shutil.rmtree(path if path.suffix == ".part" else path.rename(sibling(path, "part")))


# ---- what the bytes depend on ----------------------------------------------------------------------------------

def conditions(steps: int, settings: dict) -> dict:
    """What a run's bytes depend on besides its configuration, as far as one can write it down."""
    best = settings.get("best")
    return {"steps": steps, "every": settings.get("every", 1), "keep": [int(step) for step in settings.get("keep", ())],
            "best": [best[0], best[1].__name__] if best else None}


def upcoming(step: int, steps: int, batches, learning_rate) -> dict:
    """The learning rate and the checksum of the batch with which a run goes on."""
    if step >= steps:
        return {}
    rate = learning_rate(step) if callable(learning_rate) else learning_rate
    return {"learning_rate": float(rate), "batch": digest(batches(step))}


def digest(batch) -> str:
    """A checksum of the arrays in a batch."""
    parts = batch if isinstance(batch, (tuple, list)) else getattr(batch, "__dict__", {0: batch}).values()
    arrays = [array for array in map(np.asarray, parts) if array.dtype.kind in "biufc"]
    return sha256(b"".join(f"{array.dtype.str} {array.shape}".encode() + array.tobytes() for array in arrays))[:16]


def check_conditions(found: Record, wanted: dict) -> None:
    """A checkpoint that would not go on bit for bit is refused, and what differs is named."""
    was, now = (made | {"versions": with_these} for made, with_these in (
        (found.manifest.get("conditions", {}), found.manifest["versions"]), (wanted, versions())))
    if was != now:
        raise DataError(f"{found.path} would not go on as it began: {difference(was, now)}. Go on with the settings "
                        "and versions that it was begun with; or delete this folder, to start the run again.")


@contextmanager
def heeded(checkpoint_every):
    """Ctrl-C is noted, and heeded between two steps; a second one stops at once."""
    pressed = threading.Event()

    def note(number, frame):
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    if not checkpoint_every or threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
