"""The feed-forward layer and its nonlinearities, forward and backward side by side."""

from __future__ import annotations

import numpy as np

from .explained import explained
from .linear import linear, linear_pullback

__all__ = ["ACTIVATIONS", "feed_forward", "feed_forward_pullback", "gelu", "gelu_pullback", "relu", "relu_pullback"]


@explained(u="d_mlp")
def relu(u):
    r""":math:`\phi(u) = \max(u, 0)`.

    >>> relu(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return np.maximum(u, np.zeros(u.shape[-1], u.dtype))  # a row of zeros: four times as fast as the number 0


@explained(u="d_mlp", d_phi="d_mlp")
def relu_pullback(u, d_phi):
    r""":math:`\partial u = \partial\phi` where :math:`u > 0`, else 0."""
    return d_phi * (u > 0)


@explained(u="d_mlp")
def gelu(u):
    r""":math:`\phi(u) = \tfrac12 u\,(1 + \tanh t)`, :math:`t = \sqrt{2/\pi}\,(u + 0.044715\,u^3)`: the input times
    (nearly) the share of a normal distribution below it (Hendrycks and Gimpel 2016, section 2).

    >>> gelu(np.array([-1.0, 0.0, 2.0])).round(4).tolist()
    [-0.1588, 0.0, 1.9546]
    """
    return 0.5 * u * (1 + np.tanh(ROOT * (u + 0.044715 * u**3)))


@explained(u="d_mlp", d_phi="d_mlp")
def gelu_pullback(u, d_phi):
    r""":math:`\partial u = \partial\phi\,\big(\tfrac12 (1 + \tanh t) + \tfrac12 u\,(1 - \tanh^2 t)\,t'\big)`, with
    :math:`t' = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,u^2)`.
    """
    tanh = np.tanh(ROOT * (u + 0.044715 * u**3))
    slope = ROOT * (1 + 3 * 0.044715 * u**2)
    return d_phi * 0.5 * (1 + tanh + u * (1 - tanh**2) * slope)


ROOT = (2 / np.pi) ** 0.5
ACTIVATIONS = {"relu": (relu, relu_pullback), "gelu": (gelu, gelu_pullback)}


@explained(x="batch pos d_model")
def feed_forward(params, x, activation, tap):
    r""":math:`u = x W_\text{in} + b_\text{in}, \quad m = \phi(u) W_\text{out} + b_\text{out}`
    (Vaswani et al. 2017, eq. 2; eq-feed-forward in the book).

    >>> params = {"W_in": np.eye(2), "b_in": np.zeros(2), "W_out": np.eye(2), "b_out": np.ones(2)}
    >>> feed_forward(params, np.array([[[-1.0, 2.0]]]), "relu", lambda name, value: value)["mlp_out"].tolist()
    [[[1.0, 3.0]]]
    """
    phi, _ = ACTIVATIONS[activation]
    mlp_pre = tap("mlp_pre", linear(x, params["W_in"], params["b_in"]))
    mlp_post = tap("mlp_post", phi(mlp_pre))
    mlp_out = tap("mlp_out", linear(mlp_post, params["W_out"], params["b_out"]))
    return {"mlp_pre": mlp_pre, "mlp_post": mlp_post, "mlp_out": mlp_out}


@explained(x="batch pos d_model", d_mlp_out="batch pos d_model")
def feed_forward_pullback(params, acts, x, d_mlp_out, activation, tap):
    """Gradient of x, and a dict of the gradients of ``W_in b_in W_out b_out``."""
    _, phi_pullback = ACTIVATIONS[activation]
    d_mlp_out = tap("d_mlp_out", d_mlp_out)
    d_mlp_post, d_W_out, d_b_out = linear_pullback(acts["mlp_post"], params["W_out"], d_mlp_out)
    d_mlp_pre = tap("d_mlp_pre", phi_pullback(acts["mlp_pre"], tap("d_mlp_post", d_mlp_post)))
    d_x, d_W_in, d_b_in = linear_pullback(x, params["W_in"], d_mlp_pre)
    return d_x, {"W_in": d_W_in, "b_in": d_b_in, "W_out": d_W_out, "b_out": d_b_out}
