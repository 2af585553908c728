"""Softmax over the last axis, forward and backward, and the masks that say what it may see."""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_whole
from .explained import explained, flags

__all__ = ["MASKS", "causal_mask", "padding_mask", "softmax", "softmax_pullback", "visible"]


@explained(scores="key")
def softmax(scores, mask=None):
    r"""Softmax over the last axis, :math:`a_j = e^{s_j} / \sum_i e^{s_i}`, of what the mask allows (eq-masked-softmax).

    Parameters
    ----------
    scores : array (..., key)
        Real or complex. The largest real part is subtracted first, so nothing overflows.
    mask : bool array that broadcasts to ``scores``, optional
        True where the query may look. It selects: what is hidden may be anything, NaN too. A row that may look nowhere
        is all zeros, by definition: it reads nothing, and passes no gradient.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3.0)])).round(4).tolist()
    [0.25, 0.75]
    >>> softmax(np.zeros((2, 3)), np.array([[True, True, False], [False, False, False]])).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    scores = np.asarray(scores)
    if mask is not None:
        hidden = np.full_like(scores, -np.inf)  # in the memory order of the scores, whatever it is
        np.copyto(hidden, scores, where=flags("mask", mask))
        scores = hidden
    peak = scores.real.max(axis=-1, keepdims=True)
    weights = np.exp(scores - (peak if mask is None else np.where(peak == -np.inf, 0, peak)))
    total = weights.sum(axis=-1, keepdims=True, dtype=np.result_type(weights, np.float32))
    weights /= total if mask is None else np.where(total == 0, 1, total)
    return weights


@explained(pattern="key", d_pattern="key")
def softmax_pullback(pattern, d_pattern):
    r"""Gradient of the scores, :math:`\partial s = a \odot (\partial a - a^\top \partial a)`.

    This is the Jacobian :math:`\operatorname{diag}(a) - a a^\top` times ``d_pattern``, without building the matrix.
    A hidden entry has a weight of 0, hence a gradient of 0.

    >>> softmax_pullback(np.array([0.25, 0.75]), np.array([1.0, 0.0])).tolist()
    [0.1875, -0.1875]
    """
    return pattern * (d_pattern - (pattern * d_pattern).sum(axis=-1, keepdims=True))


def causal_mask(n_ctx):
    """Each position may look at itself and at what came before: bool (query, key), True where it may.

    >>> causal_mask(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return np.tri(check_whole("n_ctx", n_ctx, low=1), dtype=bool)


def padding_mask(real):
    """No query may look at padding: bool (..., 1, 1, key) from ``real`` (..., key), True where a token is real.

    The two axes are for heads and queries. Masks combine with ``&``.

    >>> (padding_mask(np.array([[False, True, True]])) & causal_mask(3)).astype(int).tolist()
    [[[[0, 0, 0], [0, 1, 0], [0, 1, 1]]]]
    """
    return check_array("real", real, shape=("key",), kind="flag", leading=True)[..., None, None, :]


# name -> what each query may see of n_ctx positions: bool (query, key), or None for everything
MASKS = {"bidirectional": lambda n_ctx: None, "causal": causal_mask}


def visible(tokens, config, at=None):
    """Where queries may look: bool that broadcasts to (..., batch, n_heads, query, key), or None for everywhere.

    With ``at`` (..., batch) there is one query in each sequence, at that position.

    >>> from transformer_lab import ModelConfig
    >>> config = ModelConfig(d_vocab=6, n_ctx=3, mask="causal", pad=0)
    >>> visible(np.array([[3, 4, 0]]), config).astype(int).tolist()
    [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]]
    """
    mask = MASKS[config.mask](tokens.shape[-1])
    if mask is not None and at is not None:
        mask = mask[at][..., None, None, :]
    if config.pad is None:
        return mask
    padding = padding_mask(tokens != config.pad)
    return padding if mask is None else mask & padding
