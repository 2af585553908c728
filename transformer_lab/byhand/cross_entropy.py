"""Cross-entropy of logits against targets, forward and backward side by side."""

from __future__ import annotations

import numpy as np

from .attention import softmax
from .embedding import one_hot

__all__ = ["IGNORED", "cross_entropy", "cross_entropy_pullback"]

IGNORED = -100  # the target of a row that does not count (PyTorch's number for it)


def cross_entropy(logits, targets):
    r"""The mean of :math:`-\ln p_\text{target}` over the rows that count, :math:`p = \operatorname{softmax}(\ell)`.

    In nats. ``logits`` (..., row, d_vocab) and ``targets`` (..., row) give (...,). Where no row counts the loss is 0.

    >>> cross_entropy(np.log([[0.25, 0.75], [0.5, 0.5]]), np.array([1, IGNORED])).round(4).item()
    0.2877
    """
    peak = logits.real.max(axis=-1, keepdims=True)
    log_total = np.log(np.exp(logits - peak).sum(axis=-1)) + peak[..., 0]
    target_logit = (logits * one_hot(targets, logits.shape[-1], logits.dtype)).sum(axis=-1)
    return ((log_total - target_logit) * share(targets, logits.real.dtype)).sum(axis=-1)


def cross_entropy_pullback(logits, targets):
    r"""Gradient of the logits, :math:`\partial \ell = (p - e_\text{target}) / n`; 0 in a row that does not count."""
    error = softmax(logits) - one_hot(targets, logits.shape[-1], logits.dtype)
    return error * share(targets, logits.dtype)[..., None]


def share(targets, dtype):
    """1/n in each of the n rows that count, 0 in the others."""
    counts = targets != IGNORED
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1).astype(dtype)
