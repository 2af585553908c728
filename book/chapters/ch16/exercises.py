"""Exercises of chapter 16, scaling in miniature: five to begin with. Put yours in their places."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_centred", "check_cosine", "check_mean_square", "check_shares", "check_spread"]


def _rows(rng):
    return [(rng.normal(size=n) + 1,) for n in (3, 5, 8)]


def mean_square(x):
    return (x**2).mean()


check_mean_square = Exercise(
    mean_square, "the mean square", _rows, right="Square first, then take the mean.",
    also_right=(lambda x: x @ x / len(x),), hint="Two steps: squares, and their mean.",
    mistakes={
        "This is the square of the mean; square first.": lambda x: x.mean()**2,
        "This is the sum of the squares; divide by their number.": lambda x: x @ x,
        "This is the root of what is asked.": lambda x: np.sqrt((x**2).mean())})


def centred(x):
    return x - x.mean()


check_centred = Exercise(
    centred, "the centred row", _rows, right="The mean is gone, and nothing else.",
    also_right=(lambda x: x - x.sum() / len(x),), hint="What remains has the mean zero.",
    mistakes={
        "You take off the sum; take off the mean.": lambda x: x - x.sum(),
        "You add the mean; take it off.": lambda x: x + x.mean(),
        "You also divide by the standard deviation.": lambda x: (x - x.mean()) / x.std()})


def spread(x):
    return np.sqrt(((x - x.mean())**2).mean())


check_spread = Exercise(
    spread, "the standard deviation", _rows, right="The root of the mean squared distance from the mean.",
    also_right=(np.std,), hint="Centre first; then root, mean, square, from right to left.",
    mistakes={
        "This is the variance; take its root.": np.var,
        "Centre the row first.": lambda x: np.sqrt((x**2).mean()),
        "This divides by n - 1; here the mean is asked.": lambda x: x.std(ddof=1)})


def shares(x):
    weights = np.exp(x - x.max())
    return weights / weights.sum()


check_shares = Exercise(
    shares, "the shares", _rows, right="They are positive and add up to one.",
    also_right=(lambda x: np.exp(x - np.logaddexp.reduce(x)),), hint="Powers of e, divided by their sum.",
    mistakes={
        "These do not add up to one.": np.exp,
        "Raise e to the power of x before you divide.": lambda x: x / x.sum(),
        "All shares are alike here; they should follow x.": lambda x: np.full(len(x), 1 / len(x))})


def cosine(x, y):
    return x @ y / np.sqrt((x @ x) * (y @ y))


check_cosine = Exercise(
    cosine, "the cosine", lambda rng: [tuple(rng.normal(size=(2, n))) for n in (2, 4, 7)],
    right="The dot product of two rows, whatever their lengths.",
    also_right=(lambda x, y: (x / np.linalg.norm(x)) @ (y / np.linalg.norm(y)),),
    hint="Divide the dot product by both lengths.",
    mistakes={
        "This is the dot product; divide by both lengths.": lambda x, y: x @ y,
        "You divide by the squares of the lengths.": lambda x, y: x @ y / ((x @ x) * (y @ y)),
        "You divide by the length of one of them only.": lambda x, y: x @ y / np.sqrt(x @ x)})
