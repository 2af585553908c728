"""A progress bar of a few lines: on stderr, only where a terminal watches, silent everywhere else."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from ..checks import check_callable, check_type
from .history import check_measured

__all__ = ["Bar"]

FULL, EMPTY = "█░"


class Bar:
    """Redraws one line, as wide as the terminal at most, ten times a second at most; ``Bar(total).show(done, row)``."""

    def __init__(self, total: int, stream=None):
        if stream is not None:
            check_callable("stream.isatty", getattr(stream, "isatty", None))
        self.total, self.stream, self.said = total, sys.stderr if stream is None else stream, {}
        self.watched, self.last, self.begun = self.stream.isatty(), 0.0, None

    def show(self, done: int, row: dict) -> None:
        """Draw the bar with the numbers of ``row``; the last call ends the line."""
        check_type("row", row, dict)
        now = time.monotonic()
        self.begun = self.begun or (now, done)
        self.said |= row                        # what is not measured at every step stands until it is measured again
        if not self.watched or (done < self.total and now - self.last < 0.1):
            return
        self.last = now
        check_measured("row", row)
        numbers = ", ".join(filter(None, map(words, self.said, map(np.mean, self.said.values()))))
        columns = self.columns() - 1
        width = min(24, columns // 3)
        filled = width * done // max(self.total, 1)
        line = f"{FULL * filled}{EMPTY * (width - filled)} {done}/{self.total}{self.left(done, now)}  {numbers}"
        self.stream.write(f"\r\033[K{line[:columns]}" + ("\n" if done == self.total else ""))
        self.stream.flush()

    def columns(self) -> int:
        """The width of the terminal that watches, which need not be that of the output."""
        try:
            return int(os.environ.get("COLUMNS") or os.get_terminal_size(self.stream.fileno()).columns) or 80
        except (OSError, ValueError, AttributeError):
            return 80

    def left(self, done: int, now: float) -> str:
        """The time that is left, if what comes takes as long as what was."""
        start, before = self.begun
        if not before < done < self.total:
            return ""
        return f"  {duration((now - start) / (done - before) * (self.total - done))} left"


def words(name: str, value: float) -> str:
    """What was measured, as one says it; the step and the learning rate stand in the bar's own numbers and the record.

    >>> words("loss", 0.0123456), words("held_out_accuracy", 1.0), words("step", 3)
    ('loss 0.01235', 'held-out inputs 100.0 % right', '')
    """
    if name in ("step", "learning_rate"):
        return ""
    said = name.replace("held_out", "held-out").replace("_", " ")
    if said.split()[-1] != "accuracy":
        return f"{said} {value:.4g}"
    return f"{said.removesuffix('accuracy').strip()} inputs {100 * np.floor(1000 * value) / 1000:.1f} % right".strip()


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(7.2), duration(125), duration(10_000)
    ('7 s', '2 min', '2.8 h')
    """
    for size, word in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{int(size == 3600)}f} {word}"
    return f"{seconds:.0f} s"
