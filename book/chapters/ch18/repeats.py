r"""Strings of random letters that repeat with a period nobody is told, and the best that anyone can say of them.

A string begins with a mark, :data:`MARK`. After some letters it starts again from its first one, and again, until the
window is full. The letters of the first pass can only be guessed; from the second pass on each can be *looked up*: it
stands behind a copy of the letter before it, the one that stood a period ago.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transformer_lab.randomness import generator
from transformer_lab.rules import Seed, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["LETTERS", "MARK", "PERIODS", "N", "Strings", "foretold", "looked_up", "spelt", "strings"]

LETTERS, N = 20, 32               # different letters, and tokens in a window
MARK = LETTERS                    # the token before the first letter
PERIODS = np.arange(6, 15)        # all equally likely


class Strings(NamedTuple):
    """Windows of tokens (row, pos), the letter after each token, and each row's period."""

    tokens: np.ndarray
    targets: np.ndarray
    periods: np.ndarray


@checked
def strings(n: Whole(1), *, seed: Seed, purpose: str = "strings", step: int = 0) -> Strings:
    """Random strings; the same for the same seed, purpose and step.

    >>> found = strings(2, seed=1)
    >>> spelt(found.tokens[0][:17]), int(found.periods[0])
    ('>tapstgtmjtapstgt', 9)
    """
    rng = generator(seed, purpose, step)
    periods = rng.choice(PERIODS, size=n)
    once = rng.integers(LETTERS, size=(n, N))
    letters = np.take_along_axis(once, np.arange(N) % periods[:, None], axis=1)
    return Strings(np.concatenate([np.full((n, 1), MARK), letters[:, :-1]], axis=1), letters, periods)


@checked
def spelt(tokens: Wholes("pos", low=0, high=MARK)) -> str:
    """Tokens as letters, and the mark as >."""
    return "".join("abcdefghijklmnopqrst>"[int(token)] for token in tokens)


@checked
def looked_up(found: Strings) -> np.ndarray:
    """Which targets (row, pos) can be looked up: those from the second letter of the second pass on.

    >>> found = strings(3, seed=1)
    >>> (looked_up(found).sum(axis=1) == N - 1 - found.periods).all()
    np.True_
    """
    return np.arange(N) > found.periods[:, None]


@checked
def foretold(targets: Wholes("row pos", low=0, below=LETTERS)) -> np.ndarray:
    """The chance of each letter (row, pos, letter) for one who knows how strings are made and sees all before it.

    A period that has not been reached leaves the next letter open; one that has, and that all letters so far agree
    with, names it. Each counts by how likely it makes what was seen: one 20th for every letter of its first pass.

    >>> bool(np.allclose(foretold([[3, 1, 4]]), 1 / 20))
    True
    """
    chances = np.full((*targets.shape, LETTERS), 1 / LETTERS)
    for t in range(1, targets.shape[1]):
        agree = np.array([(targets[:, period:t] == targets[:, :max(t - period, 0)]).all(axis=1) for period in PERIODS])
        weights = agree * float(LETTERS) ** -np.minimum(PERIODS, t)[:, None]          # (period, row)
        says = [np.eye(LETTERS)[targets[:, t - period]] if period <= t else chances[:, 0] for period in PERIODS]
        chances[:, t] = np.einsum("pr,prl->rl", weights / weights.sum(axis=0), says)
    return chances
