"""The transformer of the backward replay: one block, one head, small enough to see every number of it.

``python -m transformer_lab.widgets.small_block`` writes the same bytes to ``js/data/small-block.json`` again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from ..byhand.transformer import init
from ..config import ModelConfig

__all__ = ["CONFIG", "SHIPPED"]

#: Tokens 0 to 3 are digits, 4 is ``Max``, 5 is ``Min``.
CONFIG = ModelConfig(d_vocab=6, n_ctx=3, d_model=4, d_mlp=6, positions="learned", norm="layer", read_out="last")
SHIPPED = Path(__file__).parent / "js" / "data" / "small-block.json"


def drawn() -> dict:
    """First weights, rounded; attention's and the embeddings' are larger than usual, so that there is something to see.

    The axis of the only head is left out.
    """
    params = init(CONFIG, seed=0, embedding_scale=1.0, dtype=np.float64)
    loud = {name: value * 1.6 for name, value in params.items() if name.startswith("blocks.0.W_")}
    return {name: value.squeeze().round(2).tolist() for name, value in (params | loud).items()}


def main() -> None:
    """Write the file that the explorable reads."""
    sibling = SHIPPED.with_suffix(".part")
    sibling.write_text(json.dumps(drawn(), separators=(",", ":")) + "\n", "utf-8")
    os.replace(sibling, SHIPPED)


if __name__ == "__main__":
    main()
