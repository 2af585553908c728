"""LayerNorm and RMSNorm, forward and backward side by side.

Each norm returns its output and what its pullback needs: the normalised rows ``x_hat`` and
``scale``, which is one over their standard deviation (or root mean square). x is
(..., batch, pos, d_model); gain w and offset b are (..., d_model).
"""

from __future__ import annotations

import numpy as np

from .explained import explained
from .linear import row_mean, row_sum

__all__ = ["NORMS", "layer_norm", "layer_norm_pullback", "rms_norm", "rms_norm_pullback"]

EPS = 1e-5


@explained(x="batch pos d_model", w="d_model", b="d_model")
def layer_norm(x, w, b):
    r"""Every row gets mean 0 and variance 1, then gain and offset (Ba et al. 2016, eq. 4; eq-layer-norm in the book).

    .. math:: \hat x = (x - \bar x) / \sqrt{\operatorname{var} x + \epsilon}, \quad y = w \odot \hat x + b

    >>> y, (x_hat, scale) = layer_norm(np.array([[[1.0, 3.0]]]), np.ones(2), np.zeros(2))
    >>> y.round(4).tolist(), scale.round(4).tolist()
    ([[[-1.0, 1.0]]], [[[1.0]]])
    """
    centred = x - row_mean(x)
    scale = 1 / np.sqrt(row_mean(centred * centred) + EPS)
    x_hat = centred * scale
    return x_hat * each_row(w) + each_row(b), (x_hat, scale)


@explained(w="d_model", d_y="batch pos d_model")
def layer_norm_pullback(saved, w, d_y):
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


@explained(x="batch pos d_model", w="d_model")
def rms_norm(x, w):
    r"""Every row gets mean square 1, then a gain (Zhang and Sennrich 2019, eq. 4).

    .. math:: \hat x = x / \sqrt{\overline{x^2} + \epsilon}, \quad y = w \odot \hat x

    >>> rms_norm(np.array([[[3.0, 4.0]]]), np.ones(2))[0].round(4).tolist()
    [[[0.8485, 1.1314]]]
    """
    scale = 1 / np.sqrt(row_mean(x * x) + EPS)
    x_hat = x * scale
    return x_hat * each_row(w), (x_hat, scale)


@explained(w="d_model", d_y="batch pos d_model")
def rms_norm_pullback(saved, w, d_y):
    r"""Gradients of x and w.

    .. math:: \partial x = \big(\partial\hat x - \hat x\,\overline{\partial\hat x \odot \hat x}\big) /
              \sqrt{\overline{x^2} + \epsilon}, \quad \partial\hat x = w \odot \partial y
    """
    x_hat, scale = saved
    d_w = row_sum(d_y * x_hat)
    d_x_hat = d_y * each_row(w)
    d_x = (d_x_hat - x_hat * row_mean(d_x_hat * x_hat)) * scale
    return d_x, d_w


def each_row(w):
    """(..., d_model) -> (..., 1, 1, d_model), to meet (..., batch, pos, d_model)."""
    return w[..., None, None, :]


# name -> (forward, backward, names of its parameters after "ln1_", "ln2_" or "ln_final_")
NORMS = {"layer": (layer_norm, layer_norm_pullback, ("w", "b")), "rms": (rms_norm, rms_norm_pullback, ("w",))}
