"""The 1,797 digits that scikit-learn bundles: in folds, moved by a pixel, cut into patches and put together again."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from transformer_lab.errors import ShapeError, installed
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Seed, Whole, Wholes
from transformer_lab.signatures import checked

__all__ = ["FOLDS", "SIDE", "WAYS", "batch", "cut", "digits", "distances", "folds", "joined_up", "moved"]

SIDE, FOLDS = 8, 10
#: How an image is moved, down and to the right: not at all, down, up, and to both sides.
WAYS = np.array([[0, 1, -1, 0, 0], [0, 0, 0, 1, -1]])


class Digits(NamedTuple):
    """``images`` (n, 8, 8), ink from 0 to 1, and the ``digit`` (n,) that each is."""

    images: np.ndarray
    digit: np.ndarray


@cache
def digits() -> Digits:
    """All images in the order in which scikit-learn has them; nothing is fetched.

    >>> images, digit = digits()
    >>> images.shape, float(images.max()), digit[:4].tolist()
    ((1797, 8, 8), 1.0, [0, 1, 2, 3])
    """
    found = installed("sklearn.datasets", "The digits").load_digits()
    return Digits((found.images / 16).astype(np.float32), found.target.astype(np.int64))


@cache
def folds() -> np.ndarray:
    """Which of ten folds holds each image out (n,), drawn by chance, with equally many of each digit.

    >>> [int((folds() == fold).sum()) for fold in (0, 9)]
    [180, 179]
    """
    digit = digits().digit
    order = np.lexsort((generator(0, "folds of digits").random(len(digit)), digit))
    fold = np.empty(len(digit), int)
    fold[order] = np.arange(len(digit)) % FOLDS
    return fold


@checked
def moved(images: Array("n 8 8"), down: Wholes("n", low=-1, high=1), right: Wholes("n", low=-1, high=1)) -> np.ndarray:
    """Each image moved by at most a pixel down and to the right; what leaves the picture is lost.

    >>> moved(np.eye(8)[None], [1], [0])[0, :2, :2].tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    padded, place = np.pad(images, ((0, 0), (1, 1), (1, 1))), np.arange(SIDE)
    rows, columns = 1 - down[:, None] + place, 1 - right[:, None] + place
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


@checked
def batch(train: Wholes("n", low=0), size: Whole(1), *, seed: Seed, step: Whole()) -> tuple[np.ndarray, np.ndarray]:
    """Images (size, 1, 8, 8) and digits of one step: each image of ``train`` once in an epoch, moved up, down, to a
    side, or not at all.

    >>> images, digit = batch(np.arange(100), 10, seed=0, step=3)
    >>> images.shape, digit.shape
    ((10, 1, 8, 8), (10,))
    """
    epoch, place = divmod(step, max(1, len(train) // size))
    drawn = train[generator(seed, "epoch", epoch).permutation(len(train))[place * size:(place + 1) * size]]
    way = generator(seed, "moved", step).integers(5, size=len(drawn))
    down, right = WAYS[:, way]
    images, digit = digits()
    return moved(images[drawn], down, right)[:, None], digit[drawn]


@checked
def cut(images: Array("... height width"), side: Whole(1)) -> np.ndarray:
    r"""The patches of images, row by row from the top, each as a row of pixels (..., patch, side²) (eq-patches).

    >>> cut(np.arange(16.0).reshape(4, 4), 2)[:2].tolist()
    [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]
    """
    *lead, height, width = images.shape
    if height % side or width % side:
        raise ShapeError("images", f"{height} by {width} pixels", f"a multiple of side={side} each way", "Choose one.")
    parts = images.reshape(*lead, height // side, side, width // side, side)
    return np.moveaxis(parts, -2, -3).reshape(*lead, -1, side**2)


@checked
def joined_up(patches: Array("... patch pixel")) -> np.ndarray:
    """Square images from their patches: what :func:`cut` undoes.

    >>> bool((joined_up(cut(digits().images[:5], 2)) == digits().images[:5]).all())
    True
    """
    *lead, n, pixels = patches.shape
    across, side = round(n**0.5), round(pixels**0.5)
    if across**2 != n or side**2 != pixels:
        raise ShapeError("patches", f"{n} of {pixels} pixels", "square numbers of both", "Pass what cut() returns.")
    parts = np.moveaxis(patches.reshape(*lead, across, across, side, side), -2, -3)
    return parts.reshape(*lead, across * side, across * side)


@checked
def distances(across: Whole(1)) -> np.ndarray:
    """How far patches are from each other (patch, patch), straight across the grid.

    >>> distances(4)[0, [1, 4, 5]].round(2).tolist()
    [1.0, 1.0, 1.41]
    """
    at = np.stack(np.divmod(np.arange(across**2), across))
    return np.linalg.norm(at[:, :, None] - at[:, None], axis=0)
