"""Cross-entropy of logits against targets, forward and backward side by side."""

from __future__ import annotations

import numpy as np

from .embedding import one_hot
from .explained import explained

__all__ = ["IGNORED", "cross_entropy", "cross_entropy_pullback"]

IGNORED = -100  # the target of a row that does not count (PyTorch's number for it)


@explained(logits="row d_vocab", targets="int row")
def cross_entropy(logits, targets):
    r"""The mean of :math:`-\ln p_\text{target}` over the rows that count, :math:`p = \operatorname{softmax}(\ell)`,
    in nats, and what the pullback needs. The largest logit is taken out first (eq-log-sum-exp).

    ``logits`` (..., row, d_vocab) and ``targets`` (..., row) give (...,). Where no row counts the loss is 0.

    >>> cross_entropy(np.log([[0.25, 0.75], [0.5, 0.5]]), np.array([1, IGNORED]))[0].round(4).item()
    0.2877
    """
    shifted = logits - logits.real.max(axis=-1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=-1, keepdims=True)
    hit = one_hot(targets, logits.shape[-1], logits.dtype)  # a row of zeros where the target does not count
    share = hit.sum(axis=-1) / np.maximum((targets != IGNORED).sum(axis=-1, keepdims=True), 1).astype(logits.dtype)
    surprise = np.log(total[..., 0]) - (shifted * hit).sum(axis=-1)
    return (surprise * share).sum(axis=-1), (p / total, hit, share)


@explained()
def cross_entropy_pullback(saved):
    r"""Gradient of the logits, :math:`\partial \ell = (p - e_\text{target}) / n` (eq-logit-gradient in the book); 0 in
    a row that does not count.
    """
    p, hit, share = saved
    return (p - hit) * share[..., None]
