"""Freed memory is kept for the next step.

A training step allocates the same few megabytes as the one before. On Linux the C library hands large freed blocks back
to the system, which then has to find, clear and map them again: a fifth of the time of a small model's step.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h


@cache
def keep_freed_memory() -> bool:
    """Let this process keep up to 256 MB of freed memory. Returns whether that is so; elsewhere nothing happens.

    >>> keep_freed_memory() in (True, False)
    True
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return bool(mallopt and mallopt(M_TRIM_THRESHOLD, 256 << 20) and mallopt(M_MMAP_THRESHOLD, 32 << 20))
