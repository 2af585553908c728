"""Tokens and places become rows: a lookup, written as the matrix product that it is."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..checks import check_array, check_whole
from .explained import explained
from .linear import rows
from .rotation import frequencies
from .stream import dropped, dropped_pullback

__all__ = ["embed", "embed_pullback", "embedded", "embedded_pullback", "one_hot", "sinusoids"]


@explained(tokens="int")
def one_hot(tokens, d_vocab, dtype=np.float64):
    """Row e_token for every token: (...,) -> (..., d_vocab).

    >>> one_hot(np.array([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return (tokens[..., None] == np.arange(d_vocab)).astype(dtype)


@explained(tokens="int batch pos", W_E="d_vocab d_model")
def embed(tokens, W_E):
    r"""Row ``token`` of the table, :math:`x_E = W_E[\text{token}] = e_\text{token}^\top W_E` (eq-lookup in the book).

    ``tokens`` (..., batch, pos) and ``W_E`` (..., d_vocab, d_model) give (..., batch, pos, d_model). One batch of
    tokens can feed many seeds, or each seed its own.

    >>> embed(np.array([[1, 1, 0]]), np.array([[0.5, 0.0], [0.0, 2.0]])).tolist()
    [[[0.0, 2.0], [0.0, 2.0], [0.5, 0.0]]]
    """
    d_vocab = W_E.shape[-2]
    tokens = check_array("tokens", tokens, shape=("batch", "pos"), kind="whole", low=0, high=d_vocab - 1, leading=True)
    x = rows(one_hot(tokens, d_vocab, W_E.dtype)) @ W_E
    return x.reshape(*x.shape[:-2], *tokens.shape[-2:], W_E.shape[-1])


@explained(tokens="int batch pos", W_E="d_vocab d_model", d_x="batch pos d_model")
def embed_pullback(tokens, W_E, d_x):
    r"""Gradient of the table: each row's gradient is added to the row of its token (a "scatter-add"),
    :math:`\partial W_E = \sum e_\text{token}\, \partial x^\top` (eq-scatter in the book).
    """
    return rows(one_hot(tokens, W_E.shape[-2], W_E.dtype)).swapaxes(-1, -2) @ rows(d_x)


def embedded(params, tokens, config, acts, masks):
    r"""The start of the stream, :math:`r^0 = x_E + x_\text{pos}`, from ``W_E`` and for learned positions ``W_pos``."""
    acts["embed"] = x = embed(tokens, params["W_E"])
    if config.positions != "none":
        table = params["W_pos"] if config.positions == "learned" else sinusoids(config.n_ctx, config.d_model, x.dtype)
        acts["pos_embed"] = np.broadcast_to(table[..., None, :x.shape[-2], :], x.shape)
        x = acts["embed"] + acts["pos_embed"]
    return dropped("embed", x, acts, masks)


def embedded_pullback(params, tokens, config, acts, d_x, tap, grads):
    """Every position's gradient goes to the row of its token and to the row of its place."""
    d_x = dropped_pullback("embed", d_x, acts)
    if config.positions != "none":
        d_pos = tap("d_pos_embed", d_x)
    if config.positions == "learned":
        grads["W_pos"] = np.zeros_like(params["W_pos"])
        grads["W_pos"][..., :d_x.shape[-2], :] = d_pos.sum(axis=-3)
    d_W_E = embed_pullback(tokens, params["W_E"], tap("d_embed", d_x))
    grads["W_E"] = d_W_E + grads["W_E"] if config.tied else d_W_E


@explained()
@cache
def sinusoids(n_ctx, d_model, dtype=np.float64, *, base=10000.0):
    r"""A fixed row for every position (Vaswani et al. 2017, section 3.5): pair i of the entries turns with wavelength
    :math:`2\pi \cdot 10000^{2i/d}`.

    .. math:: x_\text{pos}[t, 2i] = \sin(t / 10000^{2i/d}), \quad x_\text{pos}[t, 2i + 1] = \cos(t / 10000^{2i/d})

    This is eq-sinusoids of the book. ``base`` stands in the place of 10000; see :func:`.rotation.frequencies`.

    Raises
    ------
    RangeError
        Where ``d_model`` is odd, or the base below 1.

    Examples
    --------
    >>> sinusoids(2, 4).round(5).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84147, 0.5403, 0.01, 0.99995]]
    """
    angle = np.arange(check_whole("n_ctx", n_ctx, low=1))[:, None] * frequencies(d_model, base)
    x_pos = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n_ctx, d_model).astype(dtype)
    x_pos.setflags(write=False)
    return x_pos
