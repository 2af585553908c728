"""The parts of a block besides attention, forward and backward side by side: affine maps, norms, the feed-forward layer
(its nonlinearities stand in :mod:`~transformer_lab.byhand.activations`), and dropout.

Arrays are (..., batch, pos, width), parameters (..., width) or (..., width, width) with the same leading axes, or none.
Batch and positions are laid end to end first, so that each map is one matrix product. Sums over rows and columns are
products with ones, which are faster than ``numpy.sum`` on short axes. A norm returns its output and what its pullback
needs: the normalised rows ``x_hat``, and ``scale``, one over their standard deviation (or root mean square).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..randomness import generator
from ..rules import Choice, Each, Entries, Inexact, Number, Rule, Seed, Whole
from ..signatures import checked
from ..taps import keep
from .activations import (
    ACTIVATIONS,
    gelu,
    gelu_exact,
    gelu_exact_pullback,
    gelu_pullback,
    relu,
    relu_pullback,
    silu,
    silu_pullback,
    squared_relu,
    squared_relu_pullback,
)

__all__ = [
    "ACTIVATIONS", "NORMS", "dropout_masks", "feed_forward", "feed_forward_pullback", "gelu", "gelu_exact",
    "gelu_exact_pullback", "gelu_pullback", "layer_norm", "layer_norm_pullback", "linear", "linear_pullback", "relu",
    "relu_pullback", "rms_norm", "rms_norm_pullback", "silu", "silu_pullback", "squared_relu", "squared_relu_pullback",
]

EPS = 1e-5


@checked
def linear(x: Inexact("*#lead batch pos d_in"), W: Inexact("*#lead d_in d_out"), b: Inexact("*#lead d_out") | None):
    r""":math:`y = x W + b`, or without b.

    >>> linear(np.ones((1, 2, 3)), np.ones((3, 4)), np.ones(4)).tolist()
    [[[4.0, 4.0, 4.0, 4.0], [4.0, 4.0, 4.0, 4.0]]]
    """
    y = rows(x) @ W if b is None else rows(x) @ W + b[..., None, :]
    return y.reshape(*y.shape[:-2], *x.shape[-3:-1], W.shape[-1])


@checked
def linear_pullback(x: Inexact("*#lead batch pos d_in"), W: Inexact("*#lead d_in d_out"),
                    d_y: Inexact("*#lead batch pos d_out")):
    r"""Gradients of x, W and b: :math:`\partial x = \partial y\, W^\top`, :math:`\partial W = x^\top \partial y`,
    :math:`\partial b = \sum_\text{rows} \partial y`.
    """
    d_rows = rows(d_y)
    d_x = d_rows @ W.swapaxes(-1, -2)
    d_W = rows(x).swapaxes(-1, -2) @ d_rows
    return d_x.reshape(*d_x.shape[:-2], *x.shape[-3:]), d_W, row_sum(d_y)


def rows(x):
    """(..., batch, pos, width) -> (..., batch·pos, width)"""
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


def row_sum(x):
    """The sum of all rows, (..., batch, pos, width) -> (..., width)."""
    x = rows(x)
    return (constant((1, x.shape[-2]), 1.0, x.dtype) @ x)[..., 0, :]


def row_mean(x):
    """The mean along each row, (..., width) -> (..., 1)."""
    width = x.shape[-1]
    return (x.reshape(-1, width) @ constant((width, 1), 1 / width, x.dtype)).reshape(*x.shape[:-1], 1)


@lru_cache(maxsize=64)
def constant(shape, value, dtype):
    return np.full(shape, value, dtype)


class Saved(Rule):
    """What a norm keeps for its pullback: the normalised rows, and the scale of each."""

    def check(self, argument, value, sizes, given):
        pair = zip(Each(Inexact("..."), low=2).check(argument, value, sizes, given), ("d_model", "1"), strict=False)
        return tuple(Inexact(f"*#lead batch pos {width}").check(argument, entry, sizes, given) for entry, width in pair)


@checked
def layer_norm(x: Inexact("*#lead batch pos d_model"), w: Inexact("*#lead d_model"), b: Inexact("*#lead d_model"),
               eps: Number(low=0) = EPS):
    r"""Every row gets mean 0 and variance 1, then gain and offset (Ba et al. 2016, eq. 4; eq-layer-norm in the book).

    .. math:: \hat x = (x - \bar x) / \sqrt{\operatorname{var} x + \epsilon}, \quad y = w \odot \hat x + b

    >>> y, (x_hat, scale) = layer_norm(np.array([[[1.0, 3.0]]]), np.ones(2), np.zeros(2))
    >>> y.round(4).tolist(), scale.round(4).tolist()
    ([[[-1.0, 1.0]]], [[[1.0]]])
    """
    centred = x - row_mean(x)
    scale = 1 / np.sqrt(row_mean(centred * centred) + eps)
    x_hat = centred * scale
    return x_hat * each_row(w) + each_row(b), (x_hat, scale)


@checked
def layer_norm_pullback(saved: Saved(), w: Inexact("*#lead d_model"), d_y: Inexact("*#lead batch pos d_model")):
    r"""Gradients of x, w and b (eq-layer-norm-backward in the book). What moves a whole row up, or stretches it, has no
    effect and so gets no gradient:

    .. math:: \partial x = \big(\partial\hat x - \overline{\partial\hat x} - \hat x\,\overline{\partial\hat x \odot
              \hat x}\big) / \sqrt{\operatorname{var} x + \epsilon}, \quad \partial\hat x = w \odot \partial y
    """
    x_hat, scale = saved
    d_w, d_b = row_sum(d_y * x_hat), row_sum(d_y)
    d_x_hat = d_y * each_row(w)
    d_x = (d_x_hat - row_mean(d_x_hat) - x_hat * row_mean(d_x_hat * x_hat)) * scale
    return d_x, d_w, d_b


@checked
def rms_norm(x: Inexact("*#lead batch pos d_model"), w: Inexact("*#lead d_model"), eps: Number(low=0) = EPS):
    r"""Every row gets mean square 1, then a gain (Zhang and Sennrich 2019, eq. 4).

    .. math:: \hat x = x / \sqrt{\overline{x^2} + \epsilon}, \quad y = w \odot \hat x

    >>> rms_norm(np.array([[[3.0, 4.0]]]), np.ones(2))[0].round(4).tolist()
    [[[0.8485, 1.1314]]]
    """
    scale = 1 / np.sqrt(row_mean(x * x) + eps)
    x_hat = x * scale
    return x_hat * each_row(w), (x_hat, scale)


@checked
def rms_norm_pullback(saved: Saved(), w: Inexact("*#lead d_model"), d_y: Inexact("*#lead batch pos d_model")):
    r"""Gradients of x and w: :math:`\partial x = (\partial\hat x - \hat x\,\overline{\partial\hat x \odot \hat x}) /
    \sqrt{\overline{x^2} + \epsilon}` with :math:`\partial\hat x = w \odot \partial y`.
    """
    x_hat, scale = saved
    d_w = row_sum(d_y * x_hat)
    d_x_hat = d_y * each_row(w)
    d_x = (d_x_hat - x_hat * row_mean(d_x_hat * x_hat)) * scale
    return d_x, d_w


def each_row(w):
    """(..., d_model) -> (..., 1, 1, d_model), to meet (..., batch, pos, d_model)."""
    return w[..., None, None, :]


# name -> (forward, backward); the names of their parameters stand in transformer_lab.parts.PARTS
NORMS = {"none": None, "layer": (layer_norm, layer_norm_pullback), "rms": (rms_norm, rms_norm_pullback)}


@checked
def feed_forward(params: Entries(W_in="*#lead d_in d_mlp", W_out="*#lead d_mlp d_out"),
                 x: Inexact("*#lead batch pos d_in"), activation: Choice(ACTIVATIONS), tap: Callable = keep) -> dict:
    r""":math:`u = x W_\text{in} + b_\text{in}, \quad m = \phi(u) W_\text{out} + b_\text{out}`
    (Vaswani et al. 2017, eq. 2; eq-feed-forward in the book). Without ``b_in`` or ``b_out`` nothing is added.

    >>> params = {"W_in": np.eye(2), "b_in": np.zeros(2), "W_out": np.eye(2), "b_out": np.ones(2)}
    >>> feed_forward(params, np.array([[[-1.0, 2.0]]]), "relu")["mlp_out"].tolist()
    [[[1.0, 3.0]]]
    """
    phi, _ = ACTIVATIONS[activation]
    mlp_pre = tap("mlp_pre", linear.unchecked(x, params["W_in"], params.get("b_in")))           # (..., pos, d_mlp)
    mlp_post = tap("mlp_post", phi.unchecked(mlp_pre))
    mlp_out = tap("mlp_out", linear.unchecked(mlp_post, params["W_out"], params.get("b_out")))  # (..., pos, d_out)
    return {"x": x, "mlp_pre": mlp_pre, "mlp_post": mlp_post, "mlp_out": mlp_out}


@checked
def feed_forward_pullback(params: Entries(W_in="*#lead d_in d_mlp", W_out="*#lead d_mlp d_out"),
                          acts: Entries(x="*#lead batch pos d_in", mlp_pre="*#lead batch pos d_mlp",
                                        mlp_post="*#lead batch pos d_mlp"),
                          d_mlp_out: Inexact("*#lead batch pos d_out"), activation: Choice(ACTIVATIONS),
                          tap: Callable = keep) -> dict:
    """Gradients of ``x`` and of all parameters from the gradient of ``mlp_out`` (eq-feed-forward-backward)."""
    _, phi_pullback = ACTIVATIONS[activation]
    d_mlp_out = tap("d_mlp_out", d_mlp_out)
    d_mlp_post, d_W_out, d_b_out = linear_pullback.unchecked(acts["mlp_post"], params["W_out"], d_mlp_out)
    d_mlp_pre = tap("d_mlp_pre", phi_pullback.unchecked(acts["mlp_pre"], tap("d_mlp_post", d_mlp_post)))
    d_x, d_W_in, d_b_in = linear_pullback.unchecked(acts["x"], params["W_in"], d_mlp_pre)
    grads = {"x": d_x, "W_in": d_W_in, "b_in": d_b_in, "W_out": d_W_out, "b_out": d_b_out}
    return {name: grad for name, grad in grads.items() if name == "x" or name in params}


@checked
def dropout_masks(rate: Number(low=0, high=0.99), seeds: Seed() | Each(Seed), step: Whole()) -> Callable:
    r"""The masks of one training step: a function ``masks(place, x)`` that gives what to multiply x by,
    0 with probability ``rate`` and :math:`1 / (1 - \text{rate})` otherwise (Srivastava et al. 2014, section 10).

    With one seed for each entry of the leading axis of x, each has the masks that it would have alone.

    >>> masks, x = dropout_masks(0.5, 7, step=3), np.ones((2, 3))
    >>> np.unique(masks("embed", x)).tolist()
    [0.0, 2.0]
    >>> np.array_equal(masks("embed", x), dropout_masks(0.5, [8, 7], 3)("embed", np.ones((2, 2, 3)))[1])
    True
    """
    def masks(place, x):
        def draw(seed, shape):
            return generator(seed, f"dropout {place}", step).random(shape, np.float32) >= rate

        kept = draw(seeds, x.shape) if np.ndim(seeds) == 0 else np.stack([draw(seed, x.shape[1:]) for seed in seeds])
        return kept.astype(x.dtype) / x.dtype.type(1 - rate)

    return masks
