"""A model that nobody trained: whole numbers, set so that the story is all that it does."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.transformer import init

from .story import RUN

__all__ = ["by_hand"]

SHORT = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_U", "b_U")


def by_hand(W_E, W_pos, W_Q, W_K, W_V, W_U, b_U) -> dict:
    """The parameters of a model with these tables, and a feed-forward layer that adds nothing."""
    given = dict(zip(SHORT, (W_E, W_pos, W_Q, W_K, W_V, W_U, b_U), strict=True))
    shapes = init(RUN.replace(n_ctx=len(W_pos)).model)
    return {name: np.zeros(value.shape) if (short := name.rpartition(".")[2]) not in given
            else np.asarray(given[short], float).reshape(value.shape) for name, value in shapes.items()}
