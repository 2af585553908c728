"""Kill a run at random moments and report what it left; started by test_killed_runs.py in a process of its own.

Forking a small process that has everything imported makes a hundred kills cheap.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from small_run import SETTINGS, Regression, batches

from transformer_lab.errors import LabError
from transformer_lab.training import read_record, recorded

KILLS, RESUMES = 100, 20


def run(folder):
    recorded(folder, Regression(), batches, **SETTINGS)


def contents(folder):
    """All that a run wrote, without how long it took."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return [manifest["content"], *(path.read_bytes() for path in sorted(folder.iterdir())
                                   if path.name not in ("timing.json", "manifest.json"))]


def records_in(place):
    """The record, or the checkpoints."""
    workshop = place / "run.training"
    return [path for path in (place / "run", *(workshop.iterdir() if workshop.exists() else ()))
            if path.is_dir() and not path.name.endswith(".part")]


def killed_after(seconds, folder):
    """True if the run was still going when it was killed."""
    child = os.fork()
    if child == 0:
        run(folder)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def readable(folder):
    try:
        return bool(read_record(folder).weights)
    except LabError as fault:
        print(fault, file=sys.stderr)
        return False


def main(root):
    started = time.perf_counter()
    run(root / "whole")
    duration, whole, moments = time.perf_counter() - started, contents(root / "whole"), random.Random(0)
    report = {"killed": 0, "records": 0, "unreadable": 0, "resumed": 0, "identical": 0, "left": []}
    for i in range(20 * KILLS):
        if report["killed"] >= KILLS and report["resumed"] == RESUMES:
            break
        place = root / f"kill-{i}"
        place.mkdir()
        if not killed_after(moments.random() * duration, place / "run"):
            continue  # it was faster than the kill
        report["killed"] += 1
        records = records_in(place)
        report["records"] += len(records)
        report["unreadable"] += sum(not readable(path) for path in records)
        if records and records[0].name != "run" and report["resumed"] < RESUMES:
            run(place / "run")
            report["resumed"] += 1
            report["identical"] += contents(place / "run") == whole
            report["left"] += [path.name for path in place.iterdir() if path.name != "run"]
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
