"""What a score is made of where tokens and places are added."""

from __future__ import annotations

import numpy as np

from transformer_lab.rules import Array
from transformer_lab.signatures import checked

__all__ = ["TERMS", "score_terms"]

#: The parts of a score where tokens and places are added: who asks, and what is asked.
TERMS = ("token-token", "token-place", "place-token", "place-place")


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
