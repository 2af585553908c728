"""Two common wrong gradients for the whole transformer (eq-copied, eq-twice), both at once, and a control.

Each changes what flows back at one place of :func:`~transformer_lab.byhand.transformer.backward`; all other lines are
the right ones. So what lies before that place goes wrong, and nothing after it.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from transformer_lab.byhand.attention import softmax, softmax_pullback
from transformer_lab.byhand.block import Acts
from transformer_lab.byhand.transformer import backward, forward, loss
from transformer_lab.config import ModelConfig
from transformer_lab.errors import ArgumentError
from transformer_lab.rules import Choice
from transformer_lab.signatures import checked

__all__ = ["ARMS", "PLANTED", "with_mistake"]


def copied(d, seen):
    return seen["pattern"].mT @ seen["d_z"]


def twice(d, seen):
    return softmax_pullback(softmax(seen["logits"]), d)


#: For each mistake the gradients that it replaces, and by what: a function of the gradient ``d`` and of what was
#: ``seen`` of the layer so far, activations and gradients, by their short names. In the control, the last, queries and
#: keys get none.
PLANTED = {"copied": dict.fromkeys(("d_q", "d_k"), copied), "twice": {"d_logits": twice},
           "both": dict.fromkeys(("d_q", "d_k"), copied) | {"d_logits": twice},
           "frozen": dict.fromkeys(("d_q", "d_k"), lambda d, seen: 0 * d)}
ARMS = ("right", *PLANTED)


@checked
def with_mistake(name: Choice(PLANTED), params: dict, acts: Acts, targets, config: ModelConfig) -> dict:
    """What :func:`~transformer_lab.byhand.transformer.backward` would return with this mistake in it. After a trimmed
    pass queries and values differ in shape, so nothing can be copied: an ArgumentError.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, read_out="last")
    >>> params, targets = init(config), np.array([2])
    >>> acts = forward(params, np.array([[1, 2, 3]]), config)
    >>> right, wrong = backward(params, acts, targets, config), with_mistake("copied", params, acts, targets, config)
    >>> [name for name in right if not np.array_equal(right[name], wrong[name])]
    ['W_E', 'blocks.0.W_Q', 'blocks.0.W_K']
    """
    if any(only is not None for only in acts.saved["only"]):
        raise ArgumentError("acts", "those of a trimmed pass", "those of forward(params, tokens, config)",
                            "Leave trim out.")
    seen, wrong = dict(acts), PLANTED[name]

    def tap(gradient, value):
        start = len(gradient) - len(short := gradient.rpartition(".")[2])
        if short in wrong:
            inner = {key[start:]: entry for key, entry in seen.items() if key.startswith(gradient[:start])}
            value = wrong[short](value, inner)
        seen[gradient] = value
        return value

    return backward(params, acts, targets, config, tap=tap)


def gradients(arm: str, params: dict, batch: tuple, config: ModelConfig) -> tuple[np.ndarray, dict]:
    """The loss on ``batch``, (tokens, targets), and what the arm takes for its gradient: the right one or a mistake."""
    tokens, targets = batch
    acts = forward(params, tokens, config)
    made = backward if arm == "right" else partial(with_mistake, arm)
    return loss(acts["logits"], targets, config), made(params, acts, targets, config)
