"""A model whose every head is known, because its weights were written down: the induction circuit, and idle heads.

The stream has four rooms: the token, its place, the token before it, and the answer. Head 0.0 looks one place back and
writes that token into the third room. Head 1.1 asks for its own token in the third room, so it looks behind an earlier
copy of it, and writes the token there into the answer's room, which the unembedding reads. Heads 0.1 and 1.0 look
everywhere alike and write nothing.
"""

from __future__ import annotations

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.byhand.transformer import init

V, N, SHARP = 6, 8, 60.0
CONFIG = ModelConfig(d_vocab=V, n_ctx=N, d_model=3 * V + N, n_heads=2, d_head=N, n_layers=2, positions="learned",
                     mask="causal", bias_unembed=False)
TOKEN, PLACE, BEFORE, ANSWER = slice(0, V), slice(V, V + N), slice(V + N, 2 * V + N), slice(2 * V + N, 3 * V + N)


def induction_model(dtype=np.float64) -> dict:
    params = {name: np.zeros_like(value) for name, value in init(CONFIG, dtype=dtype).items()}
    scale = SHARP * np.sqrt(CONFIG.d_head)
    params["W_E"][:, TOKEN], params["W_pos"][:, PLACE] = np.eye(V), np.eye(N)
    params["blocks.0.W_Q"][PLACE, 0] = np.eye(N) * scale
    params["blocks.0.W_K"][PLACE, 0] = np.eye(N, k=1)          # the key of place s fits the query of place s + 1
    params["blocks.0.W_V"][TOKEN, 0, :V] = np.eye(V)
    params["blocks.0.W_O"][0, :V, BEFORE] = np.eye(V)
    params["blocks.1.W_Q"][TOKEN, 1, :V] = np.eye(V) * scale
    params["blocks.1.W_K"][BEFORE, 1, :V] = np.eye(V)
    params["blocks.1.W_K"][V, 1, :V] = -1                      # nothing stands before the first place
    params["blocks.1.W_V"][TOKEN, 1, :V] = np.eye(V)
    params["blocks.1.W_O"][1, :V, ANSWER] = np.eye(V)
    params["W_U"][ANSWER] = 10 * np.eye(V)
    return params


#: Every sequence is three tokens, said twice; the answer at the last place is the token behind its earlier copy.
TOKENS = np.array([[1, 4, 2, 1, 4], [3, 0, 5, 3, 0], [2, 5, 0, 2, 5], [4, 1, 3, 4, 1]])
ANSWERS = TOKENS[:, 2]
