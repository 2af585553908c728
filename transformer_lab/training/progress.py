"""A progress bar of a few lines: on stderr, only where a terminal watches, silent everywhere else."""

from __future__ import annotations

import sys
import time

import numpy as np

__all__ = ["Bar"]


class Bar:
    """Redraws one line at most ten times a second; ``Bar(total).show(done, row)``."""

    def __init__(self, total: int, stream=None):
        self.total, self.stream = total, stream or sys.stderr
        self.watched, self.last = self.stream.isatty(), 0.0

    def show(self, done: int, row: dict) -> None:
        """Draw the bar with the numbers of ``row``; the last call ends the line."""
        now = time.monotonic()
        if not self.watched or (done < self.total and now - self.last < 0.1):
            return
        self.last = now
        filled = 24 * done // self.total
        numbers = "  ".join(f"{name} {float(np.mean(value)):.4g}" for name, value in row.items() if name != "step")
        end = "\n" if done == self.total else ""
        self.stream.write(f"\r\033[K{'█' * filled}{'░' * (24 - filled)} {done}/{self.total}  {numbers}{end}")
        self.stream.flush()
