"""The head of the gradient graph: small enough that every number of it can be seen at once.

Six letters, period three, nine positions. ``python -m transformer_lab.widgets.small_head`` trains it again
and writes the same bytes to ``js/data/small-head.json``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..byhand import one_head
from ..config import OneHeadConfig
from ..tasks.patterns import PatternTask, sample

__all__ = ["CONFIG", "SHIPPED", "TASK", "train"]

TASK = PatternTask(alphabet=6, period=3, n_ctx=9)
CONFIG = OneHeadConfig(d_vocab=TASK.alphabet, n_ctx=TASK.n_ctx, positions="one_hot")
SHIPPED = Path(__file__).parent / "js" / "data" / "small-head.json"
STEPS, LEARNING_RATE, N_SHOWN = 500, 5.0, 6
TINY = 1e-6  # what W_OV is multiplied with in the third set of weights


def train() -> dict:
    """Weights before and after full-batch descent on 100 patterns, and some patterns that were not among them."""
    patterns = sample(TASK, 100, seed=0)
    params, x = one_head.init(CONFIG, seed=0), one_head.encode(patterns.tokens, CONFIG)
    initial = dict(params)
    for _ in range(STEPS):
        grads = one_head.backward(params, one_head.forward(params, x), patterns.targets)
        params = {name: params[name] - LEARNING_RATE * grads[name] for name in params}
    silent = {**initial, "W_OV": TINY * initial["W_OV"]}
    seen, fresh = set(map(bytes, patterns.tokens)), sample(TASK, 100, seed=0, purpose="fresh")
    unseen = [i for i, tokens in enumerate(fresh.tokens) if bytes(tokens) not in seen][:N_SHOWN]
    return {"d_vocab": CONFIG.d_vocab, "tokens": fresh.tokens[unseen].tolist(),
            "targets": fresh.targets[unseen].tolist(),
            "weights": {"initial": _rounded(initial), "trained": _rounded(params), "silent": _rounded(silent, 10)}}


def _rounded(params: dict, decimals: int = 4) -> dict:
    return {name: value.round(decimals).tolist() for name, value in params.items()}


def main() -> None:
    """Write the file that the explorable reads."""
    sibling = SHIPPED.with_suffix(".part")
    sibling.write_text(json.dumps(train(), separators=(",", ":")) + "\n", "utf-8")
    os.replace(sibling, SHIPPED)


if __name__ == "__main__":
    main()
