"""Counter-based randomness: a generator is made from (seed, purpose, step), never carried along.

Because no generator has a state that must be saved, a resumed run draws what an
uninterrupted one would have drawn, and two purposes never share a stream.
"""

from __future__ import annotations

import hashlib

import numpy as np

from .checks import check_seed, check_whole
from .errors import DtypeError

__all__ = ["generator"]


def generator(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """The generator for one purpose at one step of the run with this seed.

    Philox-4x64 (Salmon et al. 2011): the key is (seed, first 64 bits of sha256(purpose)),
    the counter starts at ``step`` times 2**128, so steps never overlap.

    Parameters
    ----------
    seed : int
        The run's seed, 0 to 2**63 - 1.
    purpose : str
        What the numbers are for: ``"init"``, ``"batch"``, ``"dropout"``, ...
    step : int
        The training step, or 0 where there is none.

    Examples
    --------
    >>> first = generator(7, "batch", 3).random()
    >>> first == generator(7, "batch", 3).random(), first == generator(7, "init", 3).random()
    (True, False)
    """
    if not isinstance(purpose, str) or not purpose:
        raise DtypeError("purpose", repr(purpose), "a word such as 'batch' or 'init'", "Pass a str.")
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    step = check_whole("step", step, low=0, high=2**63 - 1)
    return np.random.Generator(np.random.Philox(key=[check_seed("seed", seed), word], counter=[0, 0, step, 0]))
