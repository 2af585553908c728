"""The two ends of a transformer, forward and backward side by side: tokens and places become rows, rows become logits,
and logits meet their targets. Padding stands at the end of a sequence and is never read.
"""

from __future__ import annotations

import numpy as np

from ..config import ModelConfig
from ..errors import DtypeError, RangeError, ShapeError
from ..names import IGNORED
from ..rules import Array, Entries, Flags, Inexact, Rule, Whole, Wholes
from ..signatures import checked
from .parts import linear, linear_pullback, rows

__all__ = [
    "IGNORED", "READ_OUTS", "cross_entropy", "cross_entropy_pullback", "embed", "embed_pullback", "is_real", "mean_of",
    "mean_of_pullback", "one_hot", "pick", "pick_pullback", "unembed", "unembed_pullback",
]


class Real(Rule):
    """A dtype that the models compute in."""

    def check(self, argument, value, sizes, given):
        if not isinstance(value, (type, np.dtype)) or value not in (np.float32, np.float64):
            raise DtypeError(argument, str(value), "np.float64 or np.float32", "Choose one of the two.")
        return np.dtype(value)


@checked
def one_hot(tokens: Wholes("...", low=0, below="d_vocab"), d_vocab: Whole(1, 2**17), dtype: Real() = np.float64):
    """Row e_token for every token: (...,) -> (..., d_vocab).

    >>> one_hot(np.array([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return (tokens[..., None] == np.arange(d_vocab)).astype(dtype)


@checked
def embed(tokens: Wholes("*#lead batch pos", low=0, below="d_vocab"), W_E: Inexact("*#lead d_vocab d_model")):
    r"""Row ``token`` of the table, :math:`x_E = W_E[\text{token}] = e_\text{token}^\top W_E` (eq-lookup in the book).

    One batch of tokens can feed many seeds, or each seed its own.

    >>> embed(np.array([[1, 1, 0]]), np.array([[0.5, 0.0], [0.0, 2.0]])).tolist()
    [[[0.0, 2.0], [0.0, 2.0], [0.5, 0.0]]]
    """
    x = rows(one_hot.unchecked(tokens, W_E.shape[-2], W_E.dtype)) @ W_E
    return x.reshape(*x.shape[:-2], *tokens.shape[-2:], W_E.shape[-1])


@checked
def embed_pullback(tokens: Wholes("*#lead batch pos", low=0, below="d_vocab"), W_E: Inexact("*#lead d_vocab d_model"),
                   d_x: Inexact("*#lead batch pos d_model")):
    r"""Gradient of the table: each row's gradient is added to the row of its token (a "scatter-add"),
    :math:`\partial W_E = \sum e_\text{token}\, \partial x^\top` (eq-scatter in the book).
    """
    return rows(one_hot.unchecked(tokens, W_E.shape[-2], W_E.dtype)).swapaxes(-1, -2) @ rows(d_x)


@checked
def is_real(tokens: Wholes("..."), config: ModelConfig):
    """True where a token is not padding.

    >>> is_real(np.array([3, 0]), ModelConfig(d_vocab=5, n_ctx=2, pad=0)).tolist()
    [True, False]
    """
    return np.ones(tokens.shape, bool) if config.pad is None else tokens != config.pad


@checked
def pick(x: Inexact("*lead pos d_model"), at: Wholes("...", low=0, below="pos")):
    """Row ``at`` (..., batch) of every sequence: (..., batch, pos, d_model) -> (..., batch, 1, d_model).

    >>> pick(np.arange(12.0).reshape(2, 3, 2), np.array([2, 0])).tolist()
    [[[4.0, 5.0]], [[6.0, 7.0]]]
    """
    at = places(at, x.shape[:-2])
    return x.reshape(-1, *x.shape[-2:])[np.arange(at.size), at].reshape(*x.shape[:-2], 1, x.shape[-1])


@checked
def pick_pullback(at: Wholes("...", low=0, below="n_pos"), d_row: Inexact("*lead 1 d_model"), n_pos: Whole(1, 2**17)):
    """The gradient of the rows that were picked, 0 everywhere else."""
    at = places(at, d_row.shape[:-2])
    d_x = np.zeros((at.size, n_pos, d_row.shape[-1]), d_row.dtype)
    d_x[np.arange(at.size), at] = d_row.reshape(at.size, -1)
    return d_x.reshape(*d_row.shape[:-2], n_pos, -1)


def places(at, lead):
    """One place for every sequence, in a row."""
    if at.shape == lead:
        return at.ravel()
    if at.shape != lead[len(lead) - at.ndim:]:
        raise ShapeError("at", f"an array of shape {at.shape}", f"{lead} or its last axes", "Give each sequence one.")
    return np.broadcast_to(at, lead).ravel()


@checked
def mean_of(x: Inexact("*#lead pos d_model"), real: Flags("*#lead pos")):
    r""":math:`\bar x = \sum_t w_t x_t` with equal weights on the real tokens: (..., batch, 1, d_model).

    >>> mean_of(np.array([[[1.0], [5.0], [9.0]]]), np.array([[True, True, False]])).tolist()
    [[[3.0]]]
    """
    return share(real, x.dtype)[..., None, :] @ x


@checked
def mean_of_pullback(real: Flags("*#lead pos"), d_mean: Inexact("*#lead 1 d_model")):
    r""":math:`\partial x_t = w_t\, \partial\bar x`."""
    return share(real, d_mean.dtype)[..., None] * d_mean


def share(real, dtype):
    return (real / real.sum(axis=-1, keepdims=True)).astype(dtype)


def nowhere(real):
    return None


def at_first(real):
    return np.zeros(real.shape[:-1], int)


def at_last(real):
    return real.sum(axis=-1) - 1


def rows_at(x, at, real):
    return x if at is None else pick.unchecked(x, at)


def rows_at_pullback(d_row, at, real):
    return d_row if at is None else pick_pullback.unchecked(at, d_row, real.shape[-1])


def mean_row(x, at, real):
    return mean_of.unchecked(x, real)


def mean_row_pullback(d_row, at, real):
    return mean_of_pullback.unchecked(real, d_row)


# name -> (the one position of each sequence that is read, or None; what is read of the stream; its pullback)
READ_OUTS = {"all": (nowhere, rows_at, rows_at_pullback), "first": (at_first, rows_at, rows_at_pullback),
             "last": (at_last, rows_at, rows_at_pullback), "mean": (nowhere, mean_row, mean_row_pullback)}


def unembed(params, h):
    r"""Logits :math:`\ell = \hat r\, W_U + b_U`, with ``W_U`` the transpose of ``W_E`` where it is tied."""
    W_U = params["W_U"] if "W_U" in params else params["W_E"].swapaxes(-1, -2)
    return linear.unchecked(h, W_U, params.get("b_U"))


def unembed_pullback(params, h, d_logits):
    """Gradients of ``x`` and of the parameters; that of a tied ``W_U`` goes to ``W_E``."""
    tied = "W_U" not in params
    W_U = params["W_E"].swapaxes(-1, -2) if tied else params["W_U"]
    d_h, d_W_U, d_b_U = linear_pullback.unchecked(h, W_U, d_logits)
    grads = {"x": d_h} | ({"W_E": d_W_U.swapaxes(-1, -2)} if tied else {"W_U": d_W_U})
    return grads | ({"b_U": d_b_U} if "b_U" in params else {})


class Targets(Array):
    """Tokens, or ``IGNORED`` where none counts."""

    def check(self, argument, value, sizes, given):
        found = super().check(argument, value, sizes, given)
        if ((found < 0) & (found != IGNORED)).any():
            raise RangeError(argument, str(found[found < 0].max()), f"a token, or {IGNORED} where none counts",
                             "Choose a value in this range.")
        return found


@checked
def cross_entropy(logits: Inexact("*#lead row d_vocab", finite=False),
                  targets: Targets("*#lead row", low=IGNORED, below="d_vocab", kind="whole"),
                  weights: Array("*#lead row", low=0) | None = None):
    r"""The mean of :math:`-\ln p_\text{target}` over the rows that count, :math:`p = \operatorname{softmax}(\ell)`,
    in nats, and what the pullback needs. The largest logit is taken out first (eq-log-sum-exp).

    The loss is one number for each of the leading axes; where no row counts it is 0. With ``weights`` it is the
    weighted mean; their scale does not matter, and a row of weight 0 does not count.

    >>> cross_entropy(np.log([[0.25, 0.75], [0.5, 0.5]]), np.array([1, IGNORED]))[0].round(4).item()
    0.2877
    >>> cross_entropy(np.zeros((2, 2)), np.array([1, 0]), np.array([3.0, 0.0]))[1]["share"].tolist()
    [1.0, 0.0]
    """
    hit = one_hot.unchecked(targets, logits.shape[-1], logits.dtype)  # zeros where the target does not count
    left_out = targets == IGNORED
    if weights is not None:
        left_out = left_out | (weights == 0)
        scale = np.frexp(weights.max(axis=-1, keepdims=True))[1]
        weights = np.ldexp(weights, -scale)  # by a power of two: shares stay as they are, and no sum overflows
    if left_out.any():
        logits = np.where(left_out[..., None], 0, logits)  # whatever stands there, NaN too
    shifted = logits - logits.real.max(axis=-1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=-1, keepdims=True)
    weighed = hit.sum(axis=-1) if weights is None else hit.sum(axis=-1) * weights
    total_weight = weighed.sum(axis=-1, keepdims=True)
    share = (weighed / np.where(total_weight == 0, 1, total_weight)).astype(logits.dtype, copy=False)
    surprise = np.log(total[..., 0]) - np.where(hit == 0, 0, shifted).sum(axis=-1)
    return (surprise * share).sum(axis=-1), {"p": p / total, "hit": hit, "share": share}


@checked
def cross_entropy_pullback(saved: Entries(p="*#lead row d_vocab", hit="*#lead row d_vocab", share="*#lead row")):
    r"""Gradient of the logits, :math:`\partial \ell = (p - e_\text{target}) / n` (eq-logit-gradient in the book); 0 in
    a row that does not count.
    """
    p, hit, share = saved["p"], saved["hit"], saved["share"]
    return (p - hit) * share[..., None]
