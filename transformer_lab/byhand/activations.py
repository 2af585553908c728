"""The nonlinearities of the feed-forward layer, forward and backward side by side, on arrays (..., d_mlp)."""

from __future__ import annotations

import math

import numpy as np

from ..rules import Inexact
from ..signatures import checked

__all__ = [
    "ACTIVATIONS", "gelu", "gelu_exact", "gelu_exact_pullback", "gelu_pullback", "relu", "relu_pullback", "silu",
    "silu_pullback", "squared_relu", "squared_relu_pullback",
]

ROOT = (2 / np.pi) ** 0.5
erfc = np.vectorize(math.erfc, otypes=[np.float64])


@checked
def relu(u: Inexact("... d_mlp")):
    r""":math:`\phi(u) = \max(u, 0)`.

    >>> relu(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return np.maximum(u, np.zeros(u.shape[-1], u.dtype))  # a row of zeros: four times as fast as the number 0


@checked
def relu_pullback(u: Inexact("*#lead d_mlp"), d_phi: Inexact("*#lead d_mlp")):
    r""":math:`\partial u = \partial\phi` where :math:`u > 0`, else 0."""
    return d_phi * (u > 0)


@checked
def gelu(u: Inexact("... d_mlp")):
    r""":math:`\phi(u) = \tfrac12 u\,(1 + \tanh t)`, :math:`t = \sqrt{2/\pi}\,(u + 0.044715\,u^3)`: the input times
    (nearly) the share of a normal distribution below it (Hendrycks and Gimpel 2016, section 2).

    >>> gelu(np.array([-1.0, 0.0, 2.0])).round(4).tolist()
    [-0.1588, 0.0, 1.9546]
    """
    return 0.5 * u * (1 + np.tanh(ROOT * (u + 0.044715 * u**3)))


@checked
def gelu_pullback(u: Inexact("*#lead d_mlp"), d_phi: Inexact("*#lead d_mlp")):
    r""":math:`\partial u = \partial\phi\,\big(\tfrac12 (1 + \tanh t) + \tfrac12 u\,(1 - \tanh^2 t)\,t'\big)`, with
    :math:`t' = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,u^2)`.
    """
    tanh = np.tanh(ROOT * (u + 0.044715 * u**3))
    slope = ROOT * (1 + 3 * 0.044715 * u**2)
    return d_phi * 0.5 * (1 + tanh + u * (1 - tanh**2) * slope)


@checked
def gelu_exact(u: Inexact("... d_mlp")):
    r""":math:`\phi(u) = u\,\Phi(u) = \tfrac12 u\,(1 + \operatorname{erf}(u / \sqrt2))`: the input times the share of a
    normal distribution below it.

    >>> gelu_exact(np.array([-1.0, 0.0, 2.0])).round(4).tolist()
    [-0.1587, 0.0, 1.9545]
    """
    return u * share_below(u)


@checked
def gelu_exact_pullback(u: Inexact("*#lead d_mlp"), d_phi: Inexact("*#lead d_mlp")):
    r""":math:`\partial u = \partial\phi\,\big(\Phi(u) + u\,\varphi(u)\big)`, the normal density :math:`\varphi`."""
    return d_phi * (share_below(u) + u * density(u))


def share_below(u):
    """The normal distribution function, to first order in an imaginary part: all that a complex step needs."""
    share = erfc(u.real * -(0.5**0.5)).astype(u.real.dtype) / 2
    return share + 1j * u.imag * density(u.real) if np.iscomplexobj(u) else share


def density(u):
    return np.exp(-u * u / 2) * (2 * np.pi) ** -0.5


@checked
def silu(u: Inexact("... d_mlp")):
    r""":math:`\phi(u) = u\,\sigma(u)`, the input times its sigmoid (Elfwing et al. 2018; LLaMA's).

    >>> silu(np.array([-1.0, 0.0, 2.0])).round(4).tolist()
    [-0.2689, 0.0, 1.7616]
    """
    return u * sigmoid(u)


@checked
def silu_pullback(u: Inexact("*#lead d_mlp"), d_phi: Inexact("*#lead d_mlp")):
    r""":math:`\partial u = \partial\phi\;\sigma\,(1 + u\,(1 - \sigma))`."""
    s = sigmoid(u)
    return d_phi * s * (1 + u * (1 - s))


def sigmoid(u):
    return 0.5 * (1 + np.tanh(0.5 * u))


@checked
def squared_relu(u: Inexact("... d_mlp")):
    r""":math:`\phi(u) = \max(u, 0)^2` (So et al. 2021).

    >>> squared_relu(np.array([-1.0, 3.0])).tolist()
    [0.0, 9.0]
    """
    return relu.unchecked(u) ** 2


@checked
def squared_relu_pullback(u: Inexact("*#lead d_mlp"), d_phi: Inexact("*#lead d_mlp")):
    r""":math:`\partial u = 2 \max(u, 0)\, \partial\phi`."""
    return 2 * relu.unchecked(u) * d_phi


# name -> (forward, backward)
ACTIVATIONS = {"relu": (relu, relu_pullback), "gelu": (gelu, gelu_pullback),
               "gelu_exact": (gelu_exact, gelu_exact_pullback), "silu": (silu, silu_pullback),
               "squared_relu": (squared_relu, squared_relu_pullback)}
