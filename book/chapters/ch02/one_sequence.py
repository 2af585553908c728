r"""The one-head model on one sequence, a line of algebra a line of code: the slow version, made to be read, and the
tests' oracle for :mod:`transformer_lab.byhand.one_head`. Chapter 2 derives its lines, from the loss back to the
weights: eq-delta, eq-grad-w-ov, eq-grad-read, eq-grad-pattern, eq-softmax-jacobian, eq-grad-scores, eq-grad-w-qk.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import softmax
from transformer_lab.rules import Array, Wholes
from transformer_lab.signatures import checked

__all__ = ["one_sequence"]


@checked
def one_sequence(W_QK: Array("d_model d_model"), W_OV: Array("d_model d_vocab"), x: Array("n_ctx d_model"),
                 target: Wholes("", low=0, below="d_vocab")) -> dict[str, np.ndarray]:
    r"""Forward and backward for one sequence, whose last row asks, and one target: every quantity by its name.

    ``d_logits`` = :math:`\delta = p - y`; ``d_W_OV`` = :math:`z \delta^\top`; ``d_read`` = :math:`W_{OV} \delta`;
    ``d_pattern`` = :math:`g_a = x\,\partial z`; ``jacobian`` = :math:`\operatorname{diag}(a) - a a^\top`;
    ``d_scores`` = its product with :math:`g_a`; ``products`` (n_ctx, d_model, d_model), whose entry j is
    :math:`\frac{1}{\sqrt{d_\text{model}}}\, \partial s_j \; x_\text{last} x_j^\top`; and their sum, ``d_W_QK``.

    >>> seen = one_sequence(np.zeros((2, 2)), np.eye(2), np.eye(2)[[0, 1, 1]], 0)
    >>> seen["pattern"].round(2).tolist(), seen["d_scores"].round(2).tolist()
    ([0.33, 0.33, 0.33], [-0.26, 0.13, 0.13])
    """
    x_last, root = x[-1], np.sqrt(x.shape[1])

    scores = np.array([x_last @ W_QK @ x_j for x_j in x]) / root
    pattern = softmax(scores)
    read = sum(a_j * x_j for a_j, x_j in zip(pattern, x, strict=True))
    logits = read @ W_OV
    probs = softmax(logits)
    d_logits = probs - np.eye(len(probs), dtype=x.dtype)[target]
    d_W_OV = np.outer(read, d_logits)
    d_read = W_OV @ d_logits
    d_pattern = np.array([x_j @ d_read for x_j in x])
    jacobian = np.diag(pattern) - np.outer(pattern, pattern)
    d_scores = jacobian @ d_pattern
    products = np.array([d_s / root * np.outer(x_last, x_j) for d_s, x_j in zip(d_scores, x, strict=True)])
    d_W_QK = products.sum(axis=0)

    return {"scores": scores, "pattern": pattern, "read": read, "logits": logits, "probs": probs,
            "loss": -np.log(probs[target]), "d_logits": d_logits, "d_W_OV": d_W_OV, "d_read": d_read,
            "d_pattern": d_pattern, "jacobian": jacobian, "d_scores": d_scores, "products": products, "d_W_QK": d_W_QK}
