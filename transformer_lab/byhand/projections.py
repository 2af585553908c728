"""Into the heads and out of them: queries, keys and values are made, and what the heads found is written.

Forward and backward side by side. All heads of all rows are one matrix product.
"""

from __future__ import annotations

import numpy as np  # noqa: F401 (the examples use it)

from .explained import explained
from .linear import rows

__all__ = ["merge", "merge_pullback", "project", "project_pullback"]


@explained(x="batch pos d_model", W="d_model n_heads d_head")
def project(x, W):
    r"""Queries, keys or values of every head, :math:`q = x W_Q`.

    ``x`` (..., batch, pos, d_model) and ``W`` (..., d_model, n_heads, d_head) give (..., batch, n_heads, pos, d_head).
    The leading axes of the two broadcast: one batch can feed many seeds.

    >>> project(np.ones((7, 5, 4)), np.ones((3, 4, 2, 6))).shape
    (3, 7, 2, 5, 6)
    """
    flat = rows(x) @ W.reshape(*W.shape[:-2], -1)  # one tall product: (..., batch·pos, n_heads·d_head)
    return flat.reshape(*flat.shape[:-2], *x.shape[-3:-1], *W.shape[-2:]).swapaxes(-2, -3)


@explained(x="batch pos d_model", W="d_model n_heads d_head", d_out="batch n_heads pos d_head")
def project_pullback(x, W, d_out):
    r"""Gradients of ``x`` and ``W``.

    .. math:: \partial x = \partial q\, W_Q^\top, \quad \partial W_Q = x^\top \partial q
    """
    d_flat = d_out.swapaxes(-2, -3)
    d_flat = d_flat.reshape(*d_flat.shape[:-4], -1, W.shape[-2] * W.shape[-1])
    d_x = d_flat @ W.reshape(*W.shape[:-2], -1).swapaxes(-1, -2)
    d_W = rows(x).swapaxes(-1, -2) @ d_flat
    return d_x.reshape(*d_x.shape[:-2], *x.shape[-3:]), d_W.reshape(*d_W.shape[:-1], *W.shape[-2:])


@explained(z="batch n_heads pos d_head", W_O="n_heads d_head d_model")
def merge(z, W_O=None):
    r"""What all heads write, :math:`o = \sum_h z_h W_{O,h}`; without ``W_O``, the heads laid side by side.

    ``z`` (..., batch, n_heads, pos, d_head) and ``W_O`` (..., n_heads, d_head, d_model) give
    (..., batch, pos, d_model).

    >>> merge(np.ones((7, 2, 5, 6)), np.ones((3, 2, 6, 4))).shape
    (3, 7, 5, 4)
    """
    flat = side_by_side(z)
    if W_O is not None:
        flat = flat @ W_O.reshape(*W_O.shape[:-3], -1, W_O.shape[-1])
    return flat.reshape(*flat.shape[:-2], z.shape[-4], z.shape[-2], flat.shape[-1])


@explained(z="batch n_heads pos d_head", W_O="n_heads d_head d_model", d_out="batch pos d_model")
def merge_pullback(z, W_O, d_out):
    r"""Gradients of ``z`` and ``W_O``.

    .. math:: \partial z_h = \partial o\, W_{O,h}^\top, \quad \partial W_{O,h} = z_h^\top \partial o
    """
    d_flat, d_W_O = rows(d_out), None
    if W_O is not None:
        d_W_O = side_by_side(z).swapaxes(-1, -2) @ d_flat
        d_W_O = d_W_O.reshape(*d_W_O.shape[:-2], *W_O.shape[-3:])
        d_flat = d_flat @ W_O.reshape(*W_O.shape[:-3], -1, W_O.shape[-1]).swapaxes(-1, -2)
    n_heads, n_pos, d_head = z.shape[-3:]
    return d_flat.reshape(*d_flat.shape[:-2], -1, n_pos, n_heads, d_head).swapaxes(-2, -3), d_W_O


def side_by_side(z):
    """(..., batch, n_heads, pos, d_head) -> (..., batch·pos, n_heads·d_head)"""
    return z.swapaxes(-2, -3).reshape(*z.shape[:-4], -1, z.shape[-3] * z.shape[-1])
