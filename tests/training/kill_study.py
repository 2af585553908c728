"""Kill the toy study at random moments until it is done; ``python kill_study.py FOLDER KILLS`` prints what was lost.

Forking a small process that has everything imported makes many kills cheap.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from toy_study import TOY

from transformer_lab import places


def killed_after(seconds):
    """True if the study was still going when it was killed."""
    child = os.fork()
    if child == 0:
        TOY.run()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(root, kills):
    moments, report = random.Random(0), {"killed": 0, "rounds": 0, "lost": 0}
    os.environ["TRANSFORMER_LAB_HOME"] = str(root / "first")
    records = {TOY.run().attrs["record"]}  # and everything is imported
    os.environ["TRANSFORMER_LAB_HOME"], begun = str(root / "second"), time.perf_counter()
    records.add(TOY.run().attrs["record"])
    duration = time.perf_counter() - begun
    while report["killed"] < kills:
        os.environ["TRANSFORMER_LAB_HOME"], kept, shipped = str(root / str(report["rounds"])), set(), False
        report["rounds"] += 1
        for _ in range(8):
            report["killed"] += killed_after(moments.random() * duration)
            now = {path.name for path in places.runs("studies", "toy").glob("*-????????")}
            report["lost"] += len(kept - now)
            kept, was = now, shipped
            whole = [places.shipped("studies", "toy"), *places.shipped("studies").glob("toy.*.old")]
            shipped = any((folder / "dataset.json").exists() for folder in whole)
            report["lost"] += was and not shipped
            if was:
                records.add(TOY.load().attrs["record"])
        records.add(TOY.run().attrs["record"])  # reads every unit: whatever is damaged is refused here
    print(json.dumps(report | {"records": sorted(records)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
