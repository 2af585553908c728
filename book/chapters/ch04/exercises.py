"""Exercises of chapter 04, tokens and places: a code built, shifted and told apart; blindness to order, measured."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from transformer_lab.byhand.attention import attend
from transformer_lab.byhand.embedding import embed_pullback, sinusoids
from transformer_lab.byhand.rotation import frequencies, offset_distance
from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.randomness import generator

from .order import equivariance_gap

__all__ = ["check_best_base", "check_closest_offset", "check_codes", "check_order_gap", "check_shift",
           "check_table_gradient"]


def codes(n_ctx, d_model):
    angle = np.arange(n_ctx)[:, None] * 10000 ** (-np.arange(0, d_model, 2) / d_model)
    rows = np.zeros((n_ctx, d_model))
    rows[:, 0::2] = np.sin(angle)
    rows[:, 1::2] = np.cos(angle)
    return rows


@checker(codes, right="Every entry of three tables is right, down to the last digit that counts.")
def check_codes(answer):
    """Whether ``answer(n_ctx, d_model)`` is the table of sinusoidal codes."""
    for n_ctx, d_model in [(4, 2), (7, 4), (60, 16)]:
        want, got = sinusoids(n_ctx, d_model), answer(n_ctx, d_model)
        blocks = np.concatenate([want[:, 0::2], want[:, 1::2]], axis=1)
        if d_model > 2 and np.shape(got) == want.shape and np.allclose(got, blocks):
            raise Objection("Your sines all stand before your cosines; here each sine is followed by its cosine.")
        expect(f"the code table for d_model={d_model}", got, want,
               hint="Pair i turns by 10000 to the power of -2i/d_model at each step.")


def table_gradient(tokens, d_rows, d_vocab):
    gradient = np.zeros((d_vocab, d_rows.shape[-1]))
    np.add.at(gradient, tokens, d_rows)
    return gradient


@checker(table_gradient, right="Each row collects all that came from its token; absent tokens get 0.")
def check_table_gradient(answer):
    """Whether ``answer(tokens (pos,), d_rows (pos, d), d_vocab)`` is the gradient of the embedding table."""
    rng = generator(4, "table gradient")
    for tokens, d_vocab in [([2, 0, 1], 3), ([1, 1, 1, 3], 6), (rng.integers(20, size=50), 20)]:
        tokens = np.array(tokens)
        d_rows = rng.normal(size=(len(tokens), 5))
        want = embed_pullback(tokens[None], np.zeros((d_vocab, 5)), d_rows[None])
        expect("the gradient", answer(tokens, d_rows, d_vocab), want,
               hint="A token that comes twice collects two gradients; they add up.")


def shift(offset, d_model):
    R = np.zeros((d_model, d_model))
    for i, omega in enumerate(10000 ** (-np.arange(0, d_model, 2) / d_model)):
        c, s = np.cos(omega * offset), np.sin(omega * offset)
        R[2 * i:2 * i + 2, 2 * i:2 * i + 2] = [[c, s], [-s, c]]
    return R


@checker(shift, right="One matrix moves every code, near and far, forwards and backwards.")
def check_shift(answer):
    """Whether ``answer(offset, d_model)`` is a matrix R with code[t + offset] = R code[t] for all t."""
    for offset, d_model in [(1, 2), (3, 8), (-7, 16), (0, 4)]:
        R, places = np.asarray(answer(offset, d_model)), np.array([7, 8, 30, 500, 999])
        if R.shape != (d_model, d_model):
            raise Objection(f"The matrix has the shape {R.shape}, and it should have {(d_model, d_model)}.")
        table = sinusoids(1010, d_model)
        moved, want = table[places] @ R.T, table[places + offset]
        if offset and np.allclose(table[places] @ R, want, atol=1e-6):
            raise Objection("Your matrix shifts the other way: it needs the opposite sign on its sines.")
        expect(f"the code moved by {offset}", moved, want, tolerance=1e-8, hint="Each pair has an angle of its own.")


def order_gap(function, x):
    straight = function(x)
    return max(np.abs(function(x[list(order)]) - straight[list(order)]).max()
               for order in permutations(range(len(x))))


def _cases():
    """Functions of rows (n, d), blind to order or not, each with its name."""
    rng = generator(4, "order gap")
    W_Q, W_K, W_V = rng.normal(size=(3, 3, 3))
    sees_one = np.array([0.0, 0.0, 1.0, 0.0])[:, None]
    return [("attention", lambda x: attend(x @ W_Q, x @ W_K, x @ W_V)["z"], rng.normal(size=(5, 3))),
            ("a running sum", lambda x: np.cumsum(x, axis=0), rng.normal(size=(4, 3))),
            ("adding a position", lambda x: x + sinusoids(len(x), 4), rng.normal(size=(4, 4))),
            ("a sum that every row gets", lambda x: np.ones_like(x) * x.sum(axis=0), rng.normal(size=(4, 2))),
            ("a function that differs in few orders", lambda x: x * (x[0, 0] == 1), sees_one)]


@checker(order_gap, right="It finds no gap in attention, and the full gap in what sees order.")
def check_order_gap(answer):
    """Whether ``answer(function, x)`` is the largest deviation from equivariance over all orders of the rows."""
    for name, function, x in _cases():
        want = equivariance_gap(lambda batch, f=function: np.stack([f(rows) for rows in batch]), x)
        got = np.asarray(answer(function, x), dtype=np.float64)
        if got.shape == () and want < 1e-12 <= got:
            raise Objection(f"For {name} you find a gap of {got:.3g}; there is none. Reorder the output as the input.")
        if got.shape == () and got < want - 1e-9:
            raise Objection(f"For {name} you find a gap of {got:.3g}; some order gives {want:.3g}. Try every order.")
        expect(f"the gap of {name}", got, want if want > 1e-12 else got)


def closest_offset(n_ctx):
    offsets = np.arange(1, n_ctx)
    return offsets[np.abs(np.sin(offsets / 2)).argmin()]


@checker(closest_offset, right="Right for every length that was tried, 711 included.")
def check_closest_offset(answer):
    """Whether ``answer(n_ctx)`` is the offset at which the codes (sin t, cos t) come closest to repeating."""
    for n_ctx in (5, 20, 45, 300, 711, 5000):
        got = np.asarray(answer(n_ctx))
        if got.shape != () or got != round(float(got)) or not 1 <= got < n_ctx:
            raise Objection(f"For n_ctx={n_ctx} you return {got}; an offset is a whole number from 1 to {n_ctx - 1}.")
        best = offset_distance(np.arange(1, n_ctx), 2).argmin() + 1
        if got != best:
            gaps = offset_distance(np.array([int(got), best]), 2)
            raise Objection(f"For n_ctx={n_ctx} you return {got}, at a distance of {gaps[0]:.3g}; "
                            f"at another offset it is {gaps[1]:.3g}.")


def best_base(n_ctx, d_model, bases):
    offsets = np.arange(1, n_ctx)
    margins = [offset_distance(offsets, d_model, base).min() for base in bases]
    return bases[int(np.argmax(margins))]


@checker(best_base, right="No other base on the lists keeps the closest two codes further apart.")
def check_best_base(answer):
    """Whether ``answer(n_ctx, d_model, bases)`` is the base whose closest two codes are furthest apart."""
    bases = [2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10000.0, 100000.0]
    for n_ctx, d_model in [(20, 4), (200, 4), (1000, 4), (2000, 8), (64, 16)]:
        got, table = answer(n_ctx, d_model, bases), np.arange(1, n_ctx)
        if got not in bases:
            raise Objection(f"You return {got!r}, which is no base on the list. Return a base, not its place.")
        margin = {base: 2 * np.sqrt((np.sin(table[:, None] * frequencies(d_model, base) / 2) ** 2).sum(-1)).min()
                  for base in bases}
        if margin[got] < max(margin.values()) * (1 - 1e-9):
            raise Objection(f"For n_ctx={n_ctx} and d_model={d_model} the base {got:g} lets two codes come as close as "
                            f"{margin[got]:.3g}; another keeps all {max(margin.values()):.3g} apart.")
