"""How good 150 seconds on two cores are: chapter 12's recipe, as many steps as fit, and nanoGPT's beside it.

Wall time on two threads, for each seed in turn, so the machine has to be quiet; some 13 minutes. The loss is over
all held-out windows.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

SECONDS, FITTING, SEEDS = 150, 2500, 3

os.environ["OMP_NUM_THREADS"] = "2"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book"))

import torch  # noqa: E402

from chapters.ch12.study import FULL, batches, recipe  # noqa: E402
from transformer_lab.tasks import text  # noqa: E402
from transformer_lab.training import fit  # noqa: E402
from transformer_lab.training.held_out import losses_at  # noqa: E402


def trained(change: str, steps: int, seed: int) -> tuple[float, float]:
    """Wall seconds of the training, and the loss in nats a character over all held-out windows."""
    run = recipe(change, steps, seed)
    stepper, batch_of, began = run.stepper(), batches(run), time.perf_counter()
    fit(stepper, batch_of, steps=steps, learning_rate=run.learning_rate)
    return time.perf_counter() - began, float(losses_at(stepper.module, text.tests(run.task)[0]).mean())


def main() -> None:
    torch.set_num_threads(2)
    print(f"{'':12}{'steps':>6}{'seed':>6}{'seconds':>9}{'nats':>8}")
    for name, change, steps in (("ours", "ever longer windows", FITTING), ("nanoGPT's", "nanoGPT", FULL["nanoGPT"])):
        for seed in range(SEEDS):
            seconds, loss = trained(change, steps, seed)
            late = f"  more than {SECONDS} s" if seconds > SECONDS else ""
            print(f"{name:12}{steps:6}{seed:6}{seconds:9.1f}{loss:8.4f}{late}", flush=True)


if __name__ == "__main__":
    main()
