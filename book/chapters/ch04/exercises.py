"""Exercises of chapter 04, tokens and places: a code built, shifted and told apart; blindness to order, measured."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from transformer_lab.byhand.attention import attend
from transformer_lab.byhand.ends import embed_pullback
from transformer_lab.byhand.positions import offset_distance, shift_rotation, sinusoids
from transformer_lab.exercises import Exercise, Objection

from .order import equivariance_gap

__all__ = ["check_best_base", "check_closest_offset", "check_codes", "check_order_gap", "check_shift",
           "check_table_gradient"]


def codes(n_ctx, d_model):
    angle = np.arange(n_ctx)[:, None] * 10000 ** (-np.arange(0, d_model, 2) / d_model)
    rows = np.zeros((n_ctx, d_model))
    rows[:, 0::2] = np.sin(angle)
    rows[:, 1::2] = np.cos(angle)
    return rows


check_codes = Exercise(
    codes, "the code table", [(4, 2), (7, 4), (60, 16)],
    right="Every entry of three tables is right, down to the last digit that counts.", also_right=(sinusoids,),
    hint="Pair i turns by 10000 to the power of -2i/d_model at each step.",
    mistakes={
        "Your sines all stand before your cosines; here each sine is followed by its cosine.":
            lambda n, d: np.concatenate([codes(n, d)[:, 0::2], codes(n, d)[:, 1::2]], axis=1),
        "Each pair holds its sine twice; the second entry is the cosine.":
            lambda n, d: np.repeat(codes(n, d)[:, 0::2], 2, axis=1),
        "Positions count from 0, not from 1.": lambda n, d: codes(n + 1, d)[1:],
        "The pairs slow down half as fast as they should: the exponent is -2i/d_model.":
            lambda n, d: codes(n, 2 * d)[:, :d]})


def table_gradient(tokens, d_rows, d_vocab):
    gradient = np.zeros((d_vocab, d_rows.shape[-1]))
    np.add.at(gradient, tokens, d_rows)
    return gradient


check_table_gradient = Exercise(
    table_gradient, "the gradient",
    lambda rng: [(tokens, rng.normal(size=(len(tokens), 5)), d_vocab) for tokens, d_vocab in
                 [(np.array([2, 0, 1]), 3), (np.array([1, 1, 1, 3]), 6), (rng.integers(20, size=50), 20)]],
    right="Each row collects all that came from its token; absent tokens get 0.",
    also_right=(lambda tokens, d_rows, n: embed_pullback(tokens[None], np.zeros((n, 5)), d_rows[None]),),
    mistakes={
        "A token that comes twice collects two gradients; they add up, and here the last one wins.":
            lambda t, d, n: np.array([d[t == token][-1] if token in t else 0 * d[0] for token in range(n)]),
        "A token that comes twice collects the sum of its gradients, not their mean.":
            lambda t, d, n: table_gradient(t, d, n) / np.maximum(np.bincount(t, minlength=n), 1)[:, None],
        "Nothing is averaged here: the mean over the batch, if any, is already in what comes back.":
            lambda t, d, n: table_gradient(t, d, n) / len(t)})


def shift(offset, d_model):
    angle = offset * 10000 ** (-np.arange(0, d_model, 2) / d_model)
    C, S = np.diag(np.cos(angle)), np.diag(np.sin(angle))
    return np.block([[C, S], [-S, C]])


def _moved(answer, offset, d_model):
    if (R := np.asarray(answer(offset, d_model))).shape != (d_model, d_model):
        raise Objection(f"The matrix has the shape {R.shape}, and it should have {(d_model, d_model)}.")
    rows = sinusoids(1000, d_model)[[7, 8, 30, 500, 999]]
    return np.concatenate([rows[:, 0::2], rows[:, 1::2]], axis=1) @ R.T


check_shift = Exercise(
    shift, "the code moved by your matrix", [(1, 4), (3, 8), (-7, 16), (0, 4)], measure=_moved, tolerance=1e-8,
    right="One matrix moves every code, near and far, forwards and backwards.",
    also_right=(lambda k, d: np.linalg.matrix_power(shift(int(np.sign(k)), d), abs(k)),
                lambda k, d: shift_rotation(k, d)[np.ix_(*[[*range(0, d, 2), *range(1, d, 2)]] * 2)]),
    hint="Each pair has an angle of its own.",
    mistakes={
        "That is the matrix for sines and cosines side by side; here all sines come first.": shift_rotation,
        "Your matrix shifts the other way: it needs the opposite sign on its sines.": lambda k, d: shift(k, d).T,
        "Every pair is turned by the same angle; each has one of its own.":
            lambda k, d: np.kron(shift(k, 2), np.eye(d // 2)),
        "Your matrix moves nothing.": lambda k, d: np.eye(d),
        "A negative offset shifts backwards.": lambda k, d: shift(abs(k), d)})


def order_gap(function, x):
    straight = function(x)
    return max(np.abs(function(x[list(order)]) - straight[list(order)]).max()
               for order in permutations(range(len(x))))


def _functions(rng):
    """Functions of rows (n, d), blind to order or not."""
    W = rng.normal(size=(3, 3, 3))
    return [(lambda x: attend(*x @ W)["z"], rng.normal(size=(5, 3))),
            (lambda x: np.cumsum(x, axis=0), rng.normal(size=(4, 3))),
            (lambda x: x + sinusoids(len(x), 4), rng.normal(size=(4, 4))),
            (lambda x: np.ones_like(x) * x.sum(axis=0), rng.normal(size=(4, 2))),
            (lambda x: x * (x[0, 0] == 1), np.array([0.0, 0.0, 1.0, 0.0])[:, None])]  # differs in few orders


def _over_orders(gap, summary=max):
    return lambda f, x: summary([np.abs(gap(f, x, list(order))).max() for order in permutations(range(len(x)))])


check_order_gap = Exercise(
    order_gap, "the gap", _functions, measure=lambda answer, f, x: np.round(answer(f, x), 9),  # 0 up to rounding
    right="It finds no gap in attention, and the full gap in what sees order.",
    also_right=(lambda f, x: equivariance_gap(lambda batch: np.stack([f(rows) for rows in batch]), x),),
    hint="Try every order, and reorder the output as the input.",
    mistakes={
        "You try one order, the reversed one. Try every order.": lambda f, x: np.abs(f(x[::-1]) - f(x)[::-1]).max(),
        "You try one order, a turn by one. Try every order.":
            lambda f, x: np.abs(f(np.roll(x, 1, 0)) - np.roll(f(x), 1, 0)).max(),
        "Reorder the output as the input; you put it into the inverse order.":
            _over_orders(lambda f, x, order: f(x[order]) - f(x)[np.argsort(order)]),
        "Reorder the output, too: what is asked is whether it moves along.":
            _over_orders(lambda f, x, order: f(x[order]) - f(x)),
        "This is the mean over the orders; the gap is the largest.":
            _over_orders(lambda f, x, order: f(x[order]) - f(x)[order], np.mean)})


def closest_offset(n_ctx):
    offsets = np.arange(1, n_ctx)
    return offsets[np.abs(np.sin(offsets / 2)).argmin()]


def _distance(answer, n_ctx):
    offset = np.asarray(answer(n_ctx))
    if offset.shape != () or offset != round(float(offset)) or not 1 <= offset < n_ctx:
        raise Objection(f"For n_ctx={n_ctx} you return {offset}; an offset is a whole number from 1 to {n_ctx - 1}.")
    return offset_distance(np.array([int(offset)]), 2)[0]


check_closest_offset = Exercise(
    closest_offset, "the distance at your offset", [(5,), (20,), (45,), (300,), (711,), (5000,)], measure=_distance,
    right="Right for every length that was tried, 711 included.",
    also_right=(lambda n: int(np.argmax(np.cos(np.arange(1, n, dtype=np.longdouble)))) + 1,),
    mistakes={
        "44 is close to seven turns; there are closer offsets among longer lengths.":
            lambda n: closest_offset(min(n, 45)),
        "The furthest offset is not the closest to a whole turn.": lambda n: n - 1,
        "an offset is a whole number": lambda n: 2 * np.pi,
        "For n_ctx=5 you return 0": lambda n: int(np.argmax(np.cos(np.arange(n))))})


def best_base(n_ctx, d_model, bases):
    offsets = np.arange(1, n_ctx)
    margins = [offset_distance(offsets, d_model, base).min() for base in bases]
    return bases[int(np.argmax(margins))]


def _margin(answer, n_ctx, d_model, bases):
    base = answer(n_ctx, d_model, bases)
    if base not in bases:
        raise Objection(f"You return {base!r}, which is no base on the list. Return a base, not its place.")
    return offset_distance(np.arange(1, n_ctx), d_model, base).min()


check_best_base = Exercise(
    best_base, "the distance of the closest two codes", measure=_margin,
    cases=[(*sizes, [2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10000.0, 100000.0])
           for sizes in [(20, 4), (200, 4), (1000, 4), (2000, 8), (64, 16)]],
    right="No other base on the lists keeps the closest two codes further apart.",
    hint="Another base on the list keeps all codes further apart.",
    mistakes={
        "The largest base is not always the best: its slow pairs hardly move from one position to the next.":
            lambda n, d, bases: max(bases),
        "The smallest base keeps neighbours furthest apart, but all its pairs soon come round: far codes come close.":
            lambda n, d, bases: min(bases),
        "10000 is the usual base; the best one depends on length and width.": lambda n, d, bases: 10000.0})
