"""Counter-based randomness: a generator is made from (seed, purpose, step), never carried along.

Because no generator has a state that must be saved, a resumed run draws what an
uninterrupted one would have drawn, and two purposes never share a stream.
"""

from __future__ import annotations

import hashlib

import numpy as np

from .errors import EmptyError
from .rules import Seed, Whole
from .signatures import checked
from .wording import check_name

__all__ = ["generator"]


@checked
def generator(seed: Seed, purpose: str, step: Whole(0, 2**63 - 1) = 0) -> np.random.Generator:
    """The generator for one purpose ("init", "batch", "dropout", …) at one step (0 where there is none) of a run.

    Philox-4x64 (Salmon et al. 2011): the key is (seed, word of the purpose), the counter starts
    at ``step`` times 2**128, so steps never overlap. The word is the first 64 bits of
    sha256(purpose); from 2**63 on it is rounded to a double, which keeps 53 of them.

    >>> first = generator(7, "batch", 3).random()
    >>> first == generator(7, "batch", 3).random(), first == generator(7, "init", 3).random()
    (True, False)
    """
    if not purpose:
        raise EmptyError("purpose", "''", "a word such as 'batch' or 'init'", "Say what the numbers are for.")
    check_name("purpose", purpose)
    key = np.array([seed, word_of(purpose)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, step, 0]))


def word_of(purpose: str) -> int:
    """The second half of the key. Its rounding is part of the definition: every shipped run was drawn with it."""
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    return word if word < 2**63 else int(float(word))
