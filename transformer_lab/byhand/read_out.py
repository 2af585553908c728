"""From the stream to logits: read at one position of each sequence, at all, or off their mean. Forward and backward.

Padding stands at the end of a sequence and is never read.
"""

from __future__ import annotations

import numpy as np

from .explained import explained
from .linear import linear, linear_pullback
from .stream import norm_if, norm_if_pullback

__all__ = ["mean_of", "mean_of_pullback", "pick", "pick_pullback", "read_out", "read_out_pullback", "read_position"]


def read_out(params, x, config, acts):
    r"""The stream where it is read, the last norm, and :math:`\ell = \hat r\, W_U + b_U`, with ``W_U`` the transpose of
    ``W_E`` where it is tied.
    """
    acts["resid_read"] = read(x, config, acts.saved["at"], acts.saved["real"])
    h = acts.saved["unembedded"] = norm_if("pre", "ln_final", acts["resid_read"], params, config, acts)
    logits = linear(h, unembedding(params), params["b_U"])
    acts["logits"] = logits if config.read_out == "all" else logits[..., 0, :]


def read_out_pullback(params, acts, d_logits, config, tap, grads):
    """The gradient of the stream (eq-read-out-backward in the book); that of a tied ``W_U`` goes to ``W_E``."""
    d_logits = d_logits if config.read_out == "all" else d_logits[..., None, :]
    d_h, d_W_U, grads["b_U"] = linear_pullback(acts.saved["unembedded"], unembedding(params), d_logits)
    grads["W_E" if config.tied else "W_U"] = d_W_U.swapaxes(-1, -2) if config.tied else d_W_U
    d_read = tap("d_resid_read", norm_if_pullback("pre", "ln_final", d_h, params, config, acts, tap, grads))
    return read_pullback(d_read, config, acts.saved["at"], acts.saved["real"])


def unembedding(params):
    return params["W_U"] if "W_U" in params else params["W_E"].swapaxes(-1, -2)


def read(x, config, at, real):
    if config.read_out == "mean":
        return mean_of(x, real)
    return x if at is None else pick(x, at)


def read_pullback(d_read, config, at, real):
    if config.read_out == "mean":
        return mean_of_pullback(real, d_read)
    return d_read if at is None else pick_pullback(at, d_read, real.shape[-1])


def read_position(tokens, config):
    """The position (..., batch) where each sequence is read out, or None where that is not one position.

    >>> from transformer_lab import ModelConfig
    >>> config = ModelConfig(d_vocab=6, n_ctx=3, read_out="last", pad=0)
    >>> read_position(np.array([[3, 4, 0], [5, 3, 4]]), config).tolist()
    [1, 2]
    """
    if config.read_out == "first":
        return np.zeros(tokens.shape[:-1], int)
    return is_real(tokens, config).sum(axis=-1) - 1 if config.read_out == "last" else None


def is_real(tokens, config):
    """True where a token is not padding."""
    return np.ones(tokens.shape, bool) if config.pad is None else tokens != config.pad


@explained(at="int batch", x="batch pos d_model")
def pick(x, at):
    """Row ``at`` (..., batch) of every sequence: (..., batch, pos, d_model) -> (..., batch, 1, d_model).

    >>> pick(np.arange(12.0).reshape(2, 3, 2), np.array([2, 0])).tolist()
    [[[4.0, 5.0]], [[6.0, 7.0]]]
    """
    at = at.ravel() if at.shape == x.shape[:-2] else np.broadcast_to(at, x.shape[:-2]).ravel()
    return x.reshape(-1, *x.shape[-2:])[np.arange(at.size), at].reshape(*x.shape[:-2], 1, x.shape[-1])


@explained(at="int batch", d_row="batch one d_model")
def pick_pullback(at, d_row, n_pos):
    """The gradient of the rows that were picked, 0 everywhere else."""
    at = at.ravel() if at.shape == d_row.shape[:-2] else np.broadcast_to(at, d_row.shape[:-2]).ravel()
    d_x = np.zeros((at.size, n_pos, d_row.shape[-1]), d_row.dtype)
    d_x[np.arange(at.size), at] = d_row.reshape(at.size, -1)
    return d_x.reshape(*d_row.shape[:-2], n_pos, -1)


@explained(x="batch pos d_model")
def mean_of(x, real):
    r""":math:`\bar x = \sum_t w_t x_t` with equal weights on the real tokens: (..., batch, 1, d_model).

    >>> mean_of(np.array([[[1.0], [5.0], [9.0]]]), np.array([[True, True, False]])).tolist()
    [[[3.0]]]
    """
    return share(real, x.dtype)[..., None, :] @ x


@explained(d_mean="batch one d_model")
def mean_of_pullback(real, d_mean):
    r""":math:`\partial x_t = w_t\, \partial\bar x`."""
    return share(real, d_mean.dtype)[..., None] * d_mean


def share(real, dtype):
    return (real / real.sum(axis=-1, keepdims=True)).astype(dtype)
