"""Where the right token wins: the least lead of an answer over a polygon, from finitely many points.

The logits are affine between the lines on which hidden units switch. So the lead over another token is least at a
corner of the polygon, where an edge crosses a line, or where two lines cross inside: there are no other candidates
(eq-least-lead).
"""

from __future__ import annotations

import numpy as np

from .plane import Plane, gaps


def candidates(plane: Plane, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All points at which a lead can be least in the polygons (box, corner, 2): points (n, 2), and the box of each."""
    box = np.repeat(np.arange(len(corners)), corners.shape[1])
    crossed, edge_box = on_edges(plane, corners)
    inside, node_box = inside_of(crossings(plane), corners)
    return np.concatenate([corners.reshape(-1, 2), crossed, inside]), np.concatenate([box, edge_box, node_box])


def on_edges(plane, corners):
    """Where edges cross lines."""
    side = corners @ plane.lines[:2] + plane.lines[2]                      # (box, corner, line)
    after = np.roll(side, -1, axis=1)
    box, corner, line = np.nonzero((side > 0) != (after > 0))
    start, end = side[box, corner, line], after[box, corner, line]
    share = (start / (start - end))[:, None]
    return corners[box, corner] * (1 - share) + np.roll(corners, -1, axis=1)[box, corner] * share, box


def crossings(plane):
    """Where two lines cross: (n, 2)."""
    first, second = np.triu_indices(plane.lines.shape[1], 1)
    a, b = plane.lines[:, first], plane.lines[:, second]
    turn = a[0] * b[1] - a[1] * b[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.stack([a[1] * b[2] - b[1] * a[2], b[0] * a[2] - a[0] * b[2]], axis=-1) / turn[:, None]
    return found[np.isfinite(found).all(axis=-1)]


def inside_of(points, corners):
    """Which points lie in which polygons, those on the edge included."""
    low, high = corners.min(axis=1)[:, None], corners.max(axis=1)[:, None]
    box, point = np.nonzero(((points >= low) & (points <= high)).all(axis=-1))
    edges = np.roll(corners, -1, axis=1) - corners
    away = points[point][:, None] - corners[box]
    turns = edges[box, :, 0] * away[..., 1] - edges[box, :, 1] * away[..., 0]
    within = (turns >= -1e-12 * np.abs(away).max(initial=1)).all(axis=-1)
    return points[point[within]], box[within]


def leads(plane: Plane, corners: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least lead of each box's answer over its polygon, and the largest that it can have over its strongest rival:
    where the first is above 0 the answer wins everywhere, where the second is below 0 it wins nowhere.
    """
    points, box = candidates(plane, corners)
    least, most = np.empty(len(corners)), np.full((len(corners), plane.direct.shape[1] - 1), -np.inf)
    least[:] = np.inf
    for answer in np.unique(answers):
        here = answers[box] == answer
        found = gaps(plane, points[here].T, answer)
        np.minimum.at(least, box[here], found.min(axis=0))
        np.maximum.at(most, box[here], found.T)
    return least, most.min(axis=1)
