"""What the gradient graph shows: a head small enough to see all its numbers. ``python -m chapters.ch02.page`` trains it
again (six letters, period three, nine positions) and writes the same bytes.
"""

import json

from transformer_lab.byhand import one_head
from transformer_lab.tasks.patterns import PatternTask, sample
from transformer_lab.widgets import GradientGraph
from transformer_lab.widgets.page_data import write_page_data

TASK, CONFIG = PatternTask(alphabet=6, period=3, n_ctx=9), GradientGraph.config
STEPS, LEARNING_RATE, N_SHOWN, TINY = 500, 5.0, 6, 1e-6


def train() -> dict:
    """Weights before and after full-batch descent on 100 patterns, and some patterns that were not among them."""
    patterns, fresh = sample(TASK, 100, seed=0), sample(TASK, 100, seed=0, purpose="fresh")
    params, x = one_head.init(CONFIG, seed=0), one_head.encode(patterns.tokens, CONFIG)
    initial, seen = dict(params), set(map(bytes, patterns.tokens))
    for _ in range(STEPS):
        grads = one_head.backward(params, one_head.forward(params, x), patterns.targets)
        params = {name: params[name] - LEARNING_RATE * grads[name] for name in params}
    unseen = [i for i, tokens in enumerate(fresh.tokens) if bytes(tokens) not in seen][:N_SHOWN]
    weights = {"initial": (initial, 4), "trained": (params, 4),
               "silent": ({**initial, "W_OV": TINY * initial["W_OV"]}, 10)}
    return {"d_vocab": CONFIG.d_vocab, "tokens": fresh.tokens[unseen].tolist(),
            "targets": fresh.targets[unseen].tolist(),
            "weights": {name: {key: value.round(decimals).tolist() for key, value in shown.items()}
                        for name, (shown, decimals) in weights.items()}}


if __name__ == "__main__":
    write_page_data("small-head.json", (json.dumps(train(), separators=(",", ":")) + "\n").encode())
