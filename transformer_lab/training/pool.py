"""Where units of a study are run: joblib's processes, or a cluster whose workers may die at any moment."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from pathlib import Path

from ..errors import installed
from .datasets import write_dataset
from .folders import settled


def attempt(study, unit: dict, folder: Path) -> tuple[dict, str]:
    """Make and keep the result of a unit, in whatever process; returns the unit, and the traceback if it failed."""
    if settled(folder).exists():
        return unit, ""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        dataset = study.measured(unit)
        timing = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        write_dataset(folder, dataset, config=study.of_a_unit(unit), timing=timing)
    except Exception:
        return unit, "" if folder.exists() else traceback.format_exc()  # there: another process was quicker
    return unit, ""


def joblib():
    return installed("joblib", "Studies")


def pool(jobs: int | None):
    """Where units are run; their results come in whatever order they are done."""
    return joblib().Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)


def heard(outcomes, folders: list[Path], patience: float = 3.0):
    """What a pool returns, as it comes. It ends early where results are kept of which the pool has said nothing for
    ``patience`` seconds: a worker of a cluster has died with the news, and the pool may wait for it for ever.
    """
    news, told = queue.SimpleQueue(), 0
    threading.Thread(target=listen, args=(outcomes, news), daemon=True).start()
    while True:
        try:
            kind, value = news.get(timeout=patience)
        except queue.Empty:
            if sum(folder.exists() for folder in folders) > told:
                return
            continue
        if kind == "end":
            return
        if kind == "fault":
            raise value
        told += not value[1]
        yield value


def listen(outcomes, news) -> None:
    """Pass on what a pool returns; waiting for it must not keep the main thread."""
    try:
        for outcome in outcomes:
            news.put(("outcome", outcome))
        news.put(("end", None))
    except Exception as fault:
        news.put(("fault", fault))


def delayed(function):
    return joblib().delayed(function)
