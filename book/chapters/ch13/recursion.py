r"""How large the stream and its gradient are at the start, derived for wide models with random weights.

Two tables of a window's rows say it all: which rows are alike, :math:`K_{ij} = x_i \cdot x_j / d`, and which gradients
are, :math:`\Gamma_{ij}`, times the number of targets, squared. A sublayer adds a table to K on the way up and another
to :math:`\Gamma` on the way down; a norm divides by the roots of the diagonal of K. Cho and Saul (2009) give the
integrals for ReLU.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Number, Whole, Wholes
from transformer_lab.signatures import checked

from .wiring import PLACEMENTS

__all__ = ["Start", "derived", "half_sum"]


class Start(NamedTuple):
    """At each place of the stream, from the embedding to the read-out (2 n_layers + 1,): the root of the mean square of
    its numbers, the mean unlikeness of two rows of a window (1 less the cosine), and the gradient's size.
    """

    stream: np.ndarray
    unlike: np.ndarray
    gradient: np.ndarray


def parted(K):
    """A table as cosines, and the roots of its diagonal."""
    size = np.sqrt(np.einsum("...ii->...i", K))
    return over(K, size), size


def over(table, size):
    return table / size[..., :, None] / size[..., None, :]


def averaged(n):
    """What attention does whose queries are zero: each row becomes the mean of all up to it."""
    return np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]


@checked
def half_sum(cosine: Number(-1, 1), order: Whole(0, 1)) -> float:
    r"""What is left, in the mean, of a product of two unit normals with this correlation where both are positive: of
    their product (``order`` 1), or of one (``order`` 0).

    >>> half_sum(1.0, 0), half_sum(1.0, 1), round(half_sum(0.0, 1), 4)
    (0.5, 0.5, 0.1592)
    """
    return float(positive(np.array(cosine), order))


def positive(cosine, order):
    cosine = np.clip(cosine, -1, 1)
    angle = np.arccos(cosine)
    return (np.pi - angle if order == 0 else np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)


def up(part, K):
    """The table that a sublayer adds to K."""
    if part == "attention":
        A = averaged(K.shape[-1])
        return A @ K @ A.T
    cosine, size = parted(K)
    return over(positive(cosine, 1), 1 / size)


def down(part, G, K):
    """The table that a sublayer that has read K adds to the gradient's."""
    if part == "attention":
        A = averaged(K.shape[-1])
        return A.T @ G @ A
    return G * positive(parted(K)[0], 0)


def through(placement, part, K, gain, returned):
    """K after a sublayer, and what it does to the gradient's table; one function for each way to wire it."""
    R, size = parted(K)
    back = gain * returned
    if placement == "before" or (placement, part) == ("mis-wired", "attention"):
        return K + gain * up(part, R), lambda G: G + back * over(down(part, G, R), size)
    if placement == "mis-wired":
        return R + gain * up(part, R), lambda G: over(G + back * down(part, G, R), size)
    if placement == "both":
        said, loud = parted(up(part, R))
        return K + said, lambda G: G + returned * over(down(part, over(G, loud), R), size)
    if placement == "after":
        new, total = parted(K + gain * up(part, K))
        return new, lambda G: over(G, total) + back * down(part, over(G, total), K)
    return K + gain * up(part, K), lambda G: G + back * down(part, G, K)


def at_the_top(placement, K, targets, d_vocab, draws=24):
    """The gradient's table where the model is read: scores are drawn that are as alike as the rows."""
    rows, size = (K, np.ones(K.shape[:-1])) if placement in ("after", "none") else parted(K)
    n = K.shape[-1]
    root = np.linalg.cholesky(rows + 1e-6 * np.einsum("...ii->...", rows)[..., None, None] / n * np.eye(n))
    drawn = generator(0, "scores").normal(size=(draws, *K.shape[:-2], n, d_vocab))
    scores = root @ drawn
    p = np.exp(scores - scores.max(-1, keepdims=True))
    off = p / p.sum(-1, keepdims=True) - np.eye(d_vocab)[targets]
    return over((off @ off.swapaxes(-1, -2)).mean(0), size)


@checked
def derived(placement: Choice(PLACEMENTS), n_layers: Whole(1, 64), tokens: Wholes("batch pos"),
            targets: Wholes("batch pos"), *, gain: Number(low=0) = 1.0, returned: Number(0, 1) = 1.0,
            d_vocab: Whole(1) = 65) -> Start:
    """What a wide model begins with that reads these windows, its blocks wired like this (eq-norm-before,
    eq-norm-after). ``gain`` is the square of what W_O and W_out have been multiplied by; with ``returned=0`` nothing
    comes back through the sublayers, and only the norms act on the gradient.

    >>> tokens = np.array([[0, 1, 2, 3], [3, 3, 1, 0]])
    >>> before, after = (derived(place, 2, tokens, tokens, d_vocab=4) for place in ("before", "after"))
    >>> before.stream.round(2).tolist(), after.stream.round(2).tolist()
    ([1.0, 1.28, 1.46, 1.7, 1.84], [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    K = (tokens[:, :, None] == tokens[:, None, :]).astype(float)
    tables, backs = [K], []
    for part in ("attention", "mlp") * n_layers:
        K, back = through(placement, part, K, gain, returned)
        tables.append(K), backs.append(back)
    gradients = [at_the_top(placement, K, targets, d_vocab)]
    for back in reversed(backs):
        gradients.insert(0, back(gradients[0]))
    n = K.shape[-1]
    size = [np.sqrt([np.einsum("...ii->...", table).mean() / n for table in each]) for each in (tables, gradients)]
    unlike = [1 - ((parted(table)[0].sum((-1, -2)) - n) / max(n * (n - 1), 1)).mean() for table in tables]
    return Start(size[0], np.array(unlike), size[1])
