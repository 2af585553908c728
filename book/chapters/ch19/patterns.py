r"""Which keys a query reads: masks that leave cells out, what they cost, what they reach; and attention that is linear.

All are causal: True at (query, key) only where the key does not come after the query. Window and strided patterns are
those of Child et al. (2019), a window with global tokens that of Beltagy et al. (2020), blocks with random ones among
them that of Zaheer et al. (2020), and :func:`linear_attend` is Katharopoulos et al. (2020).
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.reach import layers_to_know
from transformer_lab.byhand.attention import causal_mask
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Choice, Flags, Seed, Whole
from transformer_lab.signatures import checked

__all__ = ["PATTERNS", "kernel_pattern", "linear_attend", "mask_of", "reached"]

BLOCK = 2


def random_blocks(query, key, width, rng):
    """A window of two blocks, the first block, and one block before each at random."""
    n_blocks = query.max() // BLOCK + 1
    drawn = np.eye(n_blocks, dtype=bool)[[rng.integers(0, block + 1) for block in range(n_blocks)]]
    query, key = query // BLOCK, key // BLOCK
    return (query - key < 2) | (key == 0) | drawn[query, key]


#: Which earlier keys a query reads, from the two positions, the width of a window and a generator.
PATTERNS = {
    "dense": lambda query, key, width, rng: query >= key,
    "window": lambda query, key, width, rng: query - key < width,
    "strided": lambda query, key, width, rng: (query - key < 4) | ((query - key) % 4 == 0),
    "window and first": lambda query, key, width, rng: (query - key < width - 1) | (key == 0),
    "random blocks": random_blocks,
}


@checked
def mask_of(name: Choice(PATTERNS), n: Whole(1, 4096), *, width: Whole(2) = 8, seed: Seed = 0) -> np.ndarray:
    """The mask of a pattern, bool (n, n), its windows so wide; the seed is for the blocks that are drawn.

    >>> mask_of("window", 32).sum(axis=1).max(), mask_of("strided", 9)[8].nonzero()[0].tolist()
    (np.int64(8), [0, 4, 5, 6, 7, 8])
    """
    query, key = np.indices((n, n))
    return causal_mask(n) & PATTERNS[name](query, key, width, generator(seed, f"pattern {name}"))


@checked
def reached(mask: Flags("n n"), layers: Whole(1)) -> np.ndarray:
    """What the last query can have read of each key after so many layers, bool (n,) (eq-layers).

    >>> reached(mask_of("window", 32), 2).sum()
    np.int64(15)
    """
    row = layers_to_know(mask)[-1]
    return (row > 0) & (row <= layers)


def features(x):
    """The feature map of Katharopoulos et al.: :math:`1 + x` above zero, :math:`e^x` below, so always positive."""
    return np.where(x > 0, 1 + x, np.exp(np.minimum(x, 0)))


@checked
def kernel_pattern(q: Array("... n d_head"), k: Array("... n d_head")):
    r"""The weights :math:`\varphi(q_i)\cdot\varphi(k_j)`, made to sum to one over the keys up to the query (..., n, n).

    >>> kernel_pattern(np.zeros((3, 2)), np.ones((3, 2)))[-1].round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    weights = features(q) @ features(k).swapaxes(-1, -2) * causal_mask(q.shape[-2])
    return weights / weights.sum(axis=-1, keepdims=True)


@checked
def linear_attend(q: Array("n d_head"), k: Array("n d_head"), v: Array("n d_value")) -> np.ndarray:
    r"""What :func:`kernel_pattern` returns, without a cell of it: one matrix and one vector are carried along.

    .. math:: S_i = S_{i-1} + \varphi(k_i) v_i^\top, \quad t_i = t_{i-1} + \varphi(k_i), \quad
              z_i = \frac{\varphi(q_i) S_i}{\varphi(q_i) \cdot t_i}

    eq-linear-attention in the book.

    >>> linear_attend(np.zeros((3, 2)), np.ones((3, 2)), np.array([[1.0], [2.0], [6.0]])).ravel().tolist()
    [1.0, 1.5, 3.0]
    """
    S, t = np.zeros((q.shape[1], v.shape[1])), np.zeros(q.shape[1])
    z = np.empty_like(v)
    for i, (query, key) in enumerate(zip(features(q), features(k), strict=True)):
        S, t = S + np.outer(key, v[i]), t + key
        z[i] = query @ S / (query @ t)
    return z
