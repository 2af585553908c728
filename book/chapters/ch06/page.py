"""What the backward replay loads: one block with one head, small enough to see every number of it.

``python -m chapters.ch06.page`` writes the same bytes again.
"""

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.byhand.transformer import init
from transformer_lab.widgets.page_data import page_bytes, write_page_data

CONFIG = ModelConfig(d_vocab=6, n_ctx=3, d_model=4, d_mlp=6, positions="learned", norm="layer", read_out="last")


def drawn() -> dict[str, np.ndarray]:
    """First weights, rounded; those of attention are larger than usual, so that there is something to see."""
    params = init(CONFIG, seed=0, embedding_scale=1.0, dtype=np.float64)
    loud = {name: value * 1.6 for name, value in params.items() if name.startswith("blocks.0.W_")}
    return {name: value.round(2) for name, value in (params | loud).items()}


if __name__ == "__main__":
    write_page_data("small-block.bin", page_bytes({"model": (drawn(), CONFIG)}, dtype="float64"))
