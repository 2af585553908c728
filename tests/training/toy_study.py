"""A study of many units of a few milliseconds, each of which says in a file that it was run; processes import it."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from transformer_lab.training import Study

UNITS = int(os.environ.get("TOY_UNITS", "200"))


def unit(arm, seed):
    """Some arrays of several kinds; the log gets a line for each time that a unit is run."""
    rng = np.random.default_rng(1000 * arm + seed)
    time.sleep(float(os.environ.get("TOY_SECONDS", "0.003")))
    if log := os.environ.get("TOY_LOG"):
        with open(log, "a") as lines:
            lines.write(f"{arm} {seed}\n")
    loss = rng.random(5).astype(np.float16)
    return {"loss": ("step", loss), "count": ((), np.uint8(arm)), "step": ("step", range(5))}


TOY = Study("toy", unit, arms={"arm": range(UNITS // 10)}, seeds=range(10))

if __name__ == "__main__":
    TOY.run(jobs=int(sys.argv[1]) if sys.argv[1:] else 1)
    print(Path(os.environ["TRANSFORMER_LAB_HOME"]))
