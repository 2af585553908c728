"""Calls that work for what makes a page's bytes (see bad_input_calls.py)."""

from __future__ import annotations

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.byhand.transformer import init
from transformer_lab.widgets.page_data import page_bytes

SHOWN = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, d_mlp=8, positions="learned", norm="layer", read_out="last")

CALLS = {
    "widgets.page_data.page_bytes": lambda: {"models": {"m": (init(SHOWN), SHOWN)}, "arrays": {}, "dtype": np.float16},
    "widgets.page_data.page_data": lambda: {"data": page_bytes({"m": (init(SHOWN), SHOWN)})},
}

EXEMPT = {"widgets.page_data.write_page_data": "writes a file of the package, for the studies that ship one"}
