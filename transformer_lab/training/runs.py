"""A run: fit() with a record, that goes on where it was killed.

While it trains, ``NAME.at-STEP`` beside the record is the newest checkpoint: a record like
any other, with the optimiser's memory. When it ends, ``NAME`` is the record.
"""

from __future__ import annotations

import glob
import os
import shutil
import time
from pathlib import Path

from ..errors import DataError, DivergedError
from .fit import fit
from .history import weights_of
from .records import Record, read_record, versions, write_record
from .seals import check_folder

__all__ = ["recorded"]


def recorded(folder, stepper, batches, *, config: dict, steps: int, checkpoint_every: int | None = None,
             **settings) -> Record:
    """Train with :func:`fit` and keep the record in ``folder``.

    A finished record of the same configuration is read and returned: nothing trains twice.
    A run that was killed goes on from its newest checkpoint and ends in the same bytes as if
    nothing had happened. One that meets NaN keeps its last good state in the record.

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
        If the folder holds another run, or a damaged one, or a checkpoint of other versions.
    DivergedError
        If a number is no longer finite, after the record was written.
    """
    folder, started = check_folder(folder), (time.perf_counter(), time.process_time())
    if folder.exists():
        clear(folder)
        return read_record(folder, config=config)
    sweep(folder)
    found = newest(folder, config)
    first = found.manifest["step"] if found else 0
    if found:
        stepper.load_state(found.state)

    def save(step, state, history):
        if step != first:
            write_record(checkpoint_folder(folder, step), config=config, history=history, state=state, step=step)
            clear(folder, but=step)

    try:
        history, stopped = fit(stepper, batches, steps=steps, checkpoint=save if checkpoint_every else None,
                               checkpoint_every=checkpoint_every, start=first,
                               history=found.history if found else None, **settings), None
    except DivergedError as fault:
        history, steps, stopped = fault.history, fault.step, fault
    timing = {"wall_s": time.perf_counter() - started[0], "cpu_s": time.process_time() - started[1]}
    write_record(folder, config=config, history=history, step=steps, stopped=str(stopped or ""), timing=timing,
                 state=stepper.state() if stopped else weights_of(stepper.state()))
    clear(folder)
    if stopped:
        raise stopped
    return read_record(folder)


def checkpoint_folder(folder: Path, step: int) -> Path:
    return folder.with_name(f"{folder.name}.at-{step:08d}")


def checkpoints(folder) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    folder = Path(folder)
    return sorted(folder.parent.glob(glob.escape(folder.name) + ".at-" + "[0-9]" * 8))


def newest(folder: Path, config: dict) -> Record | None:
    """The newest checkpoint, if it was written by the same versions: others need not continue bit for bit."""
    paths = checkpoints(folder)
    if not paths:
        return None
    found = read_record(paths[-1], config=config)
    if found.manifest["versions"] != versions():
        raise DataError(f"{paths[-1]} was written by {found.manifest['versions']}, and this is {versions()}. "
                        "Delete it to start the run again, or go on with the versions that it names.")
    return found


def clear(folder: Path, but: int | None = None) -> None:
    """Remove the other checkpoints. Each is first renamed, so that none is ever seen half deleted."""
    for path in checkpoints(folder):
        if but is None or path != checkpoint_folder(folder, but):
            path.rename(path.with_name(f"{path.name}.{os.getpid()}.part"))
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what a killed run left half written or half deleted."""
    for half in folder.parent.glob(glob.escape(folder.name) + ".*part"):
        shutil.rmtree(half)
