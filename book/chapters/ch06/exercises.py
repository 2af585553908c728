"""Exercises of chapter 06, every gradient: the solutions, as the chapter shows them, and common mistakes."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import attend, attend_pullback, softmax, softmax_pullback
from transformer_lab.byhand.ends import cross_entropy, cross_entropy_pullback, embed_pullback
from transformer_lab.byhand.gradcheck import central_differences
from transformer_lab.byhand.parts import feed_forward, feed_forward_pullback, layer_norm, layer_norm_pullback
from transformer_lab.exercises import Exercise, Objection

__all__ = ["check_attention_gradient", "check_doubled_loss", "check_feed_forward_gradient",
           "check_layer_norm_gradient", "check_logit_gradient", "check_smoothed_gradient", "check_tied_gradient"]


def instead(solution, *names):
    """A maker of mistakes: the solution's gradients, of these names, with some made otherwise from its arguments."""
    return lambda **made: lambda *given: tuple(
        (dict(zip(names, solution(*given), strict=True)) | {name: of(*given) for name, of in made.items()}).values())


def logit_gradient(logits, targets):
    d_logits = softmax(logits)
    d_logits[np.arange(len(targets)), targets] -= 1
    return d_logits / len(targets)


check_logit_gradient = Exercise(
    logit_gradient, "∂L/∂ℓ", lambda rng: (rng.normal(size=(5, 7)), rng.integers(7, size=5)),
    right="Each row is p − y over the number of rows, and sums to zero.",
    also_right=(lambda logits, targets: cross_entropy_pullback(cross_entropy(logits, targets)[1]),),
    mistakes={
        "This is the gradient of the sum of the losses; the mean also divides by the batch.":
            lambda x, t: logit_gradient(x, t) * len(t),
        "The sign is turned: raising the target's logit must lower the loss.": lambda x, t: -logit_gradient(x, t),
        "p − y is already behind the softmax; its Jacobian is in there.":
            lambda x, t: softmax_pullback(softmax(x), logit_gradient(x, t)),
        "The targets are missing: their entries lose 1.": lambda x, t: softmax(x) / len(t),
        "Your softmax runs over the batch; each row has probabilities of its own.":
            lambda x, t: (softmax(x.T).T - np.eye(x.shape[1])[t]) / len(t)})


def layer_norm_gradient(x, w, d_y):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / std
    d = w * d_y
    stretch = (d * x_hat).mean(axis=-1, keepdims=True)
    d_x = (d - d.mean(axis=-1, keepdims=True) - x_hat * stretch) / std
    return d_x, (d_y * x_hat).sum(axis=0), d_y.sum(axis=0)


def _by_package(x, w, d_y):
    d_x, d_w, d_b = layer_norm_pullback(layer_norm(x[None], w, 0 * w)[1], w, d_y[None])
    return d_x[0], d_w, d_b


_norm = instead(layer_norm_gradient, "d_x", "d_w", "d_b")
check_layer_norm_gradient = Exercise(
    layer_norm_gradient, ("d_x", "d_w", "d_b"),
    lambda rng: (2 + 3 * rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=(4, 6))),
    right="Shifting or stretching a row changes nothing, and your gradient knows it.", also_right=(_by_package,),
    mistakes={
        "You held mean and deviation fixed; both move when an entry moves.": _norm(
            d_x=lambda x, w, d: w * d / np.sqrt(x.var(-1, keepdims=True) + 1e-5)),
        "The mean is taken care of; the deviation moves, too.": _norm(d_x=lambda x, w, d:
            (w * d - (w * d).mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)),
        "The gain stands between x_hat and y: ∂x_hat is w times ∂y.":
            _norm(d_x=lambda x, w, d: layer_norm_gradient(x, np.ones_like(w), d)[0]),
        "Each entry of the gain stands beside x_hat; multiply before you sum.": _norm(d_w=lambda x, w, d: d.sum(0)),
        "The offset collects a sum over the rows, not a mean.": _norm(d_b=lambda x, w, d: d.mean(0))})


def attention_gradient(q, k, v, d_z):
    root = np.sqrt(q.shape[-1])
    a = softmax(q @ k.T / root)
    d_a = d_z @ v.T
    d_s = a * (d_a - (a * d_a).sum(axis=-1, keepdims=True))
    return d_s @ k / root, d_s.T @ q / root, a.T @ d_z


_head = instead(attention_gradient, "d_q", "d_k", "d_v")
check_attention_gradient = Exercise(
    attention_gradient, ("d_q", "d_k", "d_v"), lambda rng: tuple(rng.normal(size=(4, 5, 3))),
    right="Queries, keys and values each get their own gradient.",
    also_right=(lambda q, k, v, d_z: tuple(attend_pullback(attend(q, k, v), d_z)[name] for name in "qkv"),),
    mistakes={
        "∂q is a copy of ∂v. A query decides where to look, not what is handed over.":
            _head(d_q=lambda *given: attention_gradient(*given)[2]),
        "The softmax Jacobian is missing between ∂a and ∂s.":
            _head(d_q=lambda q, k, v, d: d @ v.T @ k / np.sqrt(q.shape[1]),
                  d_k=lambda q, k, v, d: v @ d.T @ q / np.sqrt(q.shape[1])),
        "The scores were divided by √d_head; so are their gradients.":
            _head(d_q=lambda q, *more: attention_gradient(q, *more)[0] * np.sqrt(q.shape[1]),
                  d_k=lambda q, *more: attention_gradient(q, *more)[1] * np.sqrt(q.shape[1])),
        "∂k sums over the queries: transpose ∂s.": _head(d_k=lambda q, k, v, d: softmax_pullback(
            attend(q, k, v)["pattern"], d @ v.T) @ q / np.sqrt(q.shape[1])),
        "∂v sums over the queries that read a value: transpose the pattern.":
            _head(d_v=lambda q, k, v, d: attend(q, k, v)["pattern"] @ d),
        "∂q and ∂k have changed places.": lambda *given: tuple(attention_gradient(*given)[i] for i in (1, 0, 2))})


def feed_forward_gradient(x, W_in, b_in, W_out, d_m):
    u = x @ W_in + b_in
    d_u = (d_m @ W_out.T) * (u > 0)
    return d_u @ W_in.T, x.T @ d_u, d_u.sum(axis=0), np.maximum(u, 0).T @ d_m, d_m.sum(axis=0)


def _package_feed_forward(x, W_in, b_in, W_out, d_m):
    params = {"W_in": W_in, "b_in": b_in, "W_out": W_out, "b_out": np.zeros(W_out.shape[1])}
    grads = feed_forward_pullback(params, feed_forward(params, x[None], "relu"), d_m[None], "relu")
    return grads["x"][0], *(grads[name] for name in ("W_in", "b_in", "W_out", "b_out"))


_maps = instead(feed_forward_gradient, "d_x", "d_W_in", "d_b_in", "d_W_out", "d_b_out")
check_feed_forward_gradient = Exercise(
    feed_forward_gradient, ("d_x", "d_W_in", "d_b_in", "d_W_out", "d_b_out"),
    lambda rng: (*(rng.normal(size=size) for size in ((5, 3), (3, 7), (7,), (7, 4), (5, 4))),),
    right="Two linear maps, and between them a gate that lets back what it let through.",
    also_right=(_package_feed_forward,),
    mistakes={
        "The gate is open on the way back where u was above 0, not everywhere.": lambda x, W, b, V, d: (
            d @ V.T @ W.T, x.T @ (d @ V.T), (d @ V.T).sum(0), *feed_forward_gradient(x, W, b, V, d)[3:]),
        "The second map was given φ(u), with the negative numbers at 0.":
            _maps(d_W_out=lambda x, W, b, V, d: (x @ W + b).T @ d),
        "An offset collects a sum over the rows, not a mean.": _maps(
            d_b_in=lambda x, W, b, V, d: feed_forward_gradient(x, W, b, V, d)[2] / len(x),
            d_b_out=lambda x, W, b, V, d: d.mean(0)),
        "The offset b_in belongs to u: with it other gates are open.":
            lambda x, W, b, V, d: feed_forward_gradient(x, W, 0 * b, V, d)})


def tied_gradient(tokens, d_x, r_hat, d_logits, d_vocab):
    d_W_E = d_logits.T @ r_hat
    np.add.at(d_W_E, tokens, d_x)
    return d_W_E


check_tied_gradient = Exercise(
    tied_gradient, "∂W_E",
    lambda rng: (np.array([1, 4, 1]), *rng.normal(size=(2, 3, 5)), rng.normal(size=(3, 6)), 6),
    right="Reading and writing both leave their mark on the one table.",
    also_right=(lambda t, d_x, h, d, n: embed_pullback(t[None], np.zeros((n, 5)), d_x[None]) + d.T @ h,),
    mistakes={
        "This is the embedding's share. The same table also makes the logits.":
            lambda t, d_x, h, d, n: np.eye(n)[t].T @ d_x,
        "This is the unembedding's share. The same table also embeds the tokens.": lambda t, d_x, h, d, n: d.T @ h,
        "Two uses of one weight add up; they are not averaged.": lambda *a: tied_gradient(*a) / 2,
        "A token that comes twice collects two gradients.":
            lambda t, d_x, h, d, n: d.T @ h + np.eye(n)[t[1:]].T @ d_x[1:]})


def smoothed_gradient(logits, target, temperature, smoothing):
    wanted = np.full(len(logits), smoothing / len(logits))
    wanted[target] += 1 - smoothing
    return (softmax(logits / temperature) - wanted) / temperature


check_smoothed_gradient = Exercise(
    smoothed_gradient, "∂L/∂ℓ",
    lambda rng: [(rng.normal(size=6), int(rng.integers(6)), T, s) for T, s in ((1.0, 0.1), (2.0, 0.0), (0.5, 0.3))],
    right="Said less wanted, over the temperature. It sums to zero whatever the target is.",
    hint="It is softmax(ℓ / T) less the smoothed target, over T.",
    mistakes={
        "The logits were divided by the temperature; so is their gradient.":
            lambda x, t, T, s: smoothed_gradient(x, t, T, s) * T,
        "The target is not smoothed: every token is wanted a little.":
            lambda x, t, T, s: smoothed_gradient(x, t, T, 0.0),
        "The softmax is of the logits over the temperature.": lambda x, t, T, s: smoothed_gradient(x, t, 1.0, s) / T,
        "The smoothing is dealt out to all tokens alike, the target included.":
            lambda x, t, T, s: smoothed_gradient(x, t, T, s * 6 / 5)})


def doubled_loss(logits, target):
    error = softmax(logits)
    error[target] -= 1
    return (error ** 2).sum() / 2


def _slope(answer, logits, target):
    if np.shape(answer(logits, target)) != ():
        raise Objection("A loss is one number.")
    return central_differences(lambda p: float(answer(p["ℓ"], target)), {"ℓ": logits})["ℓ"]


check_doubled_loss = Exercise(
    doubled_loss, "the gradient of your loss", lambda rng: (rng.normal(size=5), int(rng.integers(5))), measure=_slope,
    right="The doubled softmax descends this loss, not the cross-entropy.", tolerance=1e-6,
    also_right=(lambda x, t: 0.5 * (softmax(x) ** 2).sum() - softmax(x)[t],), hint="It should be J (p − y).",
    mistakes={
        "This is the cross-entropy: its gradient is p − y itself.": lambda x, t: -np.log(softmax(x)[t]),
        "Almost: your loss is twice as large as it should be.": lambda x, t: 2 * doubled_loss(x, t),
        "The other tokens' probabilities are errors, too.": lambda x, t: (1 - softmax(x)[t]) ** 2 / 2})
