"""The transformer of the backward replay: one block, one head, small enough to see every number of it.

``python -m transformer_lab.widgets.small_block`` writes the same bytes to ``js/data/small-block.bin`` again.
"""

from __future__ import annotations

import numpy as np

from ..byhand.transformer import init
from ..config import ModelConfig
from .page_data import page_bytes, write_page_data

__all__ = ["CONFIG"]

#: Tokens 0 to 3 are digits, 4 is ``Max``, 5 is ``Min``.
CONFIG = ModelConfig(d_vocab=6, n_ctx=3, d_model=4, d_mlp=6, positions="learned", norm="layer", read_out="last")


def drawn() -> dict[str, np.ndarray]:
    """First weights, rounded; those of attention are larger than usual, so that there is something to see."""
    params = init(CONFIG, seed=0, embedding_scale=1.0, dtype=np.float64)
    loud = {name: value * 1.6 for name, value in params.items() if name.startswith("blocks.0.W_")}
    return {name: value.round(2) for name, value in (params | loud).items()}


if __name__ == "__main__":
    write_page_data("small-block", page_bytes({"model": (drawn(), CONFIG)}, dtype=np.float64))
