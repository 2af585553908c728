r"""Where a token stands: rows added to the stream, turns of queries and keys, slopes of scores, and masks.

Sinusoidal codes are clock hands: pair i of a code is a hand of length 1 that turns by :math:`\omega_i` a step. A shift
by k positions turns hand i by :math:`k\,\omega_i`, wherever it starts; so one matrix shifts every code, and the dot
product of two codes depends on their distance alone. Rotary positions turn the queries and keys themselves, and
ALiBi takes the distance itself off the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from ..checks import MANY
from ..config import ModelConfig
from ..errors import RangeError
from ..rules import Flags, Inexact, Number, Whole, Wholes
from ..signatures import checked
from .ends import Real

__all__ = ["MASKS", "POSITIONS", "Code", "alibi", "causal_mask", "frequencies", "leaning", "offset_distance",
           "offset_dot", "padding_mask", "rotate", "rotate_pullback", "shift_rotation", "sinusoids", "turning",
           "visible"]

Base = Number(low=1)


@checked
def frequencies(d_model: Whole(2), base: Base = 10000.0) -> np.ndarray:
    r"""Radians a step of each pair, :math:`\omega_i = \text{base}^{-2i/d}` (Vaswani et al. 2017, section 3.5), for an
    even width d. The first pair turns by 1 radian a step, the others ever slower, by almost ``1 / base`` at last.

    >>> frequencies(4).tolist()
    [1.0, 0.01]
    """
    if d_model % 2:
        raise RangeError("d_model", str(d_model), "an even width", "Sines and cosines come in pairs.")
    return base ** -(np.arange(0, d_model, 2) / d_model)


@checked
def sinusoids(n_ctx: Whole(1, 2**14), d_model: Whole(2, 2**14), dtype: Real() = np.float64, *,
              base: Base = 10000.0) -> np.ndarray:
    r"""A fixed row for every position (Vaswani et al. 2017, section 3.5): pair i of the entries turns with wavelength
    :math:`2\pi \cdot 10000^{2i/d}`.

    .. math:: x_\text{pos}[t, 2i] = \sin(t / 10000^{2i/d}), \quad x_\text{pos}[t, 2i + 1] = \cos(t / 10000^{2i/d})

    This is eq-sinusoids of the book. ``base`` stands in the place of 10000; see :func:`frequencies`.

    >>> sinusoids(2, 4).round(5).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84147, 0.5403, 0.01, 0.99995]]
    """
    return codes(n_ctx, d_model, dtype, base)


@cache
def codes(n_ctx, d_model, dtype, base=10000.0):
    angle = np.arange(n_ctx)[:, None] * frequencies(d_model, base)
    x_pos = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n_ctx, d_model).astype(dtype)
    x_pos.setflags(write=False)
    return x_pos


@checked
def rotate(x: Inexact("*#lead pos d_head"), places: Wholes("*#lead #pos", low=-(2**31), high=2**31),
           base: Base = 10000.0) -> np.ndarray:
    r"""Rotary positions (Su et al. 2021, eq. 15): pair i of the row at position t is turned by :math:`t\,\omega_i`.

    .. math:: \begin{pmatrix} \tilde x_{2i} \\ \tilde x_{2i+1} \end{pmatrix} =
              \begin{pmatrix} \cos t\omega_i & -\sin t\omega_i \\ \sin t\omega_i & \cos t\omega_i \end{pmatrix}
              \begin{pmatrix} x_{2i} \\ x_{2i+1} \end{pmatrix}

    This is eq-rotary of the book. The dot product of a query and a key turned in this way depends on how far apart they
    stand, and not on where.

    >>> rotate(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])).round(4).tolist()
    [[1.0, 0.0], [0.5403, 0.8415]]
    """
    angle = places[..., None] * frequencies(x.shape[-1], base)
    cos, sin = (wave(angle).astype(x.real.dtype) for wave in (np.cos, np.sin))
    turned, even, odd = np.empty_like(x), x[..., ::2], x[..., 1::2]
    turned[..., ::2] = even * cos - odd * sin
    turned[..., 1::2] = even * sin + odd * cos
    return turned


@checked
def rotate_pullback(d_turned: Inexact("*#lead pos d_head"), places: Wholes("*#lead #pos", low=-(2**31), high=2**31),
                    base: Base = 10000.0) -> np.ndarray:
    r"""Gradient of x: a turn is orthogonal, so the gradient is turned back, :math:`\partial x_t = R_t^\top \partial
    \tilde x_t = R_{-t}\, \partial \tilde x_t`.

    >>> rotate_pullback(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])).round(4).tolist()
    [[1.0, 0.0], [0.5403, -0.8415]]
    """
    return rotate.unchecked(d_turned, -places, base)


@checked
def alibi(queries: Wholes("*#lead query"), keys: Wholes("key"), n_heads: Whole(1)) -> np.ndarray:
    r"""What ALiBi adds to the scores (Press et al. 2022): :math:`-2^{-8h/n_\text{heads}}\,|t - j|` in head h, counted
    from 1: (..., n_heads, query, key) for the places of queries and keys. This is eq-alibi of the book.

    >>> alibi(np.arange(3), np.arange(3), 2)[0].tolist()
    [[-0.0, -0.0625, -0.125], [-0.0625, -0.0, -0.0625], [-0.125, -0.0625, -0.0]]
    """
    slopes = 2.0 ** (-8 * np.arange(1, n_heads + 1) / n_heads)
    return -slopes[:, None, None] * np.abs(queries[..., None] - keys)


@checked
def turning(config: ModelConfig, n_pos: Whole(1), at: Wholes("...") | None = None) -> tuple | None:
    """The seam of :func:`.attention.multi_head` where positions turn queries and keys: the pair (forward, pullback), or
    None where they do not. With ``at`` (..., batch) there is one query in each sequence, at that position.
    """
    code = POSITIONS[config.positions]
    if code.turn is None:
        return None
    queries, keys = places(n_pos, at)
    return (lambda q, k: (code.turn(q, queries), code.turn(k, keys)),
            lambda d_q, d_k: (code.turn_back(d_q, queries), code.turn_back(d_k, keys)))


@checked
def leaning(config: ModelConfig, n_pos: Whole(1), at: Wholes("...") | None = None) -> np.ndarray | None:
    """What positions add to the scores of :func:`.attention.attend`, broadcast to (..., batch, n_heads, query, key), or
    None where they add nothing; ``at`` as for :func:`turning`.
    """
    lean = POSITIONS[config.positions].lean
    return None if lean is None else lean(*places(n_pos, at), config.n_heads)


def places(n_pos, at):
    """Where queries (..., batch, n_heads, query) and keys stand."""
    keys = np.arange(n_pos)
    return keys if at is None else at[..., None, None], keys


def learned_rows(params, config, dtype):
    return params["W_pos"]


def sinusoidal_rows(params, config, dtype):
    return codes(config.n_ctx, config.d_model, dtype)


class Code(NamedTuple):
    """What a position code does; what it leaves out, it does not do.

    ``rows(params, config, dtype)`` (..., n_ctx, d_model) are added to the stream. ``turn(x, places)`` is what queries
    and keys go through before they meet, ``turn_back(d, places)`` its pullback. ``lean(queries, keys, n_heads)`` is
    added to the scores, from the places of both; it is a constant, so that nothing goes back.
    """

    rows: Callable | None = None
    turn: Callable | None = None
    turn_back: Callable | None = None
    lean: Callable | None = None


POSITIONS = {"none": Code(), "learned": Code(rows=learned_rows), "sinusoidal": Code(rows=sinusoidal_rows),
             "rotary": Code(turn=rotate.unchecked, turn_back=rotate_pullback.unchecked),
             "alibi": Code(lean=alibi.unchecked)}


@checked
def causal_mask(n_ctx: Whole(1, 2**14)) -> np.ndarray:
    """Each position may look at itself and at what came before: bool (query, key), True where it may.

    >>> causal_mask(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return np.tri(n_ctx, dtype=bool)


@checked
def padding_mask(real: Flags("... key")) -> np.ndarray:
    """No query may look at padding: bool (..., 1, 1, key), True where a token is real; the two axes are for heads and
    queries. Masks combine with ``&``.

    >>> (padding_mask(np.array([[False, True, True]])) & causal_mask(3)).astype(int).tolist()
    [[[[0, 0, 0], [0, 1, 0], [0, 1, 1]]]]
    """
    return real[..., None, None, :]


# name -> what each query may see of n_ctx positions: bool (query, key), or None for everything
MASKS = {"bidirectional": lambda n_ctx: None, "causal": causal_mask}


@checked
def visible(tokens: Wholes("... pos"), config: ModelConfig, at: Wholes("...", low=0, below="pos") | None = None):
    """Where queries may look: bool that broadcasts to (..., batch, n_heads, query, key), or None for everywhere.

    With ``at`` (..., batch) there is one query in each sequence, at that position.

    >>> config = ModelConfig(d_vocab=6, n_ctx=3, mask="causal", pad=0)
    >>> visible(np.array([[3, 4, 0]]), config).astype(int).tolist()
    [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]]
    """
    mask = MASKS[config.mask](tokens.shape[-1])
    if mask is not None and at is not None:
        mask = mask[at][..., None, None, :]
    if config.pad is None:
        return mask
    padding = padding_mask.unchecked(tokens != config.pad)
    return padding if mask is None else mask & padding


@checked
def shift_rotation(offset: Whole(-MANY), d_model: Whole(2, 2**12), base: Base = 10000.0) -> np.ndarray:
    r"""The matrix that shifts every sinusoidal code: :math:`x_\text{pos}[t + k] = R_k\, x_\text{pos}[t]` for all t.

    .. math:: \begin{pmatrix} \sin(\omega(t + k)) \\ \cos(\omega(t + k)) \end{pmatrix} =
              \begin{pmatrix} \cos\omega k & \sin\omega k \\ -\sin\omega k & \cos\omega k \end{pmatrix}
              \begin{pmatrix} \sin\omega t \\ \cos\omega t \end{pmatrix}

    This is eq-shift of the book. The blocks stand along the diagonal, one a pair, so :math:`R_k` is orthogonal,
    :math:`R_j R_k = R_{j+k}` and :math:`R_{-k} = R_k^\top`. For codes that are rows, multiply by the transpose.

    >>> codes = sinusoids(50, 64)
    >>> bool(np.abs(codes[:-3] @ shift_rotation(3, 64).T - codes[3:]).max() < 1e-13)
    True
    """
    angle = frequencies(d_model, base) * offset
    R, sine = np.zeros((d_model, d_model)), np.arange(0, d_model, 2)
    R[sine, sine] = R[sine + 1, sine + 1] = np.cos(angle)
    R[sine, sine + 1], R[sine + 1, sine] = np.sin(angle), -np.sin(angle)
    return R


@checked
def offset_dot(offsets: Wholes("..."), d_model: Whole(2, 2**14), base: Base = 10000.0) -> np.ndarray:
    r"""Dot product of two sinusoidal codes, from how far apart they stand:
    :math:`x_\text{pos}[t] \cdot x_\text{pos}[t + k] = \sum_i \cos(\omega_i k)` (eq-offset-dot in the book), from
    ``-d_model / 2`` to ``d_model / 2``; the largest at offset 0, and the same for k and -k.

    >>> offset_dot([0, 1, -1], 4).round(4).tolist()
    [2.0, 1.5403, 1.5403]
    """
    return np.cos(offsets[..., None] * frequencies(d_model, base)).sum(axis=-1)


@checked
def offset_distance(offsets: Wholes("..."), d_model: Whole(2, 2**14), base: Base = 10000.0) -> np.ndarray:
    r"""Distance of two sinusoidal codes, :math:`\lVert x_\text{pos}[t] - x_\text{pos}[t + k] \rVert
    = 2 \sqrt{\textstyle\sum_i \sin^2(\omega_i k / 2)}`, from how far apart they stand.

    This is :math:`\sqrt{d - 2 \sum_i \cos(\omega_i k)}`, written so that nothing cancels.

    >>> offset_distance([0, 1, 710], 2).round(6).tolist()
    [0.0, 0.958851, 6e-05]
    """
    half = offsets[..., None] * frequencies(d_model, base) / 2
    return 2 * np.sqrt((np.sin(half) ** 2).sum(axis=-1))
