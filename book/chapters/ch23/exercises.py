"""Exercises of chapter 23, following a sequence: one walk, borders, leads, patches, and a piece of a layer."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_affine_piece", "check_lead_needed", "check_one_walk", "check_patched", "check_seen_from",
           "check_winner"]


def one_walk(x, scores, values):
    weights = np.exp(scores - scores.max())
    return x + weights @ values / weights.sum()


def _moment(rng):
    n = int(rng.integers(2, 8))
    return rng.normal(size=2), 3 * rng.normal(size=n), rng.normal(size=(n, 2))


check_one_walk = Exercise(
    one_walk, "where the walk goes", lambda rng: [_moment(rng) for _ in range(3)],
    right="From where it starts, by a mean of the values.",
    also_right=(lambda x, s, v: x + sum(np.exp(a - np.logaddexp.reduce(s)) * b for a, b in zip(s, v, strict=True)),),
    mistakes={
        "The start is missing: attention adds to the stream.": lambda x, s, v: one_walk(0 * x, s, v),
        "It goes to a mean of all values, not to the best alone.": lambda x, s, v: x + v[s.argmax()],
        "The weights have to add up to one.": lambda x, s, v: x + np.exp(s) @ v})


def winner(h, W_U, b_U):
    return (h @ W_U + b_U).argmax()


check_winner = Exercise(
    winner, "the token", lambda rng: [(3 * rng.normal(size=2), rng.normal(size=(2, 9)), 4 * rng.normal(size=9))
                                      for _ in range(12)],
    right="One direction and one offset for each token; the largest sum wins.",
    also_right=(lambda h, W, b: max(range(len(b)), key=lambda i: h[0] * W[0, i] + h[1] * W[1, i] + b[i]),),
    mistakes={
        "The offsets count as well.": lambda h, W, b: (h @ W).argmax(),
        "Not the nearest column: the one with the largest product.":
            lambda h, W, b: np.linalg.norm(W.T - h, axis=1).argmin(),
        "The largest offset wins only at the origin.": lambda h, W, b: b.argmax()})


def seen_from(line, x):
    a, b, c = line
    return np.array([a, b, c + a * x[0] + b * x[1]])


check_seen_from = Exercise(
    seen_from, "the border", lambda rng: [(rng.normal(size=3), rng.normal(size=2)) for _ in range(4)],
    right="The same direction, moved by the start: a map for values that are added to x.",
    also_right=(lambda line, x: np.append(line[:2], line @ np.append(x, 1)),),
    mistakes={
        "The other way: v lies on the new border if x + v lies on the old one.":
            lambda line, x: seen_from(line, -x),
        "It has to move: the values start from x and not from zero.": lambda line, x: 1.0 * line,
        "Only the offset changes; its direction stays.": lambda line, x: line + np.append(x, 0)})


def lead_needed(share, others):
    return np.log(others * share / (1 - share))


check_lead_needed = Exercise(
    lead_needed, "the lead", [(0.5, 1), (0.99, 1), (0.99, 7), (0.999, 31)],
    right="A lead of a few is enough, and it grows with the logarithm of the number of the others.",
    also_right=(lambda share, n: np.log(n) + np.log(share) - np.log1p(-share),),
    hint="The share is 1 / (1 + others · exp(−lead)).",
    mistakes={
        "All the others together count, not one of them.": lambda share, n: np.log(share / (1 - share)),
        "That is the lead at which the others have this share.": lambda share, n: np.log(n * (1 - share) / share),
        "The share is of the whole, not measured against the others.": lambda share, n: np.log(n * share)})


def patched(x, weights, values, place, other):
    return x + weights @ values + weights[place] * (other - values[place])


def _with_another(x, weights, values, place, other):
    values = values.copy()
    values[place] = other
    return x + weights @ values


check_patched = Exercise(
    patched, "where it ends", lambda rng: [(rng.normal(size=2), rng.dirichlet(np.ones(n)), rng.normal(size=(n, 2)),
                                            int(rng.integers(n)), rng.normal(size=2)) for n in (2, 5, 8)],
    right="The weights stay as they are, and one value is another's.", also_right=(_with_another,),
    mistakes={
        "The old value has to go.":
            lambda x, w, v, i, other: x + w @ v + w[i] * other,
        "The new value has the weight of the place that it stands in.":
            lambda x, w, v, i, other: x + w @ v + other - v[i],
        "All others still count: a patch changes one place.": lambda x, w, v, i, other: x + other})


def affine_piece(z, W_in, b_in, W_out, b_out):
    on = z @ W_in + b_in > 0
    A = np.eye(2) + W_in[:, on] @ W_out[on]
    return A, b_in[on] @ W_out[on] + b_out


def _by_differences(z, W_in, b_in, W_out, b_out):
    def layer(y):
        return y + np.maximum(y @ W_in + b_in, 0) @ W_out + b_out
    A = np.stack([(layer(z + 1e-6 * e) - layer(z - 1e-6 * e)) / 2e-6 for e in np.eye(2)])
    return A, layer(z) - z @ A


def _layer(rng):
    return tuple(rng.normal(size=s) for s in (2, (2, 9), 9, (9, 2), 2))


check_affine_piece = Exercise(
    affine_piece, ("the matrix", "the offset"), lambda rng: [_layer(rng) for _ in range(4)],
    right="In this piece of the plane the layer is a matrix and an offset, and nothing else.",
    also_right=(_by_differences,), tolerance=1e-5,
    mistakes={
        "The stream itself passes by: one more on the diagonal.":
            lambda z, *W: (affine_piece(z, *W)[0] - np.eye(2), affine_piece(z, *W)[1]),
        "Only the units that are on count.":
            lambda z, W_in, b_in, W_out, b_out: (np.eye(2) + W_in @ W_out, b_in @ W_out + b_out),
        "The offsets of the units that are on are carried out, too.":
            lambda z, *W: (affine_piece(z, *W)[0], W[3])})
