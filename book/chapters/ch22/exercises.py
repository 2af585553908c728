"""Exercises of chapter 22, the geometry: what a query asks, redrawing, what survives it, and pieces of a plane."""

from __future__ import annotations

import itertools

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_area_share", "check_direction", "check_neighbours", "check_own_ruler", "check_pieces",
           "check_redraw"]


def direction(x, W_Q, W_K):
    return W_K @ (x @ W_Q) / np.sqrt(len(x))


check_direction = Exercise(
    direction, "the direction", lambda rng: [tuple(rng.normal(size=s) for s in (2, (2, 2), (2, 2))) for _ in range(3)],
    right="One direction of the plane is all that a query is.",
    also_right=(lambda x, W_Q, W_K: x @ W_Q @ W_K.T / np.sqrt(2),),
    mistakes={
        "The root of the width is missing: scores are divided by it.": lambda x, W_Q, W_K: W_K @ (x @ W_Q),
        "That is the query; ask which direction of the stream has this product with the key.":
            lambda x, W_Q, W_K: x @ W_Q,
        "Query and key have changed places.": lambda x, W_Q, W_K: W_Q @ (x @ W_K) / np.sqrt(2),
        "W_K has to be transposed: the key is x W_K.": lambda x, W_Q, W_K: x @ W_Q @ W_K / np.sqrt(2)})


def redraw(E, W_Q, W_V, W_U, M):
    back = np.linalg.inv(M)
    return E @ M, back @ W_Q, back @ W_V @ M, back @ W_U


def _redrawn_by_solving(E, W_Q, W_V, W_U, M):
    return E @ M, np.linalg.solve(M, W_Q), np.linalg.solve(M, W_V @ M), np.linalg.solve(M, W_U)


check_redraw = Exercise(
    redraw, ("the embeddings", "the queries' table", "the values' table", "the read-out"),
    lambda rng: [tuple(rng.normal(size=s) for s in ((5, 2), (2, 2), (2, 2), (2, 5), (2, 2))) for _ in range(3)],
    right="What goes into the plane takes M, what reads from it takes its inverse, and values take both.",
    also_right=(_redrawn_by_solving,),
    mistakes={
        "Values are written into the plane as well as read from it: M on the other side.":
            lambda E, W_Q, W_V, W_U, M: (*redraw(E, W_Q, W_V, W_U, M)[:2], np.linalg.inv(M) @ W_V,
                                         np.linalg.inv(M) @ W_U),
        "What reads from the plane has to undo M.": lambda E, W_Q, W_V, W_U, M: (E @ M, M @ W_Q, M @ W_V @ M, M @ W_U),
        "The transposed matrix is the inverse only where M is a rotation.":
            lambda E, W_Q, W_V, W_U, M: (E @ M, M.T @ W_Q, M.T @ W_V @ M, M.T @ W_U)})


def area_share(a, b, c, p):
    def area(u, v):
        return u[0] * v[1] - u[1] * v[0]
    return area(b - a, p - a) / area(b - a, c - a)


check_area_share = Exercise(
    area_share, "the share", lambda rng: [tuple(rng.normal(size=(4, 2))) for _ in range(4)],
    right="Areas all change by one factor, and it cancels: this is a fact about the points.",
    also_right=(lambda a, b, c, p: np.linalg.det([b - a, p - a]) / np.linalg.det([b - a, c - a]),
                lambda a, b, c, p: np.linalg.solve(np.stack([b - a, c - a], axis=1), p - a)[1]),
    mistakes={
        "Keep the sign: it says on which side of the line through a and b the point lies.":
            lambda a, b, c, p: abs(area_share(a, b, c, p)),
        "That is a ratio of lengths; a stretch changes it.":
            lambda a, b, c, p: np.linalg.norm(p - a) / np.linalg.norm(c - a),
        "Turned over: the area with p stands above.": lambda a, b, c, p: 1 / area_share(a, b, c, p)})


def neighbours(points, a, b, by):
    along = points[b] - points[a]
    along = along / np.linalg.norm(along)
    return np.eye(2) - (1 - by) * np.outer(along, along)


def _turned_shrunk_and_turned_back(points, a, b, by):
    x, y = (points[b] - points[a]) / np.linalg.norm(points[b] - points[a])
    turn = np.array([[x, y], [-y, x]])
    return turn.T @ np.diag([by, 1.0]) @ turn


check_neighbours = Exercise(
    neighbours, "the matrix", lambda rng: [(rng.normal(size=(7, 2)), 0, 5, 0.01), (rng.normal(size=(4, 2)), 3, 1, 0.5)],
    right="Any two tokens can be neighbours, and the model need not notice.",
    also_right=(_turned_shrunk_and_turned_back,),
    mistakes={
        "You shrink at right angles to the line that joins them; they stay as far apart as they are.":
            lambda points, a, b, by: (1 + by) * np.eye(2) - neighbours(points, a, b, by),
        "The direction has to have length one.":
            lambda points, a, b, by: np.eye(2) - (1 - by) * np.outer(points[b] - points[a], points[b] - points[a]),
        "That takes away the share that should be left.":
            lambda points, a, b, by: neighbours(points, a, b, 1 - by),
        "That shrinks everything alike, and the same tokens stay neighbours.":
            lambda points, a, b, by: by * np.eye(2)})


def pieces(n):
    return 1 + n + n * (n - 1) // 2


def _pieces_by_counting(n):
    return 1 + sum(1 + crossings for crossings in range(n))


check_pieces = Exercise(
    pieces, "the number of pieces", [(0,), (1,), (2,), (3,), (4,), (32,)],
    right="Each new line is cut by all the others, and parts one piece more than it has crossings.",
    also_right=(_pieces_by_counting, lambda n: 1 + n + len(list(itertools.combinations(range(n), 2)))),
    hint="How many pieces does the n-th line run through, if it crosses all others?",
    mistakes={
        "Not every on-off pattern has a place in the plane: 2ⁿ is too many from three lines on.": lambda n: 2**n,
        "That is right for parallel lines; let them cross.": lambda n: 1 + n,
        "One piece is missing: without a line there is one.": lambda n: n + n * (n - 1) // 2})


def own_ruler(points):
    middle = points - points.mean(axis=0)
    spread = middle.T @ middle / len(points)
    steps = points[:, None] - points[None]
    return np.sqrt(np.einsum("ijd,de,ije->ij", steps, np.linalg.inv(spread), steps))


def _whitened(points):
    middle = points - points.mean(axis=0)
    left = np.linalg.svd(middle, full_matrices=False)[0] * np.sqrt(len(points))
    return np.linalg.norm(left[:, None] - left[None], axis=-1)


def _plain(points, scale=1.0):
    return np.linalg.norm((points[:, None] - points[None]) / scale, axis=-1)


check_own_ruler = Exercise(
    own_ruler, "the distances", lambda rng: [(rng.normal(size=(n, 2)) @ rng.normal(size=(2, 2)),) for n in (4, 7, 12)],
    right="Measured by their own spread, the points have distances that no redrawing changes.",
    also_right=(_whitened,),
    hint="Distances in units of the covariance of the points: d with d² = step · spread⁻¹ · step.",
    mistakes={
        "These are the distances of the drawing; the next drawing has others.": _plain,
        "Each axis by itself is not enough: a drawing may be slanted.":
            lambda points: _plain(points, points.std(axis=0)),
        "One size for both directions is not enough.":
            lambda points: _plain(points, np.sqrt(points.var(axis=0).mean()))})
