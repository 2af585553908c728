r"""A toy corpus whose every floor is known: walks on a ring of eight letters, 1, 3 or 6 places on at each step.

The walk is a Markov chain, so the chance of a hidden letter, given any others, however blurred, is exact: what comes
from its left and what comes from its right are passed along (Rabiner 1989).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from transformer_lab.checks import check_choice
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Flags, Seed, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["CHAIN", "STEPS", "N", "V", "beliefs", "entropy", "floors_of_a_letter", "letters", "multisets", "spelt",
           "told", "walks"]

V, N = 8, 12                           # letters, and letters of a string
STEPS = {1: 0.5, 3: 0.3, 6: 0.2}       # how far on the ring, and how likely
#: The chance of the next letter (column) after a letter (row).
CHAIN = np.array([[STEPS.get((after - before) % V, 0.0) for after in range(V)] for before in range(V)])


@checked
def walks(n: Whole(1), *, seed: Seed, purpose: str = "walks", step: Whole() = 0, length: Whole(1) = N) -> np.ndarray:
    """Random strings (n, length) of the numbers 0 to 7; the same for the same seed, purpose and step.

    >>> spelt(walks(2, seed=1)[0])
    'efaghcdbcdef'
    """
    rng = generator(seed, purpose, step)
    moves = rng.choice(list(STEPS), p=list(STEPS.values()), size=(n, length))
    moves[:, 0] = rng.integers(V, size=n)
    return moves.cumsum(axis=1) % V


@checked
def spelt(tokens: Wholes("pos", low=0, below=13, empty=True)) -> str:
    """Letters a to h; a token beyond them is written as what it is for.

    >>> spelt([0, 1, 8, 7])
    'ab_h'
    """
    return "".join("abcdefgh_|12."[int(token)] for token in tokens)


@checked
def letters(text: str) -> np.ndarray:
    """The numbers of the letters of a text, one row (1, length).

    >>> letters("abe").tolist()
    [[0, 1, 4]]
    """
    return np.array([["abcdefgh".index(check_choice("text", letter, "abcdefgh")) for letter in text]])


@checked
def told(tokens: Wholes("row pos", low=0), hidden: Flags("row pos") | None = None) -> np.ndarray:
    """What each place says of its letter (row, pos, letter): all of it, or, where it is hidden, nothing.

    >>> told([[2]]).shape, told([[2]], [[True]]).sum()
    ((1, 1, 8), np.float64(8.0))
    """
    said = np.eye(V)[tokens % V]
    return said if hidden is None else np.where(hidden[..., None], 1.0, said)


@checked
def beliefs(said: Array("row pos 8"), own: Array("row pos 8") | None = None, *,
            left_only: bool = False) -> np.ndarray:
    r"""The chance of each letter at each place (row, pos, letter), from what all *other* places say, and from ``own``,
    what the place itself says (nothing, if not given).

    .. math:: P(x_t \mid \text{all}) \propto \Big(\sum_{x} \alpha_{t-1}(x)\, P(x, x_t)\Big)\; o_t(x_t)\; \beta_t(x_t)

    eq-beliefs in the book. ``said`` (row, pos, letter) are likelihoods; with ``left_only`` the right side is not known.

    >>> gap = told(letters("abe"), [[False, True, False]])
    >>> beliefs(gap)[0, 1].round(3).tolist()
    [0.0, 0.441, 0.0, 0.441, 0.0, 0.0, 0.118, 0.0]
    """
    left, right = np.full_like(said, 1 / V), np.ones_like(said)
    for t in range(1, said.shape[1]):
        left[:, t] = scaled(left[:, t - 1] * said[:, t - 1]) @ CHAIN
    for t in range(said.shape[1] - 1 if not left_only else 0)[::-1]:
        right[:, t] = scaled(right[:, t + 1] * said[:, t + 1]) @ CHAIN.T
    return scaled(left * right * (1.0 if own is None else own))


def scaled(weights):
    """Made to sum to one over the last axis."""
    return weights / weights.sum(axis=-1, keepdims=True)


@checked
def entropy(chances: Array("... case", low=0)) -> np.ndarray:
    """In nats, over the last axis.

    >>> entropy(np.array([0.5, 0.5, 0.0])).round(4)
    np.float64(0.6931)
    """
    return -np.where(chances > 0, chances * np.log(np.where(chances > 0, chances, 1.0)), 0.0).sum(axis=-1)


def floors_of_a_letter() -> dict[str, float]:
    """What one hidden letter far from the ends costs at least, in nats, by who sees what of the rest.

    >>> {name: round(cost, 3) for name, cost in floors_of_a_letter().items()}
    {'nothing': 2.079, 'left': 1.03, 'both sides': 0.553, 'the letter itself': 0.0}
    """
    left, two = CHAIN[0], CHAIN @ CHAIN
    between = [scaled(CHAIN[0] * CHAIN[:, end]) for end in range(V) if two[0, end]]
    both = sum(two[0, end] * entropy(each) for end, each in
               zip(np.flatnonzero(two[0]), between, strict=True))
    return {"nothing": float(np.log(V)), "left": float(entropy(left)), "both sides": float(both),
            "the letter itself": 0.0}


@checked
def multisets(length: Whole(1, 16) = N) -> tuple[np.ndarray, np.ndarray]:
    """How often each letter may occur in a string (case, letter), and the chance of it (case,).

    >>> counts, chances = multisets(3)
    >>> len(counts), chances.sum().round(12), counts.sum(axis=1).max()
    (56, np.float64(1.0), np.int64(3))
    """
    return counted(length)


@cache
def counted(length):
    base = length + 1
    codes, last, chances = base ** np.arange(V), np.arange(V), np.full(V, 1 / V)
    for _ in range(length - 1):
        after = (last[:, None] + np.array(list(STEPS))) % V
        codes = (codes[:, None] + base ** after) * V + after
        states, where = np.unique(codes, return_inverse=True)
        chances = np.bincount(where.ravel(), (chances[:, None] * np.array(list(STEPS.values()))).ravel())
        codes, last = states // V, states % V
    kinds, where = np.unique(codes, return_inverse=True)
    return kinds[:, None] // base ** np.arange(V) % base, np.bincount(where, chances)
