"""Each checker accepts the solution and another right answer, and rejects what readers plausibly write."""

import numpy as np

from chapters.ch06.exercises import (
    attention_gradient,
    check_attention_gradient,
    check_doubled_loss,
    check_layer_norm_gradient,
    check_logit_gradient,
    check_smoothed_gradient,
    check_tied_gradient,
    doubled_loss,
    layer_norm_gradient,
    logit_gradient,
    smoothed_gradient,
    tied_gradient,
)
from transformer_lab.byhand.softmax import softmax, softmax_pullback


def by_jacobian(x, w, d_y):
    """LayerNorm's gradient from the whole Jacobian of each row."""
    rows = []
    for row, d in zip(x, d_y, strict=True):
        n, std = len(row), np.sqrt(row.var() + 1e-5)
        x_hat = (row - row.mean()) / std
        rows.append((np.eye(n) - 1 / n - np.outer(x_hat, x_hat) / n) @ (w * d) / std)
    std = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return [np.array(rows), np.einsum("td,td->d", d_y, (x - x.mean(-1, keepdims=True)) / std), np.einsum("td->d", d_y)]


def attention_by_rows(q, k, v, d_z):
    a = softmax(q @ k.T / np.sqrt(q.shape[1]))
    d_s = np.array([(np.diag(row) - np.outer(row, row)) @ v @ d for row, d in zip(a, d_z, strict=True)])
    return (np.einsum("ts,sd->td", d_s, k) / np.sqrt(q.shape[1]), np.einsum("ts,td->sd", d_s, q) / np.sqrt(q.shape[1]),
            np.einsum("ts,td->sd", a, d_z))


def one_hot(targets, n):
    return np.eye(n)[targets]


RIGHT = [
    (check_logit_gradient, lambda ell, t: (softmax(ell) - one_hot(t, ell.shape[1])) / len(t)),
    (check_layer_norm_gradient, by_jacobian),
    (check_attention_gradient, attention_by_rows),
    (check_tied_gradient, lambda t, d_x, h, d, n: one_hot(t, n).T @ d_x + np.einsum("tv,td->vd", d, h)),
    (check_smoothed_gradient, lambda ell, t, T, s: (
        softmax(ell / T) - (1 - s) * one_hot(t, len(ell)) - s / len(ell)) / T),
    (check_doubled_loss, lambda ell, t: 0.5 * (softmax(ell) ** 2).sum() - softmax(ell)[t]),
]


def norm_without(part):
    def wrong(x, w, d_y):
        _, d_w, d_b = layer_norm_gradient(x, w, d_y)
        std = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        d = w * d_y
        return {"both": d / std, "stretch": (d - d.mean(-1, keepdims=True)) / std,
                "gain": layer_norm_gradient(x, np.ones_like(w), d_y)[0]}[part], d_w, d_b
    return wrong


def wrong_attention(change):
    def wrong(q, k, v, d_z):
        d_q, d_k, d_v = attention_gradient(q, k, v, d_z)
        a, root = softmax(q @ k.T / np.sqrt(q.shape[1])), np.sqrt(q.shape[1])
        d_a = d_z @ v.T
        d_s = softmax_pullback(a, d_a)
        return {"copied": (d_v, d_v, d_v), "jacobian": (d_a @ k / root, d_a.T @ q / root, d_v),
                "root": (d_q * root, d_k * root, d_v), "keys": (d_q, d_s @ q / root, d_v),
                "values": (d_q, d_k, a @ d_z), "order": (d_k, d_q, d_v), "one": d_q}[change]
    return wrong


WRONG = [
    (check_logit_gradient, lambda ell, t: logit_gradient(ell, t) * len(t), "mean"),
    (check_logit_gradient, lambda ell, t: -logit_gradient(ell, t), "sign"),
    (check_logit_gradient, lambda ell, t: softmax_pullback(softmax(ell), logit_gradient(ell, t)), "already"),
    (check_logit_gradient, lambda ell, t: softmax(ell) / len(t), "off"),
    (check_logit_gradient, lambda ell, t: (softmax(ell.T).T - one_hot(t, ell.shape[1])) / len(t), "off"),
    (check_layer_norm_gradient, norm_without("both"), "held mean"),
    (check_layer_norm_gradient, norm_without("stretch"), "deviation moves"),
    (check_layer_norm_gradient, norm_without("gain"), "gain stands"),
    (check_layer_norm_gradient, lambda x, w, d: (layer_norm_gradient(x, w, d)[0], d.sum(0), d.sum(0)), "beside"),
    (check_layer_norm_gradient, lambda x, w, d: layer_norm_gradient(x, w, d)[0], "3 arrays"),
    (check_layer_norm_gradient, lambda x, w, d: (*layer_norm_gradient(x, w, d)[:2], d.mean(0)), "d_b"),
    (check_attention_gradient, wrong_attention("copied"), "copy"),
    (check_attention_gradient, wrong_attention("jacobian"), "Jacobian is missing"),
    (check_attention_gradient, wrong_attention("root"), "√d_head"),
    (check_attention_gradient, wrong_attention("keys"), "∂k sums"),
    (check_attention_gradient, wrong_attention("values"), "transpose the pattern"),
    (check_attention_gradient, wrong_attention("order"), "off"),
    (check_attention_gradient, wrong_attention("one"), "3 arrays"),
    (check_tied_gradient, lambda t, d_x, h, d, n: one_hot(t, n).T @ d_x, "embedding's share"),
    (check_tied_gradient, lambda t, d_x, h, d, n: d.T @ h, "unembedding's share"),
    (check_tied_gradient, lambda t, d_x, h, d, n: tied_gradient(t, d_x, h, d, n) / 2, "averaged"),
    (check_tied_gradient, lambda t, d_x, h, d, n: tied_gradient(t, d_x, h, d, n).T, "shape"),
    (check_tied_gradient, lambda t, d_x, h, d, n: d.T @ h + one_hot(t[:2], n).T @ d_x[:2], "twice"),
    (check_smoothed_gradient, lambda ell, t, T, s: smoothed_gradient(ell, t, T, s) * T, "divided by the temperature"),
    (check_smoothed_gradient, lambda ell, t, T, s: smoothed_gradient(ell, t, T, 0.0), "off"),
    (check_smoothed_gradient, lambda ell, t, T, s: smoothed_gradient(ell, t, 1.0, s) / T, "off"),
    (check_smoothed_gradient, lambda ell, t, T, s: smoothed_gradient(ell, t, T, s * 6 / 5), "off"),
    (check_doubled_loss, lambda ell, t: -np.log(softmax(ell)[t]), "cross-entropy"),
    (check_doubled_loss, lambda ell, t: 2 * doubled_loss(ell, t), "twice as large"),
    (check_doubled_loss, lambda ell, t: (1 - softmax(ell)[t]) ** 2 / 2, "off"),
    (check_doubled_loss, lambda ell, t: (softmax(ell) - one_hot(t, len(ell))) ** 2 / 2, "one number"),
]
