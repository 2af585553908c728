"""Softmax over the last axis, forward and backward, with a mask for what it may see."""

from __future__ import annotations

import numpy as np

from .explained import explained

__all__ = ["softmax", "softmax_pullback"]


@explained(scores="key")
def softmax(scores, mask=None):
    r"""Softmax over the last axis, :math:`a_j = e^{s_j} / \sum_i e^{s_i}`, of what the mask allows (eq-masked-softmax).

    Parameters
    ----------
    scores : array (..., key)
        Real or complex. The largest real part is subtracted first, so nothing overflows.
    mask : bool array that broadcasts to ``scores``, optional
        True where the query may look. A row that may look nowhere is all zeros, by
        definition: it reads nothing, and passes no gradient.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3.0)])).round(4).tolist()
    [0.25, 0.75]
    >>> softmax(np.zeros((2, 3)), np.array([[True, True, False], [False, False, False]])).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    scores = np.asarray(scores)
    if mask is None:
        weights = np.exp(scores - scores.real.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return weights
    hidden = np.where(mask, scores.dtype.type(0), -np.inf)
    scores = np.add(scores, hidden, out=np.empty_like(scores))  # in the memory order of the scores, whatever it is
    peak = scores.real.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(peak), peak, 0))
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(total == 0, 1, total)
    return weights


@explained(pattern="key", d_pattern="key")
def softmax_pullback(pattern, d_pattern):
    r"""Gradient of the scores, :math:`\partial s = a \odot (\partial a - a^\top \partial a)`.

    This is the Jacobian :math:`\operatorname{diag}(a) - a a^\top` times ``d_pattern``, without
    building the matrix. A hidden entry has a weight of 0, hence a gradient of 0.

    >>> softmax_pullback(np.array([0.25, 0.75]), np.array([1.0, 0.0])).tolist()
    [0.1875, -0.1875]
    """
    return pattern * (d_pattern - (pattern * d_pattern).sum(axis=-1, keepdims=True))
