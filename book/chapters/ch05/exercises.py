"""Exercises of chapter 05, the block: its parts written, counted, taken out, and their worth judged over seeds."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.parts import layer_norm as package_norm
from transformer_lab.config import ModelConfig
from transformer_lab.exercises import Exercise, Objection
from transformer_lab.names import parameter_shapes

__all__ = ["check_count", "check_layer_norm", "check_paired_interval", "check_split_heads",
           "check_stream_terms", "check_without"]


def norm_rows(x, w, b, eps=1e-5):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return w * centred / np.sqrt(variance + eps) + b


check_layer_norm = Exercise(
    norm_rows, "the normed stream",
    lambda rng: [(size * (rng.normal(size=(n, d)) + 2), rng.normal(size=d), rng.normal(size=d))
                 for n, d, size in [(3, 4, 1.0), (8, 8, 50.0), (2, 5, 1e-3)]],
    right="Each row is centred and scaled by itself; gain and offset come last.",
    also_right=(lambda x, w, b: package_norm(x[None], w, b)[0][0],),
    hint="Mean and variance belong to one row, along its last axis.",
    mistakes={
        "Mean and variance belong to one row; you take them over the positions.":
            lambda x, w, b: w * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + b,
        "The variance is the mean of the squares, not their sum over d − 1.": lambda x, w, b: w * (
            x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, ddof=1, keepdims=True) + 1e-5) + b,
        "The rows are not centred: take the mean off before you scale.":
            lambda x, w, b: w * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) + b,
        "Gain and offset are missing.": lambda x, w, b: norm_rows(x, 1, 0),
        "Your scale is a little off: divide by the root of (variance + 1e-5).":
            lambda x, w, b: norm_rows(x, w, b, eps=0.0)})


def count(d_vocab, n_ctx, d_model, n_heads, n_layers, d_mlp):
    attention = 4 * d_model**2
    feed_forward = 2 * d_model * d_mlp + d_mlp + d_model
    norms = 2 * 2 * d_model
    ends = (d_vocab + n_ctx) * d_model + 2 * d_model + d_model * d_vocab + d_vocab
    return n_layers * (attention + feed_forward + norms) + ends


def _from_the_names(*sizes):
    names = ("d_vocab", "n_ctx", "d_model", "n_heads", "n_layers", "d_mlp")
    shapes = parameter_shapes(ModelConfig(**dict(zip(names, sizes, strict=True)), positions="learned", norm="layer",
                                          read_out="last"))
    return sum(int(np.prod(shape)) for shape in shapes.values())


check_count = Exercise(
    count, "the count", [(20, 8, 32, 4, 2, 128), (20, 8, 32, 1, 2, 128), (5, 3, 8, 2, 1, 16), (7, 50, 6, 3, 4, 5),
                         (20, 8, 64, 4, 2, 256)], tolerance=0.0,
    right="Right for five sizes. How many heads there are does not matter.", also_right=(_from_the_names,),
    hint="Go through the tensors: two tables; each block's heads, norms and feed-forward layer; the last norm; the "
         "read-out.",
    mistakes={
        "The last norm is missing: a gain and an offset.": lambda v, n, d, h, m, f: count(v, n, d, h, m, f) - 2 * d,
        "You count each head at full width; the heads share d_model among them.":
            lambda v, n, d, h, m, f: count(v, n, d, h, m, f) + 3 * m * (h - 1) * d * d,
        "The feed-forward layer's first bias is missing.": lambda v, n, d, h, m, f: count(v, n, d, h, m, f) - m * f,
        "This counts one block.": lambda v, n, d, h, m, f: count(v, n, d, h, 1, f)})


def split_heads(x, n_heads):
    n_pos, d_model = x.shape
    return x.reshape(n_pos, n_heads, d_model // n_heads).swapaxes(0, 1)


check_split_heads = Exercise(
    split_heads, "the split",
    lambda rng: [(rng.normal(size=(n, h * d)), h) for n, h, d in [(3, 2, 4), (8, 4, 8), (4, 4, 4), (5, 1, 3)]],
    right="Each head gets its own neighbouring columns, for all positions.",
    also_right=(lambda x, n: np.stack(np.split(x, n, axis=1)),),
    hint="Head 0 has the first d_model / n_heads columns of every row.",
    mistakes={
        "A reshape to (n_heads, pos, d_head) mixes positions: head 0 gets the first tokens whole. First split the "
        "columns, then move the axis of heads to the front.": lambda x, n: x.reshape(n, len(x), -1),
        "A head's columns stand side by side; you deal them out in turn.":
            lambda x, n: x.reshape(len(x), -1, n).transpose(2, 0, 1),
        "The axis of heads comes first; yours stands second.": lambda x, n: x.reshape(len(x), n, -1)})


def stream_terms(x, blocks):
    terms = [x]
    for attention, feed_forward, norm_1, norm_2 in blocks:
        terms.append(attention(norm_1(sum(terms))))
        terms.append(feed_forward(norm_2(sum(terms))))
    return np.array(terms)


def _by_hand(x, blocks):
    terms = [x]
    for attention, feed_forward, norm_1, norm_2 in blocks:
        for part, norm in ((attention, norm_1), (feed_forward, norm_2)):
            terms.append(part(norm(x)))
            x = x + terms[-1]
    return np.stack(terms)


def _stack(rng, n=4, d=5):
    def norm(gain):
        return lambda rows: package_norm(rows[None], gain, np.zeros(d))[0][0]

    def block():
        A, F = rng.normal(size=(n, n)), rng.normal(size=(d, d))
        return lambda r: A @ r, lambda r: np.maximum(r @ F, 0), *map(norm, rng.normal(size=(2, d)))

    return rng.normal(size=(n, d)), [block(), block()]


def _reading(seen):
    """The terms where a part reads ``seen(terms, norm, its place in the block)`` instead of the normed stream."""
    def wrong(x, blocks):
        terms = [x]
        for attention, feed_forward, *norms in blocks:
            terms += [attention(seen(terms, norms[0], 0))]
            terms += [feed_forward(seen(terms, norms[1], 1))]
        return np.array(terms)
    return wrong


check_stream_terms = Exercise(
    stream_terms, "the list of terms", _stack, also_right=(_by_hand,),
    right="Norm, part, add; twice in each block. Your terms add up to the stream that is read out.",
    mistakes={
        "Each part reads a normed copy of the stream; yours read the stream as it is.":
            _reading(lambda terms, norm, place: sum(terms)),
        "A part reads the whole stream; yours read only what the last part wrote.":
            _reading(lambda terms, norm, place: norm(terms[-1])),
        "The feed-forward layer reads what attention has already written; yours reads the stream before it.":
            _reading(lambda terms, norm, place: norm(sum(terms[:-1] if place else terms))),
        "These are the stages of the stream, the sums so far. Return what each part added.":
            lambda x, blocks: np.cumsum(stream_terms(x, blocks), axis=0),
        "The first term is missing: the rows that came in are part of the sum.":
            lambda x, blocks: stream_terms(x, blocks)[1:],
        "The second block begins with what the first one left, not with the rows that came in.": lambda x, blocks:
            np.array([x, *(term for one in blocks for term in stream_terms(x, [one])[1:])])})


def without(name):
    def tap(found, value):
        if found != name:
            return value
        return np.broadcast_to(value.mean(axis=0), value.shape)
    return tap


def _tapped(answer, name, other, value):
    """What the tap makes of the named activation and of another one."""
    tap = answer(name)
    if not callable(tap):
        raise Objection("Return a function of (name, value): the tap.")
    found = tap(name, value.copy()), tap(other, value.copy())
    if any(entry is None for entry in found):
        raise Objection("Your tap returns nothing for some name: a tap returns what the model goes on with.")
    return found


def _tap(replacement):
    """A tap that replaces the named activation by something else than the mean over the batch."""
    return lambda name: lambda found, value: value if found != name else value * 0 + replacement(value)


check_without = Exercise(
    without, ("what stands in its place", "another activation"),
    lambda rng: [("blocks.0.mlp_out", "blocks.1.mlp_out", rng.normal(size=(6, 4, 3))),
                 ("blocks.1.attn_out", "embed", rng.normal(size=(5, 8, 2)))], measure=_tapped,
    right="Your tap replaces that activation by its mean over the batch, and leaves all others alone.",
    hint="Average over the first axis, the batch.",
    mistakes={
        "Your tap puts zeros there. The exercise asks for the mean over the batch.": _tap(np.zeros_like),
        "This is the mean over everything: keep positions and entries apart.": _tap(np.mean),
        "This is the mean over the positions; average over the first axis, the batch.":
            _tap(lambda value: value.mean(1, keepdims=True)),
        "Your tap also changes other activations. It must return them as they came.":
            lambda name: lambda found, value: np.broadcast_to(value.mean(0), value.shape),
        "Your tap returns nothing for some name":
            lambda name: lambda found, value: value.mean(0) + 0 * value if found == name else None})


def paired_interval(full, ablated, t=2.262):
    drop = full - ablated
    mean = drop.mean(axis=0)
    half = t * drop.std(axis=0, ddof=1) / np.sqrt(len(drop))
    return np.array([mean - half, mean + half])


def _arms(rng):
    luck = rng.normal(size=(10, 1))
    return [(luck + 0.1 * rng.normal(size=(10, n)), luck + 0.1 * rng.normal(size=(10, n))) for n in (1, 5)]


def _interval(half):
    """The interval around the mean drop, with half this width."""
    return lambda f, a: (f - a).mean(0) + np.array([[-1], [1]]) * 2.262 * half(f, a)


check_paired_interval = Exercise(
    paired_interval, "the interval", _arms,
    right="The interval of the mean drop, seed against the same seed, for each operation.",
    mistakes={
        "Your sign is the other way round: a drop is full minus ablated.": lambda f, a: paired_interval(a, f),
        "This treats the arms as unrelated. They share their seeds: take the difference first, seed by seed.":
            _interval(lambda f, a: np.sqrt((f.var(0, ddof=1) + a.var(0, ddof=1)) / len(f))),
        "This is how far single seeds scatter. The mean of ten is surer, by the root of ten.":
            _interval(lambda f, a: (f - a).std(0, ddof=1)),
        "The spread of a sample divides by n − 1, since the mean was taken from the same ten numbers.":
            _interval(lambda f, a: (f - a).std(0) / np.sqrt(len(f)))})
