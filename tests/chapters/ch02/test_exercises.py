"""Chapter 2: the solutions against witnesses that share no code with them, and mistakes that readers make."""

import numpy as np

from chapters.ch02.exercises import (
    batch_gradients,
    check_batch_gradients,
    check_delta,
    check_every_row,
    check_masked_gradient,
    check_pull_softmax,
    check_softmax_jacobian,
    check_witness,
    delta,
    every_row,
    masked_gradient,
    pull_softmax,
    softmax_jacobian,
    witness,
)
from transformer_lab import generator
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.gradcheck import complex_step

RNG = generator(0, "exercises of chapter 2")


def first_is_mean(pattern, d_pattern):
    return pattern * (d_pattern - (pattern * d_pattern).sum())


def mask_after(W_QK, x, d_read, visible):
    pattern = softmax(x @ (x[-1] @ W_QK) / np.sqrt(x.shape[1])) * visible
    d_pattern = x @ d_read
    d_scores = pattern * (d_pattern - pattern @ d_pattern)
    return np.outer(x[-1], d_scores @ x) / np.sqrt(x.shape[1])


def first_sequence_asks(W_OV, x, pattern, read, d_logits):
    d_W_QK, d_W_OV = batch_gradients(W_OV, x, pattern, read, d_logits)
    return np.outer(x[0, -1], d_W_QK.sum(axis=0)), d_W_OV


def step_of_witness(up, down, width):
    def wrong(f, w):
        grad = np.zeros_like(w)
        for index in np.ndindex(w.shape):
            a, b = w.copy(), w.copy()
            a[index] += up
            b[index] -= down
            grad[index] = (f(a) - f(b)) / width
        return grad
    return wrong


def all_at_once(f, w):
    return np.full_like(w, (f(w + 6e-6) - f(w - 6e-6)) / 1.2e-5)


def spoils_its_input(f, w):
    w += 0.0
    w[0] += 1
    return w


def unmasked_rows(W_QK, W_OV, x, targets):
    root = np.sqrt(x.shape[1])
    pattern = softmax(x @ W_QK @ x.T / root)
    d_logits = (softmax(pattern @ x @ W_OV) - np.eye(W_OV.shape[1])[targets]) / len(x)
    return x.T @ pull_softmax(pattern, d_logits @ W_OV.T @ x.T) @ x / root


def last_row_alone(W_QK, W_OV, x, targets):
    pattern = softmax(x @ (x[-1] @ W_QK) / np.sqrt(x.shape[1]))
    d_logits = delta(softmax(pattern @ x @ W_OV), targets[-1])
    return np.outer(x[-1], pull_softmax(pattern, x @ (W_OV @ d_logits)) @ x) / np.sqrt(x.shape[1])


WRONG = [
    (check_delta, lambda p, t: -delta(p, t), "sign is turned"),
    (check_delta, lambda p, t: p, "missing its −1"),
    (check_delta, lambda p, t: p - 1, "only the target"),
    (check_delta, lambda p, t: np.eye(len(p))[t], "off"),
    (check_delta, lambda p, t: delta(p, 0), "off"),
    (check_delta, lambda p, t: p.__isub__(np.eye(len(p))[t]), "work on copies"),
    (check_delta, lambda p, t: 0.0, "shape"),
    (check_delta, lambda p, t: None, "returned nothing"),
    (check_softmax_jacobian, np.diag, "− a aᵀ is missing"),
    (check_softmax_jacobian, lambda a: np.diag(a * (1 - a)), "diagonal is right"),
    (check_softmax_jacobian, lambda a: np.outer(a, a) - np.diag(a), "sign is turned"),
    (check_softmax_jacobian, lambda a: np.diag(a) - np.outer(a, 1 - a), "off"),
    (check_softmax_jacobian, lambda a: a * (1 - a), "shape"),
    (check_softmax_jacobian, lambda a: "J", "array of numbers"),
    (check_pull_softmax, lambda a, g: a * (g - g.mean(axis=-1, keepdims=True)), "weighted by the pattern"),
    (check_pull_softmax, lambda a, g: a * (1 - a) * g, "diagonal alone"),
    (check_pull_softmax, first_is_mean, "one mean for each row"),
    (check_pull_softmax, lambda a, g: a * g, "off"),
    (check_pull_softmax, lambda a, g: (np.diag(a) - np.outer(a, a)) @ g, "ValueError"),
    (check_masked_gradient, lambda W, x, g, v: masked_gradient(W, x, g, v | True), "still take part"),
    (check_masked_gradient, mask_after, "sum to one"),
    (check_masked_gradient, lambda W, x, g, v: masked_gradient(W, x, g, v).T, "transposed"),
    (check_masked_gradient, lambda W, x, g, v: 2 * masked_gradient(W, x, g, v), "1/√d_model"),
    (check_masked_gradient, lambda W, x, g, v: masked_gradient(W, x, g, ~v), "off"),
    (check_batch_gradients, lambda *a: batch_gradients(*a)[::-1], "shape"),
    (check_batch_gradients, lambda *a: tuple(g / 5 for g in batch_gradients(*a)), "averaged once too often"),
    (check_batch_gradients, lambda *a: batch_gradients(*a)[0], "two arrays"),
    (check_batch_gradients, lambda *a: tuple(g.T for g in batch_gradients(*a)), "transposed"),
    (check_batch_gradients, first_sequence_asks, "off"),
    (check_witness, step_of_witness(1e-4, 0, 1e-4), "both sides"),
    (check_witness, step_of_witness(6e-6, 6e-6, 6e-6), "twice too large"),
    (check_witness, step_of_witness(1e-13, 1e-13, 2e-13), "cube root"),
    (check_witness, step_of_witness(0.1, 0.1, 0.2), "cube root"),
    (check_witness, all_at_once, "off"),
    (check_witness, spoils_its_input, "work on copies"),
    (check_every_row, unmasked_rows, "comes after it"),
    (check_every_row, last_row_alone, "every position answer"),
    (check_every_row, lambda *a: every_row(*a).T, "transposed"),
    (check_every_row, lambda *a: 6 * every_row(*a), "yours is the sum"),
    (check_every_row, lambda W, V, x, t: every_row(W, V, x, t[::-1]), "off"),
]


def test_delta_is_the_slope_of_the_loss():
    logits = RNG.normal(size=6)
    truth = complex_step(lambda p: -np.log((np.exp(p["z"]) / np.exp(p["z"]).sum())[2]), {"z": logits})["z"]
    np.testing.assert_allclose(delta(softmax(logits), 2), truth, rtol=1e-12)


def test_the_jacobian_and_its_product_are_slopes_of_the_softmax():
    scores, upstream = RNG.normal(size=5), RNG.normal(size=5)
    rows = [complex_step(lambda p, i=i: (np.exp(p["s"]) / np.exp(p["s"]).sum())[i], {"s": scores})["s"]
            for i in range(5)]
    np.testing.assert_allclose(softmax_jacobian(softmax(scores)), rows, rtol=1e-12)
    np.testing.assert_allclose(pull_softmax(softmax(scores), upstream), upstream @ np.array(rows), rtol=1e-11)


def test_the_masked_gradient_is_a_slope():
    x, d_read, visible = RNG.normal(size=(6, 4)), RNG.normal(size=4), np.array([0, 1, 1, 0, 1, 1], dtype=bool)

    def f(params):
        seen = np.exp(x[visible] @ (x[-1] @ params["W"]) / 2)
        return d_read @ (seen / seen.sum() @ x[visible])

    W = RNG.normal(size=(4, 4))
    np.testing.assert_allclose(masked_gradient(W, x, d_read, visible), complex_step(f, {"W": W})["W"], rtol=1e-11)


def test_the_batch_gradients_are_slopes():
    x, d_logits = RNG.normal(size=(5, 6, 4)), RNG.normal(size=(5, 3))
    params = {"W_QK": RNG.normal(size=(4, 4)), "W_OV": RNG.normal(size=(4, 3))}

    def pattern_of(params):
        scores = np.exp(np.einsum("bd,de,bje->bj", x[:, -1], params["W_QK"], x) / 2)
        return scores / scores.sum(axis=-1, keepdims=True)

    def f(params):
        return (d_logits * (np.einsum("bj,bjd->bd", pattern_of(params), x) @ params["W_OV"])).sum()

    pattern = pattern_of(params)
    found = batch_gradients(params["W_OV"], x, pattern, np.einsum("bj,bjd->bd", pattern, x), d_logits)
    for name, grad in zip(("W_QK", "W_OV"), found, strict=True):
        np.testing.assert_allclose(grad, complex_step(f, params)[name], rtol=1e-10, atol=1e-13)


def test_every_row_is_a_slope():
    x, W_OV, targets = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 3)), RNG.integers(3, size=6)

    def f(params):
        total = 0
        for t in range(6):
            seen = np.exp(x[: t + 1] @ (x[t] @ params["W"]) / 2)
            logits = np.exp(seen / seen.sum() @ x[: t + 1] @ W_OV)
            total = total - np.log(logits[targets[t]] / logits.sum())
        return total / 6

    W = RNG.normal(size=(4, 4))
    np.testing.assert_allclose(every_row(W, W_OV, x, targets), complex_step(f, {"W": W})["W"], rtol=1e-10, atol=1e-13)


def test_the_witness_finds_a_known_slope():
    w = RNG.normal(size=(3, 2))
    np.testing.assert_allclose(witness(lambda w: np.sin(w).sum(), w), np.cos(w), rtol=1e-8)
