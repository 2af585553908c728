"""Chapter 02: the solutions against witnesses that share no code with them."""

import numpy as np

from chapters.ch02.exercises import (
    batch_gradients,
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
