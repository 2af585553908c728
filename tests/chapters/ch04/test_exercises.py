"""Each checker accepts the solution and another right answer, and rejects what readers plausibly write."""

from itertools import permutations

import numpy as np

from chapters.ch04.exercises import (
    best_base,
    check_best_base,
    check_closest_offset,
    check_codes,
    check_order_gap,
    check_shift,
    check_table_gradient,
    codes,
    shift,
    table_gradient,
)
from transformer_lab.byhand.embedding import sinusoids


def margins(n_ctx, d_model, bases):
    out = []
    for base in bases:
        angle = np.arange(n_ctx)[:, None] / base ** (np.arange(0, d_model, 2) / d_model)
        table = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        distance = np.linalg.norm(table[:, None] - table, axis=-1) if n_ctx <= 300 else np.array(
            [[np.linalg.norm(table[0] - row) for row in table]])
        distance[distance == 0] = np.inf
        out.append(distance.min())
    return out


RIGHT = [
    (check_codes, lambda n, d: np.array([[(np.cos if j % 2 else np.sin)(t / 10000 ** ((j - j % 2) / d))
                                          for j in range(d)] for t in range(n)])),
    (check_table_gradient, lambda tokens, d, v: (tokens[:, None] == np.arange(v)).T.astype(float) @ d),
    (check_shift, lambda k, d: np.linalg.matrix_power(shift(int(np.sign(k)), d), abs(k))),
    (check_order_gap, lambda f, x: max(np.abs(np.eye(len(x))[list(o)] @ f(x) - f(np.eye(len(x))[list(o)] @ x)).max()
                                       for o in permutations(range(len(x))))),
    (check_closest_offset, lambda n: int(np.argmax(np.cos(np.arange(1, n, dtype=np.longdouble)))) + 1),
    (check_best_base, lambda n, d, bases: bases[int(np.argmax(margins(n, d, bases)))]),
]


def half_table(n, d):
    return np.concatenate([codes(n, d)[:, 0::2], codes(n, d)[:, 1::2]], axis=1)


def buffered(tokens, d, v):
    gradient = np.zeros((v, d.shape[-1]))
    gradient[tokens] += d
    return gradient


def mean_gradient(tokens, d, v):
    return table_gradient(tokens, d, v) / np.maximum(np.bincount(tokens, minlength=v), 1)[:, None]


def one_order(order):
    return lambda f, x: np.abs(f(x[order(len(x))]) - f(x)[order(len(x))]).max()


def inverse_order(f, x):
    return max(np.abs(f(x[list(o)]) - f(x)[np.argsort(o)]).max() for o in permutations(range(len(x))))


def invariance(f, x):
    return max(np.abs(f(x[list(o)]) - f(x)).max() for o in permutations(range(len(x))))


WRONG = [
    (check_codes, half_table, "before your cosines"),
    (check_codes, lambda n, d: np.repeat(codes(n, d)[:, 0::2], 2, axis=1), "off"),
    (check_codes, lambda n, d: sinusoids(n + 1, d)[1:], "off"),
    (check_codes, lambda n, d: sinusoids(n, 2 * d)[:, :d], "off"),
    (check_codes, lambda n, d: sinusoids(n, d, base=1000.0), "off"),
    (check_codes, lambda n, d: codes(n, d).T, "shape"),
    (check_table_gradient, buffered, "add up"),
    (check_table_gradient, mean_gradient, "off"),
    (check_table_gradient, lambda tokens, d, v: table_gradient(tokens, d, v)[1:], "shape"),
    (check_table_gradient, lambda tokens, d, v: table_gradient(tokens, d, v) / len(tokens), "off"),
    (check_shift, lambda k, d: shift(k, d).T, "other way"),
    (check_shift, lambda k, d: np.kron(np.eye(d // 2), shift(k, 2)), "off"),
    (check_shift, lambda k, d: np.eye(d), "off"),
    (check_shift, lambda k, d: shift(k, 2), "shape"),
    (check_shift, lambda k, d: shift(abs(k), d), "other way"),
    (check_order_gap, one_order(lambda n: np.arange(n)[::-1]), "Try every order"),
    (check_order_gap, one_order(lambda n: np.roll(np.arange(n), 1)), "Try every order"),
    (check_order_gap, inverse_order, "Reorder the output"),
    (check_order_gap, invariance, "Reorder"),
    (check_order_gap, lambda f, x: 0.0, "Try every order"),
    (check_order_gap, lambda f, x: np.mean([np.abs(f(x[list(o)]) - f(x)[list(o)]).max()
                                            for o in permutations(range(len(x)))]), "Try every order"),
    (check_closest_offset, lambda n: 44 if n > 44 else 6 if n > 6 else 1, "at another offset"),
    (check_closest_offset, lambda n: 6, "whole number"),
    (check_closest_offset, lambda n: n - 1, "at another offset"),
    (check_closest_offset, lambda n: 2 * np.pi, "whole number"),
    (check_closest_offset, lambda n: int(np.argmax(np.cos(np.arange(n)))), "whole number"),
    (check_best_base, lambda n, d, bases: max(bases), "as close as"),
    (check_best_base, lambda n, d, bases: 10000.0, "as close as"),
    (check_best_base, lambda n, d, bases: min(bases), "as close as"),
    (check_best_base, lambda n, d, bases: int(np.argmax(margins(n, d, bases))), "not its place"),
    (check_best_base, lambda n, d, bases: best_base(2, d, bases), "as close as"),  # looks at neighbours alone
]
