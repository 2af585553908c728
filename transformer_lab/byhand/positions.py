r"""Where a token stands: rows that are added to the stream, or turns of queries and keys. Forward and backward.

Sinusoidal codes are clock hands: pair i of a code is a hand of length 1 that turns by :math:`\omega_i` a step. A shift
by k positions turns hand i by :math:`k\,\omega_i`, wherever it starts; so one matrix shifts every code, and the dot
product of two codes depends on their distance alone. Rotary positions turn the queries and keys themselves.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..checks import check_array, check_number, check_whole
from ..errors import RangeError
from .explained import explained

__all__ = ["POSITIONS", "frequencies", "offset_distance", "offset_dot", "rotate", "rotate_pullback", "shift_rotation",
           "sinusoids", "turning"]


def frequencies(d_model, base=10000.0):
    r"""Radians a step of each pair, :math:`\omega_i = \text{base}^{-2i/d}` (Vaswani et al. 2017, section 3.5).

    Parameters
    ----------
    d_model : int
        Width of a code, even.
    base : float
        At least 1. The first pair turns by 1 radian a step, the others ever slower, by almost ``1 / base`` at last.

    Returns
    -------
    array (d_model / 2)

    Examples
    --------
    >>> frequencies(4).tolist()
    [1.0, 0.01]
    """
    if check_whole("d_model", d_model, low=2) % 2:
        raise RangeError("d_model", str(d_model), "an even width", "Sines and cosines come in pairs.")
    return check_number("base", base, low=1) ** -(np.arange(0, d_model, 2) / d_model)


@explained()
@cache
def sinusoids(n_ctx, d_model, dtype=np.float64, *, base=10000.0):
    r"""A fixed row for every position (Vaswani et al. 2017, section 3.5): pair i of the entries turns with wavelength
    :math:`2\pi \cdot 10000^{2i/d}`.

    .. math:: x_\text{pos}[t, 2i] = \sin(t / 10000^{2i/d}), \quad x_\text{pos}[t, 2i + 1] = \cos(t / 10000^{2i/d})

    This is eq-sinusoids of the book. ``base`` stands in the place of 10000; see :func:`frequencies`.

    >>> sinusoids(2, 4).round(5).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84147, 0.5403, 0.01, 0.99995]]
    """
    angle = np.arange(check_whole("n_ctx", n_ctx, low=1))[:, None] * frequencies(d_model, base)
    x_pos = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n_ctx, d_model).astype(dtype)
    x_pos.setflags(write=False)
    return x_pos


@explained(x="pos d_head")
def rotate(x, places, base=10000.0):
    r"""Rotary positions (Su et al. 2021, eq. 15): pair i of the row at position t is turned by :math:`t\,\omega_i`.

    .. math:: \begin{pmatrix} \tilde x_{2i} \\ \tilde x_{2i+1} \end{pmatrix} =
              \begin{pmatrix} \cos t\omega_i & -\sin t\omega_i \\ \sin t\omega_i & \cos t\omega_i \end{pmatrix}
              \begin{pmatrix} x_{2i} \\ x_{2i+1} \end{pmatrix}

    The dot product of a query and a key turned in this way depends on how far apart they stand, and not on where.

    Parameters
    ----------
    x : array (..., pos, d_head)
    places : array of int (pos,) or one that broadcasts to (..., pos)
    base : float
        As in :func:`frequencies`.

    Examples
    --------
    >>> rotate(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])).round(4).tolist()
    [[1.0, 0.0], [0.5403, 0.8415]]
    """
    angle = np.asarray(places)[..., None] * frequencies(x.shape[-1], base)
    cos, sin = (wave(angle).astype(x.real.dtype) for wave in (np.cos, np.sin))
    turned, even, odd = np.empty_like(x), x[..., ::2], x[..., 1::2]
    turned[..., ::2] = even * cos - odd * sin
    turned[..., 1::2] = even * sin + odd * cos
    return turned


@explained(d_turned="pos d_head")
def rotate_pullback(d_turned, places, base=10000.0):
    r"""Gradient of x: a turn is orthogonal, so the gradient is turned back, :math:`\partial x_t = R_t^\top \partial
    \tilde x_t = R_{-t}\, \partial \tilde x_t`.
    """
    return rotate(d_turned, -np.asarray(places), base)


def turning(config, n_pos, at=None):
    """The seam of :func:`.attention.multi_head` where positions turn queries and keys: the pair (forward, pullback), or
    None where they do not. With ``at`` (..., batch) there is one query in each sequence, at that position.
    """
    turn, turn_back = POSITIONS[config.positions][1:]
    if turn is None:
        return None
    keys = np.arange(n_pos)
    queries = keys if at is None else at[..., None, None]  # (..., batch, n_heads, query)
    return (lambda q, k: (turn(q, queries), turn(k, keys)),
            lambda d_q, d_k: (turn_back(d_q, queries), turn_back(d_k, keys)))


def learned_rows(params, config, dtype):
    return params["W_pos"]


def sinusoidal_rows(params, config, dtype):
    return sinusoids(config.n_ctx, config.d_model, dtype)


# name -> (rows (..., n_ctx, d_model) to add to the stream, what turns queries and keys, its pullback), each or None
POSITIONS = {"none": (None, None, None), "learned": (learned_rows, None, None),
             "sinusoidal": (sinusoidal_rows, None, None), "rotary": (None, rotate, rotate_pullback)}


def shift_rotation(offset, d_model, base=10000.0):
    r"""The matrix that shifts every sinusoidal code: :math:`x_\text{pos}[t + k] = R_k\, x_\text{pos}[t]` for all t.

    .. math:: \begin{pmatrix} \sin(\omega(t + k)) \\ \cos(\omega(t + k)) \end{pmatrix} =
              \begin{pmatrix} \cos\omega k & \sin\omega k \\ -\sin\omega k & \cos\omega k \end{pmatrix}
              \begin{pmatrix} \sin\omega t \\ \cos\omega t \end{pmatrix}

    This is eq-shift of the book. The blocks stand along the diagonal, one a pair, so :math:`R_k` is orthogonal,
    :math:`R_j R_k = R_{j+k}` and :math:`R_{-k} = R_k^\top`. For codes that are rows, multiply by the transpose:
    ``codes @ R.T``.

    Parameters
    ----------
    offset : int
        Positions to shift by; negative towards the beginning.
    d_model, base
        As in :func:`frequencies`.

    Returns
    -------
    array (d_model, d_model)

    Examples
    --------
    >>> codes = sinusoids(50, 64)
    >>> bool(np.abs(codes[:-3] @ shift_rotation(3, 64).T - codes[3:]).max() < 1e-13)
    True
    """
    angle = frequencies(d_model, base) * check_whole("offset", offset)
    R, sine = np.zeros((d_model, d_model)), np.arange(0, d_model, 2)
    R[sine, sine] = R[sine + 1, sine + 1] = np.cos(angle)
    R[sine, sine + 1], R[sine + 1, sine] = np.sin(angle), -np.sin(angle)
    return R


def offset_dot(offsets, d_model, base=10000.0):
    r"""Dot product of two sinusoidal codes, from how far apart they stand:
    :math:`x_\text{pos}[t] \cdot x_\text{pos}[t + k] = \sum_i \cos(\omega_i k)` (eq-offset-dot in the book).

    Parameters
    ----------
    offsets : array of int (...)
    d_model, base
        As in :func:`frequencies`.

    Returns
    -------
    array (...)
        From ``-d_model / 2`` to ``d_model / 2``; the largest at offset 0, and the same for k and -k.

    Examples
    --------
    >>> offset_dot([0, 1, -1], 4).round(4).tolist()
    [2.0, 1.5403, 1.5403]
    """
    return np.cos(_angles(offsets, d_model, base)).sum(axis=-1)


def offset_distance(offsets, d_model, base=10000.0):
    r"""Distance of two sinusoidal codes, :math:`\lVert x_\text{pos}[t] - x_\text{pos}[t + k] \rVert
    = 2 \sqrt{\textstyle\sum_i \sin^2(\omega_i k / 2)}`, from how far apart they stand.

    This is :math:`\sqrt{d - 2 \sum_i \cos(\omega_i k)}`, written so that nothing cancels. Arguments as in
    :func:`offset_dot`.

    >>> offset_distance([0, 1, 710], 2).round(6).tolist()
    [0.0, 0.958851, 6e-05]
    """
    return 2 * np.sqrt((np.sin(_angles(offsets, d_model, base) / 2) ** 2).sum(axis=-1))


def _angles(offsets, d_model, base):
    offsets = check_array("offsets", offsets, shape=(), kind="whole", leading=True)
    return offsets[..., None] * frequencies(d_model, base)
