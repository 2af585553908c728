"""Exercises of chapter 14: a pair that turns, places that are squeezed, a lean, a row between rows, hands that come all
the way round.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_all_round", "check_leaning", "check_row_between", "check_squeezed", "check_turned"]


def turned(pair, angle):
    x, y = pair
    return np.array([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)])


def _pairs(rng):
    return [(rng.normal(size=2), float(angle)) for angle in rng.uniform(-3, 3, size=4)]


check_turned = Exercise(
    turned, "the turned pair", _pairs,
    right="A pair keeps its length; an angle of zero leaves it as it is.",
    also_right=(lambda pair, angle: np.array([(z := complex(*pair) * np.exp(1j * angle)).real, z.imag]),),
    hint="The first entry is x cos a - y sin a.",
    mistakes={
        "That turns the other way: by minus the angle.":
            lambda p, a: np.array([p[0] * np.cos(a) + p[1] * np.sin(a), p[1] * np.cos(a) - p[0] * np.sin(a)]),
        "Both signs are plus. A turn needs one minus, or lengths change.":
            lambda p, a: np.array([p[0] * np.cos(a) + p[1] * np.sin(a), p[0] * np.sin(a) + p[1] * np.cos(a)]),
        "Sines and cosines have changed places; at angle zero nothing may change.":
            lambda p, a: np.array([p[0] * np.sin(a) - p[1] * np.cos(a), p[0] * np.cos(a) + p[1] * np.sin(a)]),
        "That adds the point of the circle to the pair; it does not turn it.":
            lambda p, a: p + np.array([np.cos(a), np.sin(a)]),
        "That multiplies entry by entry; each new entry needs both old ones.":
            lambda p, a: p * np.array([np.cos(a), np.sin(a)])})


def squeezed(n, trained):
    return np.arange(n) * min(1, trained / n)


check_squeezed = Exercise(
    squeezed, "the places", [(8, 8), (12, 8), (16, 4), (3, 8)],
    right="Windows no longer than in training keep their places, longer ones share the same stretch.",
    also_right=(lambda n, trained: np.arange(n) / max(1, n / trained),),
    hint="All places are multiplied by one number, which is never above 1.",
    mistakes={
        "That cuts off places instead of squeezing them.": lambda n, m: np.minimum(np.arange(n), m - 1).astype(float),
        "That begins again; two characters then share a place.": lambda n, m: np.arange(n) % m + 0.0,
        "Short windows must stay as they are; you stretch them.": lambda n, m: np.arange(n) * m / n,
        "That stretches longer windows even further.": lambda n, m: np.arange(n) * max(1, n / m),
        "Places are not squeezed at all.": lambda n, m: np.arange(n) + 0.0})


def leaning(t, slope):
    return -slope * (t - np.arange(t + 1))


check_leaning = Exercise(
    leaning, "what is added to the scores", [(0, 0.5), (2, 1.0), (5, 0.0625), (8, 0.25)],
    right="Nothing at the query itself, and ever less before it.",
    also_right=(lambda t, slope: np.array([slope * (j - t) for j in range(t + 1)]),),
    hint="The query's own place gets 0, the one before it minus the slope.",
    mistakes={
        "The lean grows with the distance: further keys should get less.": lambda t, s: s * (t - np.arange(t + 1)),
        "The order of the keys is turned round: the last one is the query itself.": lambda t, s: -s * np.arange(t + 1),
        "The query itself is a key, too; one number is missing.": lambda t, s: -s * (t - np.arange(t)),
        "The slope multiplies the distance; it is not added to it.": lambda t, s: -(s + t - np.arange(t + 1)),
        "Distances count from 0, at the query itself.": lambda t, s: -s * (t + 1 - np.arange(t + 1))})


def row_between(rows, place):
    low = int(place)
    share = place - low
    high = min(low + 1, len(rows) - 1)
    return (1 - share) * rows[low] + share * rows[high]


def _rows(rng):
    return [(rng.normal(size=(4, 3)), place) for place in (0.0, 0.25, 1.5, 2.9, 3.0)]


check_row_between = Exercise(
    row_between, "the row", _rows,
    right="Whole places have their own row; between two of them the row lies on a straight line.",
    also_right=(lambda rows, place: np.array([np.interp(place, range(len(rows)), column) for column in rows.T]),),
    hint="The part behind the point says how much of the next row there is.",
    mistakes={
        "The shares have changed places: at 0.25 most of the row is the lower one's.":
            lambda r, p: (p % 1) * r[int(p)] + (1 - p % 1) * r[min(int(p) + 1, len(r) - 1)],
        "That takes the row below, whatever stands behind the point.": lambda r, p: r[int(p)] + 0.0,
        "That takes the nearest row; asked is one between two.": lambda r, p: r[round(p)] + 0.0,
        "That is the middle of both rows, wherever the place lies.":
            lambda r, p: (r[int(p)] + r[min(int(p) + 1, len(r) - 1)]) / 2,
        "That is the mean of all rows.": lambda r, p: r.mean(axis=0)})


def all_round(d_head, n):
    omega = 10000.0 ** (-np.arange(0, d_head, 2) / d_head)
    return int((omega * (n - 1) >= 2 * np.pi).sum())


check_all_round = Exercise(
    all_round, "the number of pairs", [(16, 32), (16, 128), (64, 32), (8, 1000), (128, 2048)],
    right="The others meet new angles as soon as distances grow beyond those of training.",
    also_right=(lambda d, n: sum((n - 1) / 10000 ** (2 * i / d) >= 2 * np.pi for i in range(d // 2)),),
    hint="Pair i turns by 10000 to the power of -2i / d a step; the longest distance is n - 1.",
    mistakes={
        "That counts half turns; a whole one is two pi.":
            lambda d, n: int((10000.0 ** (-np.arange(0, d, 2) / d) * (n - 1) >= np.pi).sum()),
        "That counts those that have not come round.":
            lambda d, n: int((10000.0 ** (-np.arange(0, d, 2) / d) * (n - 1) < 2 * np.pi).sum()),
        "The power is 2i / d for pair i, and not i / d.":
            lambda d, n: int((10000.0 ** (-np.arange(d // 2) / d) * (n - 1) >= 2 * np.pi).sum()),
        "That counts entries; two of them are a pair.":
            lambda d, n: 2 * int((10000.0 ** (-np.arange(0, d, 2) / d) * (n - 1) >= 2 * np.pi).sum()),
        "A turn is measured in radians, not in whole steps.":
            lambda d, n: int((10000.0 ** (-np.arange(0, d, 2) / d) * (n - 1) >= 1).sum())})
