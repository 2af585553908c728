"""An affine map of rows, forward and backward, and the sums that its gradients are made of.

Arrays are (..., batch, pos, width), parameters (..., width, width) with the same leading
axes, or none. Batch and positions are laid end to end first, so that each map is one
matrix product. Sums over rows and columns are products with ones, which are faster than
``numpy.sum`` on short axes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .explained import explained

__all__ = ["linear", "linear_pullback", "row_mean", "row_sum"]


@explained(x="batch pos d_in", W="d_in d_out", b="d_out")
def linear(x, W, b):
    r""":math:`y = x W + b`, with x (..., batch, pos, d_in), W (..., d_in, d_out) and b (..., d_out).

    >>> linear(np.ones((1, 2, 3)), np.ones((3, 4)), np.ones(4)).tolist()
    [[[4.0, 4.0, 4.0, 4.0], [4.0, 4.0, 4.0, 4.0]]]
    """
    y = rows(x) @ W + b[..., None, :]
    return y.reshape(*y.shape[:-2], *x.shape[-3:-1], W.shape[-1])


@explained(x="batch pos d_in", W="d_in d_out", d_y="batch pos d_out")
def linear_pullback(x, W, d_y):
    r"""Gradients of x, W and b.

    .. math:: \partial x = \partial y\, W^\top, \quad \partial W = x^\top \partial y, \quad
              \partial b = \textstyle\sum_\text{rows} \partial y
    """
    d_rows = rows(d_y)
    d_x = d_rows @ W.swapaxes(-1, -2)
    d_W = rows(x).swapaxes(-1, -2) @ d_rows
    return d_x.reshape(*d_x.shape[:-2], *x.shape[-3:]), d_W, row_sum(d_y)


def rows(x):
    """(..., batch, pos, width) -> (..., batch·pos, width)"""
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


@explained(x="batch pos width")
def row_sum(x):
    """The sum of all rows, (..., batch, pos, width) -> (..., width).

    >>> row_sum(np.ones((7, 2, 3, 4)))[0].tolist()
    [6.0, 6.0, 6.0, 6.0]
    """
    x = rows(x)
    return (constant((1, x.shape[-2]), 1.0, x.dtype) @ x)[..., 0, :]


@explained(x="width")
def row_mean(x):
    """The mean along each row, (..., width) -> (..., 1).

    >>> row_mean(np.array([[1.0, 3.0], [2.0, 6.0]])).tolist()
    [[2.0], [4.0]]
    """
    width = x.shape[-1]
    return (x.reshape(-1, width) @ constant((width, 1), 1 / width, x.dtype)).reshape(*x.shape[:-1], 1)


@lru_cache(maxsize=64)
def constant(shape, value, dtype):
    return np.full(shape, value, dtype)
