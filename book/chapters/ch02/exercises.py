"""Exercises of chapter 02, gradients by hand: the solutions, as the chapter shows them, and common mistakes."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import softmax, softmax_pullback
from transformer_lab.exercises import Exercise

__all__ = ["check_batch_gradients", "check_delta", "check_every_row", "check_masked_gradient", "check_pull_softmax",
           "check_softmax_jacobian", "check_witness"]


def delta(probs, target):
    d_logits = probs.copy()
    d_logits[target] -= 1
    return d_logits


check_delta = Exercise(
    delta, "δ", lambda rng: (softmax(rng.normal(size=7)), int(rng.integers(1, 7))),
    right="δ is the probabilities, less one at the target. It sums to zero.",
    also_right=(lambda p, t: p - np.eye(len(p))[t],),
    mistakes={
        "The sign is turned: raising the target's logit must lower the loss.": lambda p, t: -delta(p, t),
        "You have the probabilities alone; the target's entry is still missing its −1.": lambda p, t: p,
        "You took 1 from every probability; only the target's entry loses 1.": lambda p, t: p - 1,
        "This is the target alone; the other logits have a gradient, too.": lambda p, t: np.eye(len(p))[t],
        "The 1 is taken from the first entry; take it from the target's.": lambda p, t: delta(p, 0)})


def softmax_jacobian(pattern):
    return np.diag(pattern) - np.outer(pattern, pattern)


check_softmax_jacobian = Exercise(
    softmax_jacobian, "the Jacobian", lambda rng: (softmax(rng.normal(size=6)),),
    right="Every row sums to zero: what one weight gains, the others lose.",
    also_right=(lambda a: np.array([softmax_pullback(a, row) for row in np.eye(len(a))]),),
    mistakes={
        "The weights sum to one: a score that rises lowers the other weights. The part − a aᵀ is missing.": np.diag,
        "The diagonal is right. What does score 2 do to weight 1?": lambda a: np.diag(a * (1 - a)),
        "The sign is turned: a score that rises must raise its own weight.": lambda a: -softmax_jacobian(a),
        "What one weight wins the others lose: a aᵀ has the wrong sign.": lambda a: np.diag(a) + np.outer(a, a),
        "Off the diagonal stands − aᵢ aⱼ, and not aᵢ (1 − aⱼ).": lambda a: np.diag(a) - np.outer(a, 1 - a)})


def pull_softmax(pattern, d_pattern):
    mean = (pattern * d_pattern).sum(axis=-1, keepdims=True)
    return pattern * (d_pattern - mean)


check_pull_softmax = Exercise(
    pull_softmax, "∂L/∂s",
    lambda rng: [(softmax(rng.normal(size=n)), rng.normal(size=n)) for n in ((5,), (3, 5), (2, 3, 5))],
    right="Weight times advantage, and no matrix was built.", also_right=(softmax_pullback,),
    hint="Take one mean for each row, over the last axis alone.",
    mistakes={
        "The mean that is taken off has to be weighted by the pattern.":
            lambda a, g: a * (g - g.mean(axis=-1, keepdims=True)),
        "You used the Jacobian's diagonal alone; each score moves all the weights.": lambda a, g: a * (1 - a) * g,
        "You take one mean over everything; take one mean for each row, over the last axis alone.":
            lambda a, g: a * (g - (a * g).sum()),
        "This is the advantage; it still has to be multiplied by the weight.":
            lambda a, g: g - (a * g).sum(axis=-1, keepdims=True),
        "Each weight's gradient has to lose the mean over the row first.": lambda a, g: a * g})


def masked_gradient(W_QK, x, d_read, visible):
    root = np.sqrt(x.shape[1])
    scores = x @ (x[-1] @ W_QK) / root
    pattern = softmax(np.where(visible, scores, -np.inf))
    d_pattern = x @ d_read
    d_scores = pattern * (d_pattern - pattern @ d_pattern)
    return np.outer(x[-1], d_scores @ x) / root


def _masked_afterwards(W_QK, x, d_read, visible):
    pattern = softmax(x @ (x[-1] @ W_QK) / np.sqrt(x.shape[1])) * visible
    return np.outer(x[-1], pull_softmax(pattern, x @ d_read) @ x) / np.sqrt(x.shape[1])


check_masked_gradient = Exercise(
    masked_gradient, "the gradient",
    lambda rng: (rng.normal(size=(4, 4)), rng.normal(size=(6, 4)), rng.normal(size=4),
                 np.array([False, True, rng.random() < 0.5, True, False, True])),
    right="A hidden position has weight zero, and so its score has gradient zero.",
    also_right=(lambda W, x, g, v: masked_gradient(W, x[v], g, v[v]),),  # the hidden rows cut out
    hint="Do the weights of the visible positions sum to one?",
    mistakes={
        "The hidden positions still take part: their scores must become −∞ before the softmax.":
            lambda W, x, g, v: masked_gradient(W, x, g, v | True),
        "The mask comes too late: the weights of the visible positions must still sum to one.": _masked_afterwards,
        "The factor 1/√d_model is missing.": lambda W, x, g, v: 2 * masked_gradient(W, x, g, v),
        "It is transposed: rows belong to the query, columns to the keys.":
            lambda W, x, g, v: masked_gradient(W, x, g, v).T,
        "The mask is turned: True says that a position is visible.": lambda W, x, g, v: masked_gradient(W, x, g, ~v)})


def batch_gradients(W_OV, x, pattern, read, d_logits):
    d_W_OV = read.T @ d_logits
    d_read = d_logits @ W_OV.T
    d_pattern = np.einsum("bjd,bd->bj", x, d_read)
    mean = (pattern * d_pattern).sum(axis=-1, keepdims=True)
    d_scores = pattern * (d_pattern - mean)
    d_q = np.einsum("bj,bjd->bd", d_scores, x) / np.sqrt(x.shape[-1])
    return x[:, -1].T @ d_q, d_W_OV


def _batches(rng):
    x, pattern = rng.normal(size=(5, 6, 4)), softmax(rng.normal(size=(5, 6)))
    return rng.normal(size=(4, 3)), x, pattern, np.einsum("bj,bjd->bd", pattern, x), rng.normal(size=(5, 3))


check_batch_gradients = Exercise(
    batch_gradients, ("∂L/∂W_QK", "∂L/∂W_OV"), _batches, right="Both gradients, for the whole batch at once.",
    also_right=(lambda W, *a: tuple(sum(line) for line in zip(*(  # line by line
        batch_gradients(W, *(part[b:b + 1] for part in a)) for b in range(5)), strict=True)),),
    mistakes={
        "∂L/∂W_QK still lacks the factor 1/√d_model.": lambda *a: (2 * batch_gradients(*a)[0], batch_gradients(*a)[1]),
        "A gradient is averaged once too often: d_logits holds the 1/batch already.":
            lambda *a: tuple(g / 5 for g in batch_gradients(*a)),
        "∂L/∂W_QK is transposed.": lambda *a: (batch_gradients(*a)[0].T, batch_gradients(*a)[1]),
        "∂L/∂W_OV is transposed.": lambda *a: (batch_gradients(*a)[0], batch_gradients(*a)[1].T),
        "Each sequence asks with its own last row, not with that of the first sequence.":
            lambda W, x, *a: (np.outer(x[0, -1], batch_gradients(W, np.concatenate(
                [x[:, :-1], np.ones_like(x[:, -1:])], axis=1), *a)[0][0]), batch_gradients(W, x, *a)[1])})


def witness(f, w):
    grad = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = 1e-3
        near = (f(w + step) - f(w - step)) / 2e-3
        far = (f(w + 2 * step) - f(w - 2 * step)) / 4e-3
        grad[index] = (4 * near - far) / 3
    return grad


def _mixed(h, near, far, divisor):
    """A witness that weighs the central differences of step h and of step 2h so, and divides by ``divisor``."""
    def wrong(f, w):
        steps = [np.eye(w.size)[i].reshape(w.shape) for i in range(w.size)]
        one, two = (np.array([(f(w + k * h * e) - f(w - k * h * e)) / (2 * k * h) for e in steps]) for k in (1, 2))
        return ((near * one - far * two) / divisor).reshape(w.shape)
    return wrong


def _functions(rng):
    w, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    return [(lambda w: 300 + np.sum(c * np.exp(w.real)), w), (lambda w: np.sum(c * w.real) ** 4, w)]


check_witness = Exercise(
    witness, "the gradient", _functions, tolerance=1e-10,
    right="Ten digits agree, and it knows nothing of the derivation.", also_right=(_mixed(2e-3, 8, 2, 6),),
    hint="Let the parts with h² cancel, at a step near 1e-3.",
    mistakes={
        "This is one central difference: at this step its part with h² is left.": _mixed(1e-3, 1, 0, 1),
        "The parts with h² do not cancel: at the double step there is four times as much of it.":
            _mixed(1e-3, 2, 1, 1),
        "Everything is three times too large: four slopes less one are three.": _mixed(1e-3, 4, 1, 1),
        "You took the double step four times and the single one once; it is the other way round.":
            _mixed(1e-3, -1, -4, 3),
        "The function throws the imaginary part away, so that a complex step sees no slope.":
            lambda f, w: np.zeros_like(w)})


def every_row(W_QK, W_OV, x, targets):
    n_ctx, root = len(x), np.sqrt(x.shape[1])
    past = np.tri(n_ctx, dtype=bool)
    pattern = softmax(np.where(past, x @ W_QK @ x.T / root, -np.inf))
    probs = softmax(pattern @ x @ W_OV)
    d_logits = (probs - np.eye(probs.shape[1])[targets]) / n_ctx
    d_pattern = d_logits @ W_OV.T @ x.T
    mean = (pattern * d_pattern).sum(axis=-1, keepdims=True)
    return x.T @ (pattern * (d_pattern - mean)) @ x / root


def _unmasked(W_QK, W_OV, x, targets):
    root = np.sqrt(x.shape[1])
    pattern = softmax(x @ W_QK @ x.T / root)
    d_logits = (softmax(pattern @ x @ W_OV) - np.eye(W_OV.shape[1])[targets]) / len(x)
    return x.T @ pull_softmax(pattern, d_logits @ W_OV.T @ x.T) @ x / root


def _last_row(W_QK, W_OV, x, targets):
    pattern = softmax(x @ (x[-1] @ W_QK) / np.sqrt(x.shape[1]))
    d_read = W_OV @ delta(softmax(pattern @ x @ W_OV), targets[-1])
    return np.outer(x[-1], pull_softmax(pattern, x @ d_read) @ x) / np.sqrt(x.shape[1])


check_every_row = Exercise(
    every_row, "the gradient",
    lambda rng: (rng.normal(size=(4, 4)), rng.normal(size=(4, 3)), rng.normal(size=(6, 4)), rng.integers(3, size=6)),
    right="Every row asks now, and x has taken the place of its last row.",
    also_right=(lambda W, V, x, t: sum(_last_row(W, V, x[:i], t[:i]) for i in range(1, 7)) / 6,),
    hint="Can a position see what comes after it? Does every position answer?",
    mistakes={
        "A position sees what comes after it: hide the later positions before the softmax.": _unmasked,
        "Only the last position answers here; let every position answer.": _last_row,
        "The loss is the mean over the positions; yours is the sum.": lambda *a: 6 * every_row(*a),
        "The factor 1/√d_model is missing.": lambda *a: 2 * every_row(*a),
        "It is transposed: rows belong to the query, columns to the keys.": lambda *a: every_row(*a).T})
