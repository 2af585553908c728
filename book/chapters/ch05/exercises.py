"""Exercises of chapter 05, the block: its parts written, counted, taken out, and their worth judged over seeds."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.norms import layer_norm as package_norm
from transformer_lab.config import ModelConfig
from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator

__all__ = ["check_block", "check_count", "check_layer_norm", "check_paired_interval", "check_split_heads",
           "check_without"]


def layer_norm(x, w, b, eps=1e-5):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return w * centred / np.sqrt(variance + eps) + b


@checker(layer_norm, right="Each row is centred and scaled by itself; gain and offset come last.")
def check_layer_norm(answer):
    """Whether ``answer(x (pos, d_model), w, b)`` is LayerNorm, with 1e-5 added to the variance."""
    rng = generator(5, "layer norm")
    for n_pos, d_model, size in [(3, 4, 1.0), (8, 8, 50.0), (2, 5, 1e-3)]:
        x, (w, b) = size * (rng.normal(size=(n_pos, d_model)) + 2), rng.normal(size=(2, d_model))
        got, want = answer(x, w, b), package_norm(x[None], w, b)[0][0]
        if np.shape(got) == want.shape and np.allclose(got, want, rtol=1e-2) and not np.allclose(got, want):
            raise Objection("Almost: your scale is a little off. Divide by the root of (variance + 1e-5), where the "
                            "variance is the mean of the squares, not their sum over d − 1.")
        expect("the normed stream", got, want, hint="Mean and variance belong to one row, along its last axis.")


def count(d_vocab, n_ctx, d_model, n_heads, n_layers, d_mlp):
    attention = 4 * d_model**2
    feed_forward = 2 * d_model * d_mlp + d_mlp + d_model
    norms = 2 * 2 * d_model
    ends = (d_vocab + n_ctx) * d_model + 2 * d_model + d_model * d_vocab + d_vocab
    return n_layers * (attention + feed_forward + norms) + ends


@checker(count, right="Right for five sizes. How many heads there are does not matter.")
def check_count(answer):
    """Whether ``answer(d_vocab, n_ctx, d_model, n_heads, n_layers, d_mlp)`` counts the model's parameters."""
    for sizes in [(20, 8, 32, 4, 2, 128), (20, 8, 32, 1, 2, 128), (5, 3, 8, 2, 1, 16), (7, 50, 6, 3, 4, 5),
                  (20, 8, 64, 4, 2, 256)]:
        names = ("d_vocab", "n_ctx", "d_model", "n_heads", "n_layers", "d_mlp")
        shapes = parameter_shapes(ModelConfig(**dict(zip(names, sizes, strict=True)), positions="learned",
                                              norm="layer", read_out="last"))
        want, got = sum(int(np.prod(shape)) for shape in shapes.values()), np.asarray(answer(*sizes))
        if got.shape != () or got != want:
            off = f"{abs(int(got) - want)} too {'many' if got > want else 'few'}" if got.shape == () else "no number"
            raise Objection(f"For {', '.join(f'{n}={s}' for n, s in zip(names, sizes, strict=True))} you count {got}: "
                            f"{off}. Go through the tensors: two tables; each block's heads, norms and feed-forward "
                            "layer; the last norm; the read-out.")


def split_heads(x, n_heads):
    n_pos, d_model = x.shape
    return x.reshape(n_pos, n_heads, d_model // n_heads).swapaxes(0, 1)


@checker(split_heads, right="Each head gets its own neighbouring columns, for all positions.")
def check_split_heads(answer):
    """Whether ``answer(x (pos, d_model), n_heads)`` is (n_heads, pos, d_head), a head's columns side by side."""
    for n_pos, n_heads, d_head in [(3, 2, 4), (8, 4, 8), (4, 4, 4), (5, 1, 3)]:
        x = generator(5, "split heads").normal(size=(n_pos, n_heads * d_head))
        got, want = answer(x, n_heads), np.stack(np.split(x, n_heads, axis=1))
        if np.shape(got) == want.shape and n_heads > 1 and np.allclose(got, x.reshape(want.shape)):
            raise Objection("A reshape to (n_heads, pos, d_head) mixes positions: head 0 gets the first tokens whole. "
                            "First split the columns, then move the axis of heads to the front.")
        expect("the split", got, want, hint="Head 0 has the first d_model / n_heads columns of every row.")


def block(x, attention, feed_forward, norm_1, norm_2):
    x = x + attention(norm_1(x))
    return x + feed_forward(norm_2(x))


@checker(block, right="Norm, part, add; twice. The stream itself is never normed.")
def check_block(answer):
    """Whether ``answer(x, attention, feed_forward, norm_1, norm_2)`` is a Pre-LN block."""
    rng = generator(5, "block")
    for n_pos, d_model in [(3, 4), (6, 5)]:
        A, F = rng.normal(size=(n_pos, n_pos)), rng.normal(size=(d_model, d_model))
        g, h, x = *rng.normal(size=(2, d_model)), rng.normal(size=(n_pos, d_model))
        parts = (lambda r, A=A: A @ r, lambda r, F=F: np.maximum(r @ F, 0), lambda r, g=g: _normed(r) * g,
                 lambda r, h=h: _normed(r) * h)
        got, want = np.asarray(answer(x, *parts)), block(x, *parts)
        for words, wrong in _mistaken_blocks(x, *parts).items():
            if got.shape == wrong.shape and np.allclose(got, wrong):
                raise Objection(words)
        expect("what leaves the block", got, want)


def _normed(rows):
    return package_norm(rows[None], np.ones(rows.shape[1]), np.zeros(rows.shape[1]))[0][0]


def _mistaken_blocks(x, attention, feed_forward, norm_1, norm_2):
    middle = norm_1(x + attention(x))
    bare = attention(norm_1(x))
    return {"This norms after each sum (Post-LN). Here the norm stands before each part, and the stream is not normed.":
            norm_2(middle + feed_forward(middle)),
            "Nothing is added to the stream here: each part replaces it. Add what a part returns to what it was given.":
            feed_forward(norm_2(bare)),
            "Both parts read the same stream here. The feed-forward layer reads what attention has already written.":
            x + attention(norm_1(x)) + feed_forward(norm_2(x))}


def without(name):
    def tap(found, value):
        if found != name:
            return value
        return np.broadcast_to(value.mean(axis=0), value.shape)
    return tap


@checker(without, right="Your tap replaces that activation by its mean over the batch, and leaves all others alone.")
def check_without(answer):
    """Whether ``answer(name)`` is a tap that puts an activation's mean over the batch (its first axis) in its place."""
    rng = generator(5, "tap")
    for name, shape in [("blocks.0.mlp_out", (6, 4, 3)), ("blocks.1.attn_out", (5, 8, 2))]:
        tap, value = answer(name), rng.normal(size=shape)
        if not callable(tap):
            raise Objection("Return a function of (name, value): the tap.")
        for other in ("blocks.1.mlp_out", "embed", "blocks.0.resid_mid"):
            _expect_same(other, tap(other, value), value)
        got = np.asarray(tap(name, value))
        if got.shape == shape and not got.any():
            raise Objection("Your tap puts zeros there. The exercise asks for the mean over the batch.")
        expect(f"what stands in the place of {name}", got, np.broadcast_to(value.mean(0), shape),
               hint="Average over the first axis, the batch, and keep positions apart.")


def _expect_same(name, got, value):
    if got is None:
        raise Objection(f"Your tap returns nothing for {name}: a tap returns what the model goes on with.")
    if np.shape(got) != value.shape or not np.array_equal(got, value):
        raise Objection(f"Your tap also changes {name}. It must return all other activations as they came.")


def paired_interval(full, ablated, t=2.262):
    drop = full - ablated
    mean = drop.mean(axis=0)
    half = t * drop.std(axis=0, ddof=1) / np.sqrt(len(drop))
    return np.array([mean - half, mean + half])


@checker(paired_interval, right="The interval of the mean drop, seed against the same seed, for each operation.")
def check_paired_interval(answer):
    """Whether ``answer(full, ablated)``, both (10, n_ops), is (2, n_ops): a 95 % interval of the mean paired drop."""
    rng = generator(5, "pairs")
    for n_ops in (1, 5):
        luck = rng.normal(size=(10, 1))
        full, ablated = luck + 0.1 * rng.normal(size=(2, 10, n_ops))
        got, want = np.asarray(answer(full, ablated)), paired_interval(full, ablated)
        if got.shape == want.shape:
            _judge_interval(got, full, ablated)
        expect("the interval", got, want)


def _judge_interval(got, full, ablated):
    middle, half, drop = got.mean(axis=0), (got[1] - got[0]) / 2, full - ablated
    apart = 2.262 * np.sqrt((full.var(axis=0, ddof=1) + ablated.var(axis=0, ddof=1)) / len(full))
    if np.allclose(middle, -drop.mean(axis=0)):
        raise Objection("Your sign is the other way round: a drop is full minus ablated.")
    if np.allclose(half, apart):
        raise Objection("This treats the arms as unrelated. They share their seeds: take the difference first, seed by "
                        "seed, and then its spread.")
    if np.allclose(half, 2.262 * drop.std(axis=0, ddof=1)):
        raise Objection("This is how far single seeds scatter. The mean of ten is surer, by the root of ten.")
    if np.allclose(half, 2.262 * drop.std(axis=0) / np.sqrt(len(drop))):
        raise Objection("The spread of a sample divides by n − 1, since the mean was taken from the same ten numbers.")
