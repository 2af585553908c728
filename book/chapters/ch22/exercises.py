"""Exercises of chapter 22, the geometry: contour lines, maps made to order, what survives them, and pieces."""

from __future__ import annotations

import itertools

import numpy as np

from transformer_lab.exercises import Exercise, Objection

__all__ = ["check_area_share", "check_level", "check_neighbours", "check_own_ruler", "check_pieces", "check_upright"]


def level(x, W_Q, W_K):
    u = W_K @ (x @ W_Q)
    along = np.array([-u[1], u[0]]) / np.linalg.norm(u)
    return along * np.sign(along[0])


def _by_null_space(x, W_Q, W_K):
    along = np.linalg.svd((x @ W_Q @ W_K.T)[None])[2][1]
    return along if along[0] > 0 else -along


def _unit(u):
    return u / np.linalg.norm(u) * np.sign(u[0])


def _across(u):
    return _unit(np.array([-u[1], u[0]]))


check_level = Exercise(
    level, "the direction", lambda rng: [tuple(rng.normal(size=s) for s in (2, (2, 2), (2, 2))) for _ in range(3)],
    right="Along this line the query hears all keys alike; the score of the sign lets tokens differ there.",
    also_right=(_by_null_space, lambda x, W_Q, W_K: level(x, W_Q, W_K / np.sqrt(2))),
    hint="First the direction u in which the score grows fastest; then what is at right angles to it.",
    mistakes={
        "In this direction the score grows fastest; ask for the one in which it does not change.":
            lambda x, W_Q, W_K: _unit(W_K @ (x @ W_Q)),
        "That is at right angles to the query; the key has a table of its own.":
            lambda x, W_Q, W_K: _across(x @ W_Q),
        "Query and key have changed places.": lambda x, W_Q, W_K: _across(W_Q @ (x @ W_K)),
        "W_K has to be transposed: the key is y W_K.": lambda x, W_Q, W_K: _across(x @ W_Q @ W_K),
        "Make it one long.": lambda x, W_Q, W_K: level(x, W_Q, W_K) * np.linalg.norm(W_K @ (x @ W_Q)),
        "Of the two ways along the line take the one with a positive first number.":
            lambda x, W_Q, W_K: -level(x, W_Q, W_K)})


def upright(row, rise):
    return np.array([[-rise[1], -row[1]], [rise[0], row[0]]])


def _drawn(answer, row, rise):
    """Where the two steps point after redrawing, either way along them; a matrix that cannot be undone is no map."""
    M = np.asarray(answer(row, rise), float)
    if M.shape != (2, 2):
        raise Objection("Return a matrix of shape (2, 2).")
    if abs(np.linalg.det(M)) < 1e-9 * np.linalg.norm(M)**2:
        raise Objection("This matrix cannot be undone: what it draws is no map of the model.")
    return tuple(abs(step @ M) / np.linalg.norm(step @ M) for step in (row, rise))


def _turned(row, rise):
    length = np.linalg.norm(row)
    return np.array([[row[0], -row[1]], [row[1], row[0]]]) / length


check_upright = Exercise(
    upright, ("the row", "the rise"),
    lambda rng: [tuple(np.array([[1.0, 0.4], [-0.3, 1.0]]) + rng.normal(size=(2, 2))) for _ in range(4)],
    measure=_drawn,
    right="A right angle made to order: no map can tell you that these two steps are at one, or that they are not.",
    also_right=(lambda row, rise: np.linalg.inv(np.stack([row, rise])),
                lambda row, rise: np.linalg.solve(np.stack([row, rise]), np.diag([3.0, -0.5]))),
    tolerance=1e-6, hint="The matrix whose rows are the two steps does the reverse: it draws the axes as these steps.",
    mistakes={
        "That draws the axes as the two steps; it has to be undone.": lambda row, rise: np.stack([row, rise]),
        "Points are rows here: row @ M, not M @ row.": lambda row, rise: np.linalg.inv(np.stack([row, rise], axis=1)),
        "The axes have changed places: the row belongs on the first.":
            lambda row, rise: np.linalg.inv(np.stack([rise, row])),
        "A turn brings the row to its axis and keeps the angle to the rise: more than a turn is needed.": _turned,
        "This brings the rise to its axis and leaves the row on a slant.":
            lambda row, rise: np.array([[rise[1], rise[0]], [-rise[0], rise[1]]])})


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
