"""What one look can hear: which keys a query can prefer, orders on a line, and where two looks always cross."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from transformer_lab.checks import check_array
from transformer_lab.rules import Array, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["crossing", "heard", "looks_back", "orders", "pair_points"]


@checked
def heard(k: Array("key d"), directions: Whole(4) = 3600) -> np.ndarray:
    """Which keys some query hears best (eq-inside), by trying directions all around; on a line there are two.

    >>> heard(np.array([[-1.0], [0.0], [2.0]])).tolist()
    [True, False, True]
    """
    if k.shape[1] == 1:
        q = np.array([[1.0], [-1.0]])
    else:
        angle = 2 * np.pi * np.arange(directions) / directions
        q = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.isin(np.arange(len(k)), (q @ k[:, :2].T).argmax(axis=-1))


@checked
def looks_back(steps: Whole(1, 7), n: Whole(2, 9) = 7) -> list[tuple[int, int]]:
    """For each query the number of places before it, and the one that it has to hear.

    >>> looks_back(3)
    [(3, 0), (4, 1), (5, 2), (6, 3), (7, 4)]
    """
    return [(t, t - steps) for t in range(steps, n + 1)]


@checked
def orders(wanted: Wholes("looks 2", low=0), n: Whole(2, 9) = 7) -> int:
    """In how many orders of ``n`` places on a line every wanted place stands at an end of those that its query sees.

    >>> orders(looks_back(1)), orders(looks_back(3))
    (64, 0)
    """
    for name, column, low in (("seen", wanted[:, 0], 1), ("place", wanted[:, 1], 0)):
        check_array(f"wanted: {name}", column, shape=("looks",), kind="whole", low=low, high=n - 1 + low)
    rank = np.array(list(permutations(range(n))))
    fits = [(rank[:, place] == rank[:, :seen].max(axis=1)) | (rank[:, place] == rank[:, :seen].min(axis=1))
            for seen, place in wanted]
    return int(np.logical_and.reduce(fits).sum())


@checked
def pair_points(rng: np.random.Generator, d: Whole(1, 4096) = 16) -> tuple[np.ndarray, np.ndarray]:
    """What a random head reads from two tokens in each of two places, with all else held: points (2, 2, d), weights.

    >>> [part.shape for part in pair_points(np.random.default_rng(0))]
    [(2, 2, 16), (2, 2)]
    """
    first, second, rest = np.exp(rng.normal(size=2)), np.exp(rng.normal(size=2)), np.exp(rng.normal())
    v, u, other = rng.normal(size=(2, d)), rng.normal(size=(2, d)), rng.normal(size=d)
    total = first[:, None] + second + rest
    read = (first[:, None] * v)[:, None] + (second[:, None] * u) + rest * other
    return read / total[..., None], total


@checked
def crossing(z: Array("2 2 d"), total: Array("2 2")) -> tuple[np.ndarray, np.ndarray]:
    """The point of each diagonal where the two cross (eq-crossing): a mean by the sums of weights.

    >>> on_one, on_other = crossing(*pair_points(np.random.default_rng(1)))
    >>> bool(np.allclose(on_one, on_other))
    True
    """
    def mean(places):
        return sum(total[at] * z[at] for at in places) / sum(total[at] for at in places)
    return mean([(0, 0), (1, 1)]), mean([(0, 1), (1, 0)])
