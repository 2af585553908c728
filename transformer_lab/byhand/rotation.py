r"""Sinusoidal codes seen as clock hands: pair i of a code is a hand of length 1 that turns by :math:`\omega_i` a step.

A shift by k positions turns hand i by :math:`k\,\omega_i`, wherever it starts; so one matrix shifts every code, and
the dot product of two codes depends on their distance alone.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_number, check_whole
from ..errors import RangeError

__all__ = ["frequencies", "offset_distance", "offset_dot", "shift_rotation"]


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
    >>> from transformer_lab.byhand.embedding import sinusoids
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
