"""Position codes as a matrix: what one matrix does for all of them, and what a score is made of."""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_range
from transformer_lab.rules import Array, Whole
from transformer_lab.signatures import checked

__all__ = ["TERMS", "score_terms", "shift_residual"]

#: The parts of a score where tokens and places are added: who asks, and what is asked.
TERMS = ("token-token", "token-place", "place-token", "place-place")


@checked
def shift_residual(codes: Array("n_ctx d"), offset: Whole(1)) -> float:
    r"""How badly the best single matrix shifts all codes, the rows of X, by ``offset``: from 0 to 1 (no better than
    nothing).

    .. math:: \min_M \lVert X_{k:}\, - X_{:-k} M \rVert \,/\, \lVert X_{k:} \rVert

    >>> shift_residual(np.array([[1.0], [2.0], [4.0]]), 1)
    0.0
    """
    check_range("offset", offset, high=len(codes) - 1)
    before, after = codes[:-offset], codes[offset:]
    best = np.linalg.lstsq(before, after)[0]
    return float(np.linalg.norm(after - before @ best) / max(np.linalg.norm(after), np.finfo(codes.dtype).tiny))


@checked
def score_terms(x_E: Array("*#batch pos d_model"), x_pos: Array("*#batch pos d_model"),
                W_Q: Array("*#batch d_model d_head"), W_K: Array("*#batch d_model d_head")) -> dict[str, np.ndarray]:
    r"""The four :data:`TERMS` of a head's scores where tokens and places are added, each (..., query, key), scaled.

    .. math:: (e + p)\, W_Q W_K^\top (e' + p')^\top = e M e'^\top + e M p'^\top + p M e'^\top + p M p'^\top

    (eq-four-terms), divided by :math:`\sqrt{d_\text{head}}`.

    >>> terms = score_terms(np.eye(2), np.zeros((2, 2)), np.eye(2), np.eye(2))
    >>> sum(terms.values()).round(3).tolist()
    [[0.707, 0.0], [0.0, 0.707]]
    """
    parts, root = (x_E, x_pos), np.sqrt(W_Q.shape[-1])
    products = [(asks @ W_Q) @ (asked @ W_K).swapaxes(-1, -2) / root for asks in parts for asked in parts]
    return dict(zip(TERMS, products, strict=True))
