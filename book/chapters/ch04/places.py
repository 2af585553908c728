"""Position codes as a matrix: how far apart they stand, what one matrix does for all, what a score is made of."""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_array, check_whole

__all__ = ["closest_pair", "score_terms", "shift_residual"]


def closest_pair(codes):
    """The smallest distance between two rows, and which two.

    Parameters
    ----------
    codes : array (n_ctx, d), at least 2 rows

    Returns
    -------
    (float, int, int)

    Examples
    --------
    >>> closest_pair(np.array([[0.0], [5.0], [4.0]]))
    (1.0, 1, 2)
    """
    codes = check_array("codes", codes, shape=("n_ctx", "d"))
    check_whole("len(codes)", len(codes), low=2)
    first, second = np.triu_indices(len(codes), k=1)
    distance = np.linalg.norm(codes[first] - codes[second], axis=1)
    best = distance.argmin()
    return float(distance[best]), int(first[best]), int(second[best])


def shift_residual(codes, offset):
    r"""How badly the best single matrix shifts all codes by ``offset``.

    .. math:: \min_M \frac{\lVert X_{k:}\, - X_{:-k} M \rVert}{\lVert X_{k:} \rVert}

    by least squares, X being the matrix whose rows are the codes.

    Parameters
    ----------
    codes : array (n_ctx, d)
    offset : int
        From 1 to ``n_ctx - 1``.

    Returns
    -------
    float
        From 0 (one matrix shifts them all) to 1 (none is better than nothing).

    Examples
    --------
    >>> shift_residual(np.array([[1.0], [2.0], [4.0]]), 1)
    0.0
    """
    codes = check_array("codes", codes, shape=("n_ctx", "d"))
    offset = check_whole("offset", offset, low=1, high=len(codes) - 1)
    before, after = codes[:-offset], codes[offset:]
    best = np.linalg.lstsq(before, after)[0]
    return float(np.linalg.norm(after - before @ best) / max(np.linalg.norm(after), np.finfo(codes.dtype).tiny))


def score_terms(x_E, x_pos, W_Q, W_K):
    r"""The four parts of the scores of one head where tokens and places are added.

    .. math:: (e + p)\, W_Q W_K^\top (e' + p')^\top = e M e'^\top + e M p'^\top + p M e'^\top + p M p'^\top

    This is eq-four-terms of the book. Leading axes broadcast.

    Parameters
    ----------
    x_E, x_pos : array (..., pos, d_model)
        Embedded tokens and embedded positions.
    W_Q, W_K : array (..., d_model, d_head)

    Returns
    -------
    dict
        ``"token-token"``, ``"token-place"``, ``"place-token"``, ``"place-place"`` (query first), each
        (..., query, key), divided by :math:`\sqrt{d_\text{head}}`. Their sum is the head's scores.

    Examples
    --------
    >>> terms = score_terms(np.eye(2), np.zeros((2, 2)), np.eye(2), np.eye(2))
    >>> sum(terms.values()).round(3).tolist()
    [[0.707, 0.0], [0.0, 0.707]]
    """
    x_E = check_array("x_E", x_E, shape=("pos", "d_model"), leading=True)
    parts = {"token": x_E, "place": check_array("x_pos", x_pos, shape=x_E.shape[-2:], leading=True)}
    W_Q = check_array("W_Q", W_Q, shape=(x_E.shape[-1], "d_head"), leading=True)
    W_K = check_array("W_K", W_K, shape=W_Q.shape[-2:], leading=True)
    return {f"{asks}-{answers}": (parts[asks] @ W_Q) @ (parts[answers] @ W_K).swapaxes(-1, -2) / np.sqrt(W_Q.shape[-1])
            for asks in parts for answers in parts}
