"""Exercises of chapter 06, every gradient: the solutions, as the chapter shows them, and their checkers."""

from __future__ import annotations

import numpy as np

from chapters.ch02.exercises import draws, object_if
from transformer_lab.byhand.attention import attend, attend_pullback
from transformer_lab.byhand.cross_entropy import cross_entropy, cross_entropy_pullback
from transformer_lab.byhand.embedding import embed_pullback
from transformer_lab.byhand.norms import layer_norm, layer_norm_pullback
from transformer_lab.byhand.softmax import softmax, softmax_pullback
from transformer_lab.byhand.witnesses import central_differences
from transformer_lab.exercises import Objection, checker, expect

__all__ = ["check_attention_gradient", "check_doubled_loss", "check_layer_norm_gradient", "check_logit_gradient",
           "check_smoothed_gradient", "check_tied_gradient"]


def parts(answer, names: tuple[str, ...]) -> tuple:
    """What was returned, if it is as many parts as were asked for."""
    if not isinstance(answer, tuple | list) or len(answer) != len(names):
        raise Objection(f"Return {len(names)} arrays, in this order: {', '.join(names)}.")
    return tuple(answer)


def logit_gradient(logits, targets):
    d_logits = softmax(logits)
    d_logits[np.arange(len(targets)), targets] -= 1
    return d_logits / len(targets)


@checker(logit_gradient, right="Each row is p − y over the number of rows, and sums to zero.")
def check_logit_gradient(answer):
    """Whether ``answer(logits (batch, d_vocab), targets (batch,))`` is the gradient of the mean cross-entropy."""
    for rng in draws("logit gradient"):
        logits, targets = rng.normal(size=(5, 7)), rng.integers(7, size=5)
        p, got = softmax(logits), answer(logits, targets)
        want = cross_entropy_pullback(cross_entropy(logits, targets)[1])
        object_if(got, 5 * want, "This is the gradient of the sum of the losses; the mean also divides by the batch.")
        object_if(got, -want, "The sign is turned: raising the target's logit must lower the loss.")
        object_if(got, softmax_pullback(p, want), "p − y is already behind the softmax; its Jacobian is in there.")
        expect("∂L/∂ℓ", got, want)


def layer_norm_gradient(x, w, d_y):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / std
    d = w * d_y
    stretch = (d * x_hat).mean(axis=-1, keepdims=True)
    d_x = (d - d.mean(axis=-1, keepdims=True) - x_hat * stretch) / std
    return d_x, (d_y * x_hat).sum(axis=0), d_y.sum(axis=0)


@checker(layer_norm_gradient, right="Shifting or stretching a row changes nothing, and your gradient knows it.")
def check_layer_norm_gradient(answer):
    """Whether ``answer(x (pos, d_model), w, d_y)`` is the gradients of x, gain and offset of a LayerNorm."""
    for rng in draws("layer norm"):
        x, w, d_y = 2 + 3 * rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=(4, 6))
        _, saved = layer_norm(x[None], w, np.zeros(6))
        want = layer_norm_pullback(saved, w, d_y[None])
        got, scale = parts(answer(x, w, d_y), ("d_x", "d_w", "d_b")), saved[1][0]
        object_if(got[0], w * d_y * scale, "You held mean and deviation fixed; both move when an entry moves.")
        object_if(got[0], (w * d_y - (w * d_y).mean(-1, keepdims=True)) * scale,
                  "The mean is taken care of; the deviation moves, too.")
        object_if(got[0], layer_norm_pullback(saved, np.ones(6), d_y[None])[0][0],
                  "The gain stands between x̂ and y: ∂x̂ is w times ∂y.")
        object_if(got[1], d_y.sum(axis=0), "Each entry of the gain stands beside x̂; multiply before you sum.")
        for name, mine, right in zip(("d_x", "d_w", "d_b"), got, (want[0][0], *want[1:]), strict=True):
            expect(name, mine, right)


def attention_gradient(q, k, v, d_z):
    root = np.sqrt(q.shape[-1])
    a = softmax(q @ k.T / root)
    d_a = d_z @ v.T
    d_s = a * (d_a - (a * d_a).sum(axis=-1, keepdims=True))
    return d_s @ k / root, d_s.T @ q / root, a.T @ d_z


@checker(attention_gradient, right="Queries, keys and values each get their own gradient.")
def check_attention_gradient(answer):
    """Whether ``answer(q, k, v, d_z)`` is the gradients of q, k and v of one head."""
    for rng in draws("attention"):
        q, k, v, d_z = rng.normal(size=(4, 5, 3))
        acts = attend(q, k, v)
        want, a, d_a = attend_pullback(acts, d_z), acts["pattern"], d_z @ v.T
        got = parts(answer(q, k, v, d_z), ("d_q", "d_k", "d_v"))
        object_if(got[0], want["v"], "∂q is a copy of ∂v. A query decides where to look, not what is handed over.")
        object_if(got[0], d_a @ k / np.sqrt(3), "The softmax Jacobian is missing between ∂a and ∂s.")
        object_if(got[0], want["q"] * np.sqrt(3), "The scores were divided by √d_head; so are their gradients.")
        object_if(got[1], want["scores"] @ q / np.sqrt(3), "∂k sums over the queries: transpose ∂s.")
        object_if(got[2], a @ d_z, "∂v sums over the queries that read a value: transpose the pattern.")
        for name, mine in zip("qkv", got, strict=True):
            expect(f"d_{name}", mine, want[name])


def tied_gradient(tokens, d_x, h, d_logits, d_vocab):
    d_W_E = d_logits.T @ h
    np.add.at(d_W_E, tokens, d_x)
    return d_W_E


@checker(tied_gradient, right="Reading and writing both leave their mark on the one table.")
def check_tied_gradient(answer):
    """Whether ``answer(tokens, d_x, h, d_logits, d_vocab)`` is the gradient of a table that embeds and unembeds."""
    for rng in draws("tied"):
        tokens, d_x, h, d_logits = np.array([1, 4, 1]), *rng.normal(size=(2, 3, 5)), rng.normal(size=(3, 6))
        read, write = embed_pullback(tokens[None], np.zeros((6, 5)), d_x[None]), d_logits.T @ h
        got = answer(tokens, d_x, h, d_logits, 6)
        object_if(got, read, "This is the embedding's share. The same table also makes the logits.")
        object_if(got, write, "This is the unembedding's share. The same table also embeds the tokens.")
        object_if(got, (read + write) / 2, "Two uses of one weight add up; they are not averaged.")
        expect("∂W_E", got, read + write, hint="A token that comes twice collects two gradients.")


def smoothed_gradient(logits, target, temperature, smoothing):
    wanted = np.full(len(logits), smoothing / len(logits))
    wanted[target] += 1 - smoothing
    return (softmax(logits / temperature) - wanted) / temperature


@checker(smoothed_gradient, right="Said less wanted, over the temperature. It sums to zero whatever the target is.")
def check_smoothed_gradient(answer):
    """Whether ``answer(logits, target, temperature, smoothing)`` is the gradient with a smoothed target."""
    for rng, temperature, smoothing in zip(draws("smoothed"), (1.0, 2.0, 0.5), (0.1, 0.0, 0.3), strict=True):
        logits, target = rng.normal(size=6), int(rng.integers(6))
        got, want = answer(logits, target, temperature, smoothing), smoothed_gradient(logits, target, temperature,
                                                                                      smoothing)
        if temperature != 1:
            object_if(got, want * temperature, "The logits were divided by the temperature; so is their gradient.")
        expect("∂L/∂ℓ", got, want, hint="It is softmax(ℓ / T) less the smoothed target, over T.")


def doubled_loss(logits, target):
    error = softmax(logits)
    error[target] -= 1
    return (error ** 2).sum() / 2


@checker(doubled_loss, right="The doubled softmax descends this loss, not the cross-entropy.")
def check_doubled_loss(answer):
    """Whether the gradient of ``answer(logits, target)`` is the softmax Jacobian times p − y."""
    for rng in draws("doubled"):
        logits, target = rng.normal(size=5), int(rng.integers(5))
        if np.shape(answer(logits, target)) != ():
            raise Objection("A loss is one number.")
        slope = central_differences(lambda p, t=target: float(answer(p["ℓ"], t)), {"ℓ": logits})["ℓ"]
        error = softmax(logits) - np.eye(5)[target]
        want = softmax_pullback(softmax(logits), error)
        object_if(np.round(slope, 6), np.round(error, 6), "This is the cross-entropy: its gradient is p − y itself.")
        object_if(np.round(slope, 6), np.round(2 * want, 6), "Almost: your loss is twice as large as it should be.")
        expect("the gradient of your loss", slope, want, tolerance=1e-6, hint="It should be J (p − y).")
