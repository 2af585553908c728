"""Exercises of chapter 19, what attention costs: counting, reaching, forgetting, sharing, a plan, a tile's way back."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import attend, softmax, softmax_pullback
from transformer_lab.exercises import Exercise, Objection

__all__ = ["check_grouped", "check_multiplications", "check_one_at_a_time", "check_segments", "check_tile_back",
           "check_window_reach"]


def multiplications(n, d, d_mlp):
    projections = 4 * n * d**2
    scores_and_means = 2 * n**2 * d
    return projections + scores_and_means + 2 * n * d * d_mlp


check_multiplications = Exercise(
    multiplications, "the number of multiplications", [(3, 2, 0), (5, 4, 16), (1024, 768, 3072)],
    right="Four matrices, two tables, two layers of the MLP.",
    also_right=(lambda n, d, m: sum(a * b * c for a, b, c in [(n, d, d)] * 4 + [(n, d, n), (n, n, d), (n, d, m),
                                                                                (n, m, d)]),),
    hint="A matrix of a rows and b columns times one of b rows and c columns takes a·b·c of them.",
    mistakes={
        "The output has a matrix of its own: there are four projections.":
            lambda n, d, m: 3 * n * d**2 + 2 * n**2 * d + 2 * n * d * m,
        "The scores are one table; the weighted means of the values take as much again.":
            lambda n, d, m: 4 * n * d**2 + n**2 * d + 2 * n * d * m,
        "The MLP goes in and comes out again: two matrices.":
            lambda n, d, m: 4 * n * d**2 + 2 * n**2 * d + n * d * m,
        "Every score is a dot product of d numbers.": lambda n, d, m: 4 * n * d**2 + 2 * n**2 + 2 * n * d * m})


def window_reach(width, layers):
    return layers * (width - 1)


check_window_reach = Exercise(
    window_reach, "how far back it reaches", [(8, 1), (8, 2), (2, 5), (64, 12), (1, 3)],
    right="Each layer adds one window, less the token itself.",
    also_right=(lambda w, n: sum(w - 1 for _ in range(n)),),
    mistakes={
        "A window of width w ends w − 1 tokens back: the query itself is one of the w.": lambda w, n: n * w,
        "Windows add up from layer to layer; they do not multiply.": lambda w, n: (w - 1)**n,
        "Every layer adds a whole window, not one token.": lambda w, n: w - 1 + n - 1})


def one_at_a_time(pairs):
    m, l, o = -np.inf, 0.0, 0.0
    for score, value in pairs:
        top = max(m, score)
        old, new = np.exp(m - top), np.exp(score - top)
        m, l, o = top, old * l + new, old * o + new * value
    return o / l


def _read_once(answer, scores, values):
    """The answer from pairs that can be read once; nothing says how many there are."""
    return answer(zip(scores.tolist(), values.tolist(), strict=True))


def _plain_sums(pairs):
    powers = [(np.exp(score), value) for score, value in pairs]
    return sum(p * v for p, v in powers) / sum(p for p, _ in powers)


def _never_rescaled(pairs):
    m, l, o = -np.inf, 0.0, 0.0
    for score, value in pairs:
        m = max(m, score)
        l, o = l + np.exp(score - m), o + np.exp(score - m) * value
    return o / l


def _sum_alone(pairs):
    m, l, o = -np.inf, 0.0, 0.0
    for score, value in pairs:
        top = max(m, score)
        l, m = np.exp(m - top) * l + np.exp(score - top), top
        o = o + np.exp(score - top) * value
    return o / l


check_one_at_a_time = Exercise(
    one_at_a_time, "the answer",
    lambda rng: [(rng.normal(size=6), rng.normal(size=6)), (np.arange(5.0), rng.normal(size=5)),
                 (1000 + rng.normal(size=4), rng.normal(size=4))],
    right="Three numbers are enough, whatever the length.", measure=_read_once,
    also_right=(lambda pairs: (lambda s, v: softmax(s) @ v)(*np.array(list(pairs)).T),),
    hint="When a larger score comes, what was summed so far shrinks by one factor.",
    mistakes={
        "Scores near 1000 overflow: keep the largest score, and subtract it.": _plain_sums,
        "When the largest score changes, the old sums have to be rescaled.": _never_rescaled,
        "You rescale the sum of the powers, and forget the sum of the weighted values.": _sum_alone})


def grouped(q, k, v):
    share = len(q) // len(k)
    return np.stack([softmax(k[h // share] @ q[h] / np.sqrt(q.shape[1])) @ v[h // share] for h in range(len(q))])


def _scrambled(q, k, v):
    return np.stack([softmax(k[h % len(k)] @ q[h] / np.sqrt(q.shape[1])) @ v[h % len(k)] for h in range(len(q))])


check_grouped = Exercise(
    grouped, "what each head returns",
    lambda rng: [(rng.normal(size=(heads, 4)), rng.normal(size=(kv, 5, 4)), rng.normal(size=(kv, 5, 3)))
                 for heads, kv in ((4, 2), (6, 2), (3, 1))],
    right="Neighbouring heads share keys and values, and each asks its own question.",
    also_right=(lambda q, k, v: attend(q[:, None], np.repeat(k, len(q) // len(k), 0),
                                       np.repeat(v, len(q) // len(k), 0))["z"][:, 0],),
    hint="With 4 heads and 2 pairs of keys and values, heads 0 and 1 share the first pair.",
    mistakes={
        "Neighbouring heads share a pair here: divide the number of the head, rounding down.": _scrambled,
        "The scores are not divided by the root of the width.": lambda q, k, v: grouped(q * np.sqrt(q.shape[1]), k, v),
        "All heads of a group return the same: give each its own query.":
            lambda q, k, v: grouped(np.repeat(q[::len(q) // len(k)], len(q) // len(k), 0), k, v)})


def segments(n_layers):
    alive = [k + -(-n_layers // k) for k in range(1, n_layers + 1)]
    return 1 + int(np.argmin(alive))


check_segments = Exercise(
    segments, "the number of segments", [(n,) for n in (1, 2, 7, 12, 16, 31, 48, 100)],
    right="The least of k + L/k, rounded up, and the fewest segments where several tie.",
    also_right=(lambda n: min(range(1, n + 1), key=lambda k: (k + (n + k - 1) // k, k)),),
    hint="Try all k from 1 to the number of layers.",
    mistakes={
        "The root is the right size, but where layers do not divide evenly a smaller k can do as well: try them all.":
            lambda n: max(1, round(np.sqrt(n))),
        "A last segment that is not full counts as well: round up.":
            lambda n: 1 + int(np.argmin([k + n // k for k in range(1, n + 1)])),
        "This is how many layers are alive, not the number of segments.":
            lambda n: min(k + -(-n // k) for k in range(1, n + 1))})


def tile_back(s, v, log_sum, z, d_z):
    a = np.exp(s - log_sum)
    return a * (v @ d_z - z @ d_z)


def _second_half(answer, s, v, d_z):
    """The gradients of the second half of a row's scores."""
    a, half = softmax(s), len(s) // 2
    found = answer(s[half:], v[half:], np.log(np.exp(s).sum()), a @ v, d_z)
    if np.shape(found) != (len(s) - half,):
        raise Objection(f"Return one number for each of the {len(s) - half} scores of the tile.")
    return found


check_tile_back = Exercise(
    tile_back, "the gradient of the tile's scores",
    lambda rng: [(rng.normal(size=n), rng.normal(size=(n, d)), rng.normal(size=d)) for n, d in ((4, 2), (7, 3))],
    right="Two numbers of the row stand for all scores outside of the tile.", measure=_second_half,
    also_right=(lambda s, v, L, z, d_z: np.exp(s - L) * ((v - z) @ d_z),),
    hint="The weights are e^(s − L); what is taken off is ∂z · z.",
    mistakes={
        "Your weights sum to one within the tile. They are shares of the whole row: e^(s − L).":
            lambda s, v, L, z, d_z: softmax(s) * (v @ d_z - z @ d_z),
        "The mean that is taken off runs over the whole row, and the tile is a part of it: it is ∂z · z.":
            lambda s, v, L, z, d_z: softmax_pullback(softmax(s), v @ d_z) * np.exp(s - L) / softmax(s),
        "This is the gradient of the weights times the weights; the row's mean has to be taken off first.":
            lambda s, v, L, z, d_z: np.exp(s - L) * (v @ d_z)})
