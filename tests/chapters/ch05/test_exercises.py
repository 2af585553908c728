"""Each checker accepts the solution and another right answer, and rejects what readers plausibly write."""

import numpy as np

from chapters.ch05.exercises import (
    block,
    check_block,
    check_count,
    check_layer_norm,
    check_paired_interval,
    check_split_heads,
    check_without,
    count,
    layer_norm,
    paired_interval,
    without,
)


def counted_by_heads(d_vocab, n_ctx, d_model, n_heads, n_layers, d_mlp):
    d_head = d_model // n_heads
    per_block = n_heads * (3 * d_model * d_head + d_head * d_model) + (d_model + 1) * d_mlp + (d_mlp + 1) * d_model
    return d_vocab * d_model + n_ctx * d_model + n_layers * (per_block + 4 * d_model) + 2 * d_model + (
        d_model + 1) * d_vocab


def tap_by_mean(name):
    return lambda found, value: value if found != name else np.repeat(value.mean(0, keepdims=True), len(value), axis=0)


def interval_by_loop(full, ablated):
    ends = []
    for before, after in zip(full.T, ablated.T, strict=True):
        drop = [b - a for b, a in zip(before, after, strict=True)]
        mean = sum(drop) / len(drop)
        error = (sum((d - mean) ** 2 for d in drop) / (len(drop) - 1) / len(drop)) ** 0.5
        ends.append([mean - 2.262 * error, mean + 2.262 * error])
    return np.transpose(ends)


RIGHT = [
    (check_layer_norm, lambda x, w, b: np.stack([w * (r - r.mean()) / (r.var() + 1e-5) ** 0.5 + b for r in x])),
    (check_count, counted_by_heads),
    (check_split_heads, lambda x, n: np.moveaxis(np.array(np.hsplit(x, n)), 0, 0)),
    (check_block, lambda x, a, f, g, h: (x + a(g(x))) + f(h(x + a(g(x))))),
    (check_without, tap_by_mean),
    (check_paired_interval, interval_by_loop),
]


def changes_everything(name):
    return lambda found, value: np.broadcast_to(value.mean(0), value.shape)


def forgets_the_rest(name):
    def tap(found, value):
        if found == name:
            return np.broadcast_to(value.mean(0), value.shape)
    return tap


def unpaired(full, ablated):
    mean = full.mean(0) - ablated.mean(0)
    half = 2.262 * np.sqrt((full.var(0, ddof=1) + ablated.var(0, ddof=1)) / len(full))
    return np.array([mean - half, mean + half])


def scatter(full, ablated, ddof=1, root=1.0):
    drop = full - ablated
    half = 2.262 * drop.std(0, ddof=ddof) / root
    return np.array([drop.mean(0) - half, drop.mean(0) + half])


WRONG = [
    (check_layer_norm, lambda x, w, b: w * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + b, "one row"),
    (check_layer_norm, lambda x, w, b: w * (x - x.mean(-1, keepdims=True)) / np.sqrt(
        x.var(-1, ddof=1, keepdims=True) + 1e-5) + b, "off"),
    (check_layer_norm, lambda x, w, b: w * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) + b, "off"),
    (check_layer_norm, lambda x, w, b: layer_norm(x, np.ones_like(w), np.zeros_like(b)), "off"),
    (check_layer_norm, lambda x, w, b: layer_norm(x, w, b, eps=0.0), "off"),
    (check_layer_norm, lambda x, w, b: layer_norm(x, w, b)[0], "shape"),
    (check_count, lambda v, n, d, h, layers, m: count(v, n, d, h, layers, m) - 2 * d, "too few"),
    (check_count, lambda v, n, d, h, layers, m: count(v, n, d, h, layers, m) + 3 * h * d * d, "too many"),
    (check_count, lambda v, n, d, h, layers, m: count(v, n, d, h, layers, m) - layers * m, "too few"),
    (check_count, lambda v, n, d, h, layers, m: count(v, n, d, h, 1, m), "too few"),
    (check_count, lambda v, n, d, h, layers, m: [1, 2], "no number"),
    (check_split_heads, lambda x, n: x.reshape(n, len(x), -1), "mixes positions"),
    (check_split_heads, lambda x, n: x.reshape(len(x), n, -1), "shape"),
    (check_split_heads, lambda x, n: x.reshape(len(x), -1, n).transpose(2, 0, 1), "off"),
    (check_block, lambda x, a, f, g, h: (lambda m: h(m + f(m)))(g(x + a(x))), "Post-LN"),
    (check_block, lambda x, a, f, g, h: f(h(a(g(x)))), "Nothing is added"),
    (check_block, lambda x, a, f, g, h: x + a(g(x)) + f(h(x)), "same stream"),
    (check_block, lambda x, a, f, g, h: block(g(x), a, f, g, h), "off"),
    (check_without, lambda name: lambda found, value: np.zeros_like(value) if found == name else value, "zeros"),
    (check_without, changes_everything, "also changes"),
    (check_without, forgets_the_rest, "returns nothing"),
    (check_without, lambda name: lambda found, value: value if found != name else np.full_like(value, value.mean()),
     "positions apart"),
    (check_without, lambda name: without(name)(name, np.zeros((2, 2))), "Return a function"),
    (check_paired_interval, lambda full, ablated: paired_interval(ablated, full), "other way"),
    (check_paired_interval, unpaired, "share their seeds"),
    (check_paired_interval, scatter, "root of ten"),
    (check_paired_interval, lambda full, ablated: scatter(full, ablated, 0, 10**0.5), "n − 1"),
    (check_paired_interval, lambda full, ablated: paired_interval(full, ablated).T, "shape"),
]
