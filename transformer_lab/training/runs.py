"""A run: fit() with a record, that goes on where it was stopped.

While it trains, the newest checkpoint is in its :mod:`workshop <transformer_lab.training.workshop>`: a record like any
other, with the optimiser's memory. When the run ends, ``NAME`` is the record and the workshop is gone.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ..errors import DataError, DivergedError
from ..rules import Number, Whole, Wholes
from ..signatures import checked
from .conditions import check_goes_on, check_same, code_of, conditions, upcoming
from .fit import BEST, fit
from .folders import unwritable
from .history import History, weights_of
from .records import Record, read_record, write_record
from .seals import PATH, PLAIN, readable
from .workshop import Workshop, owned, workshop_of

__all__ = ["recorded"]


@checked
def recorded(folder: PATH, stepper, batches: Callable, *, config: PLAIN, steps: Whole(1),
             learning_rate: Number(above=0) | Callable, evaluate: Callable | None = None, every: Whole(1) = 1,
             best: BEST | None = None, keep: Wholes("n", low=0, high="steps", empty=True) = (),
             checkpoint_every: Whole(1) | None = None, limit: Number(above=0) | None = None) -> Record:
    """Train with :func:`fit` and keep the record in ``folder``.

    A finished record of the same configuration and settings is read and returned: nothing trains twice. A run that was
    stopped, by Ctrl-C or by a kill, goes on from its newest checkpoint and ends in the same bytes as if nothing had
    happened. One that meets NaN keeps its last good state in the record, and whoever asks for it again gets the same
    error again.

    Parameters
    ----------
    folder : path
        The record's folder.
    stepper, batches, steps, learning_rate, evaluate, every, best, keep, limit
        As for :func:`fit`. What ``stepper.settings()`` returns, where there is such a method, is among the settings
        that a record is recognised by.
    config : dict
        Plain values that name the run: what a record is recognised by, too.
    checkpoint_every : int, optional
        Steps between two checkpoints; without it there are none.

    Raises
    ------
    DataError
        If the folder cannot be written, holds another run or a damaged one, or if another process is training it; if
        there is a checkpoint that would not go on bit for bit: of other settings, batches, functions, versions or
        threads.
    DivergedError
        If a number is no longer finite or the loss above its limit, after the record was written.
    KeyboardInterrupt
        After Ctrl-C; the next call goes on with this very step.

    Examples
    --------
    >>> import tempfile
    >>> from transformer_lab.training.stepper import Stepper
    >>> halving = Stepper({"w": np.array([8.0])}, lambda params, batch: (params["w"][0]**2 / 2, {**params}), "sgd")
    >>> with tempfile.TemporaryDirectory() as home:
    ...     record = recorded(Path(home) / "halving", halving, lambda step: None, config={"from": 8.0}, steps=3,
    ...                       learning_rate=0.5)
    >>> record.history["loss"].tolist(), record.weights["w"].tolist()
    ([32.0, 8.0, 2.0, nan], [1.0])
    """
    settings = {"steps": steps, "learning_rate": learning_rate, "evaluate": evaluate, "every": every, "best": best,
                "limit": limit, "keep": sorted({int(step) for step in np.ravel(keep)})}
    made = conditions(stepper, batches, **settings)
    if not there(folder):
        with owned(folder) as workshop:
            if not folder.exists():  # else another process was quicker
                train(folder, workshop, stepper, batches, config, checkpoint_every, settings, made)
    elif workshop_of(folder).is_dir():  # a kill came between the record and the tidying up
        with suppress(DataError), owned(folder):  # where nobody may write, or another process tidies up, it can wait
            pass
    return finished(folder, config, made)


def finished(folder: Path, config: dict, made: dict) -> Record:
    record = read_record(folder, config=config)
    check_same(record, made)
    if stopped := record.manifest["stopped"]:
        raise DivergedError.kept(stopped, record.manifest["step"], record.history)
    return record


def there(folder: Path) -> bool:
    with readable(folder):
        return folder.exists()


def train(folder, workshop: Workshop, stepper, batches, config, checkpoint_every, settings, made) -> None:
    """Train from the newest checkpoint or from the start, and write the record."""
    started, code = (time.perf_counter(), time.process_time()), code_of(stepper, settings["evaluate"])
    history, first, last, stopped, steps = History(), 0, -1, None, settings["steps"]

    def state_of(step):
        return made | {"next": upcoming(step, steps, batches, settings["learning_rate"], code)}

    found = begun(paths[-1], config) if (paths := workshop.checkpoints()) else None
    workshop.tidy(but=found and found.path)
    if found:
        check_goes_on(found, state_of(found.manifest["step"]))
        stepper.load_state(found.state)
        history, first = found.history, found.manifest["step"]

    def save(step, state, history):
        checkpoint = workshop.path(f"at-{step:08d}")
        if step != first and not checkpoint.exists():
            write_record(checkpoint, config=config, history=history, state=state, step=step, conditions=state_of(step))
            workshop.tidy(but=checkpoint)

    with heeded(checkpoint_every) as pressed:
        def stoppable(step):
            nonlocal last
            if pressed.is_set() and step > last:  # the weights have had all steps before this one, and no other
                save(step, stepper.state(), history)
                raise KeyboardInterrupt(f"{folder} is kept as it is at step {step:,}. The same command goes on.")
            last = max(last, step)
            return batches(step)

        try:
            fit(stepper, stoppable, checkpoint=save if checkpoint_every else None, checkpoint_every=checkpoint_every,
                start=first, history=history, **settings)
        except DivergedError as fault:
            history, steps, stopped = fault.history, fault.step, fault
    timing = {"wall_s": time.perf_counter() - started[0], "cpu_s": time.process_time() - started[1]}
    record = write_record(workshop.path("record"), config=config, history=history, step=steps, timing=timing,
                          stopped=str(stopped or ""), conditions=made,
                          state=stepper.state() if stopped else weights_of(stepper.state()))
    try:
        record.rename(folder)
    except OSError as fault:
        raise unwritable(folder, fault) from None


def begun(path: Path, config: dict) -> Record:
    """A checkpoint to go on with; of one that is damaged or another run's, what to do is said."""
    try:
        return read_record(path, config=config)
    except DataError as fault:
        raise DataError(f"{fault} Or delete {path}, to start the run again.") from None


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
