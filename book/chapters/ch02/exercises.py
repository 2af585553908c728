"""Exercises of chapter 2, gradients by hand: the solutions, as the chapter shows them, and their checkers."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import softmax
from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.randomness import generator

__all__ = ["check_batch_gradients", "check_delta", "check_every_row", "check_masked_gradient", "check_pull_softmax",
           "check_softmax_jacobian", "check_witness"]


def draws(purpose: str, n: int = 3):
    """A few generators, always the same, so that a verdict never changes."""
    return [generator(seed, f"exercise {purpose}") for seed in range(n)]


def object_if(got, lookalike, sentence: str) -> None:
    """Object with this sentence if the answer is a mistake that has a name."""
    if np.shape(got) == np.shape(lookalike) and np.allclose(got, lookalike, rtol=1e-9, atol=1e-12):
        raise Objection(sentence)


def delta(probs, target):
    d_logits = probs.copy()
    d_logits[target] -= 1
    return d_logits


@checker(delta, right="δ is the probabilities, less one at the target. It sums to zero.")
def check_delta(answer):
    """Whether ``answer(probs, target)`` is the gradient of the loss with respect to the logits."""
    for rng in draws("delta"):
        probs, target = softmax(rng.normal(size=7)), int(rng.integers(7))
        got, want = answer(probs, target), delta(probs, target)
        object_if(got, -want, "The sign is turned: raising the target's logit must lower the loss.")
        object_if(got, probs, "You have the probabilities alone; the target's entry is still missing its −1.")
        object_if(got, probs - 1, "You took 1 from every probability; only the target's entry loses 1.")
        expect("δ", got, want)


def softmax_jacobian(pattern):
    return np.diag(pattern) - np.outer(pattern, pattern)


@checker(softmax_jacobian, right="Every row sums to zero: what one weight gains, the others lose.")
def check_softmax_jacobian(answer):
    """Whether ``answer(pattern)`` is the matrix of the derivatives of the weights with respect to the scores."""
    for rng in draws("jacobian"):
        pattern = softmax(rng.normal(size=6))
        got, want = answer(pattern), softmax_jacobian(pattern)
        object_if(got, np.diag(pattern), "The weights sum to one, so a score that rises also lowers the other weights: "
                                         "the part − a aᵀ is missing.")
        object_if(got, np.diag(pattern * (1 - pattern)), "The diagonal is right. What does score 2 do to weight 1?")
        object_if(got, -want, "The sign is turned: a score that rises must raise its own weight.")
        expect("the Jacobian", got, want)


def pull_softmax(pattern, d_pattern):
    mean = (pattern * d_pattern).sum(axis=-1, keepdims=True)
    return pattern * (d_pattern - mean)


@checker(pull_softmax, right="Weight times advantage, and no matrix was built.")
def check_pull_softmax(answer):
    """Whether ``answer(pattern, d_pattern)`` pulls a gradient back through a softmax, for any leading axes."""
    for rng, shape in zip(draws("pull"), ((5,), (3, 5), (2, 3, 5)), strict=True):
        pattern, d_pattern = softmax(rng.normal(size=shape)), rng.normal(size=shape)
        got, want = answer(pattern, d_pattern), pull_softmax(pattern, d_pattern)
        plain = pattern * (d_pattern - d_pattern.mean(axis=-1, keepdims=True))
        object_if(got, plain, "The mean that is taken off has to be weighted by the pattern.")
        object_if(got, pattern * (1 - pattern) * d_pattern, "You used the Jacobian's diagonal alone; "
                                                            "each score moves all the weights.")
        hint = "Take one mean for each row, over the last axis alone." if len(shape) > 1 else ""
        expect("∂L/∂s", got, want, hint=hint)


def masked_gradient(W_QK, x, d_read, visible):
    root = np.sqrt(x.shape[1])
    scores = x @ (x[-1] @ W_QK) / root
    pattern = softmax(np.where(visible, scores, -np.inf))
    d_pattern = x @ d_read
    d_scores = pattern * (d_pattern - pattern @ d_pattern)
    return np.outer(x[-1], d_scores @ x) / root


@checker(masked_gradient, right="A hidden position has weight zero, and so its score has gradient zero.")
def check_masked_gradient(answer):
    """Whether ``answer(W_QK, x, d_read, visible)`` is W_QK's gradient where some positions are hidden."""
    for rng in draws("mask"):
        W_QK, x, d_read = rng.normal(size=(4, 4)), rng.normal(size=(6, 4)), rng.normal(size=4)
        visible = np.array([False, True, rng.random() < 0.5, True, False, True])
        got, want = answer(W_QK, x, d_read, visible), masked_gradient(W_QK, x, d_read, visible)
        object_if(got, masked_gradient(W_QK, x, d_read, np.ones(6, dtype=bool)),
                  "The hidden positions still take part: their scores must become −∞ before the softmax.")
        object_if(got, want * 2, "The factor 1/√d_model is missing.")
        object_if(got, want.T, "It is transposed: rows belong to the query, columns to the keys.")
        expect("the gradient", got, want, hint="Do the weights of the visible positions sum to one?")


def batch_gradients(W_OV, x, pattern, read, d_logits):
    d_W_OV = read.T @ d_logits
    d_read = d_logits @ W_OV.T
    d_pattern = np.einsum("bjd,bd->bj", x, d_read)
    mean = (pattern * d_pattern).sum(axis=-1, keepdims=True)
    d_scores = pattern * (d_pattern - mean)
    d_q = np.einsum("bj,bjd->bd", d_scores, x) / np.sqrt(x.shape[-1])
    return x[:, -1].T @ d_q, d_W_OV


@checker(batch_gradients, right="Both gradients, for the whole batch at once.")
def check_batch_gradients(answer):
    """Whether ``answer(W_OV, x, pattern, read, d_logits)`` is the pair of gradients, added up over the batch."""
    for rng in draws("batch"):
        x, W_OV = rng.normal(size=(5, 6, 4)), rng.normal(size=(4, 3))
        pattern, d_logits = softmax(rng.normal(size=(5, 6))), rng.normal(size=(5, 3))
        read = np.einsum("bj,bjd->bd", pattern, x)
        got, want = answer(W_OV, x, pattern, read, d_logits), batch_gradients(W_OV, x, pattern, read, d_logits)
        if not isinstance(got, tuple) or len(got) != 2:
            raise Objection("Return two arrays: the gradient of W_QK and that of W_OV.")
        for name, mine, right in zip(("∂L/∂W_QK", "∂L/∂W_OV"), got, want, strict=True):
            object_if(mine, right / len(x), f"{name} is averaged once too often: d_logits holds the 1/batch already.")
            object_if(mine, right.T, f"{name} is transposed.")
            expect(name, mine, right)


def witness(f, w):
    grad, step = np.zeros_like(w), 6e-6
    for index in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[index] += step
        down[index] -= step
        grad[index] = (f(up) - f(down)) / (2 * step)
    return grad


@checker(witness, right="It agrees to a relative error of a millionth, and it knows nothing of the derivation.")
def check_witness(answer):
    """Whether ``answer(f, w)`` is the gradient of any smooth function of an array, to a relative error of 1e-6."""
    for rng in draws("witness"):
        w, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        for f, slope in ((lambda w, c=c: np.sum(c * np.exp(w)), lambda w, c=c: c * np.exp(w)),
                         (lambda w, c=c: np.sum(c * w) ** 2, lambda w, c=c: 2 * np.sum(c * w) * c)):
            got, want = answer(f, w), slope(w)
            object_if(got, 2 * want, "Everything is twice too large: the two points are two steps apart.")
            expect("the gradient", got, want, tolerance=1e-6,
                   hint="Take the difference from both sides, with a step near the cube root of 1e-16.")


def every_row(W_QK, W_OV, x, targets):
    n_ctx, root = len(x), np.sqrt(x.shape[1])
    past = np.tri(n_ctx, dtype=bool)
    pattern = softmax(np.where(past, x @ W_QK @ x.T / root, -np.inf))
    probs = softmax(pattern @ x @ W_OV)
    d_logits = (probs - np.eye(probs.shape[1])[targets]) / n_ctx
    d_pattern = d_logits @ W_OV.T @ x.T
    mean = (pattern * d_pattern).sum(axis=-1, keepdims=True)
    return x.T @ (pattern * (d_pattern - mean)) @ x / root


@checker(every_row, right="Every row asks now, and x has taken the place of its last row.")
def check_every_row(answer):
    """Whether ``answer(W_QK, W_OV, x, targets)`` is W_QK's gradient where every position answers, causally."""
    for rng in draws("rows"):
        W_QK, W_OV, x = rng.normal(size=(4, 4)), rng.normal(size=(4, 3)), rng.normal(size=(6, 4))
        targets = rng.integers(3, size=6)
        got, want = answer(W_QK, W_OV, x, targets), every_row(W_QK, W_OV, x, targets)
        object_if(got, want * len(x), "The loss is the mean over the positions; yours is the sum.")
        object_if(got, want.T, "It is transposed: rows belong to the query, columns to the keys.")
        expect("the gradient", got, want, hint="Can a position see what comes after it? Does every position answer?")
