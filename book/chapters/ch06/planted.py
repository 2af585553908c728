"""Two common wrong gradients for the whole transformer (eq-copied, eq-twice), both at once, and a control.

Each changes what flows back at one place of :func:`~transformer_lab.byhand.transformer.backward`; all other lines are
the right ones. So what lies before that place goes wrong, and nothing after it.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import softmax, softmax_pullback
from transformer_lab.byhand.block import Acts
from transformer_lab.byhand.transformer import backward, forward, loss
from transformer_lab.config import ModelConfig
from transformer_lab.errors import ArgumentError
from transformer_lab.rules import Choice, Each, Wholes
from transformer_lab.signatures import checked

__all__ = ["ARMS", "PLANTED", "gradients", "with_mistake"]


# Each replaces one gradient ``d``; ``seen`` has the layer's activations and its gradients so far, by their short names.

def copied(d, seen):
    return seen["pattern"].mT @ seen["d_z"]


def twice(d, seen):
    return softmax_pullback(softmax(seen["logits"]), d)


def nothing(d, seen):
    return 0 * d


#: For each mistake the gradients that it replaces. The last is a control: queries and keys get none.
PLANTED = {"copied": {"d_q": copied, "d_k": copied}, "twice": {"d_logits": twice},
           "both": {"d_q": copied, "d_k": copied, "d_logits": twice}, "frozen": {"d_q": nothing, "d_k": nothing}}
ARMS = ("right", *PLANTED)


@checked
def with_mistake(name: Choice(PLANTED), params: dict, acts: Acts, targets, config: ModelConfig) -> dict:
    """What :func:`~transformer_lab.byhand.transformer.backward` would return with this mistake in it.

    The arguments are those of ``backward``. A trimmed forward pass raises an ArgumentError: queries and values then
    differ in shape, and nothing can be copied.

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


@checked
def gradients(arm: Choice(ARMS), params: dict, batch: tuple, config: ModelConfig) -> tuple[np.ndarray, dict]:
    """The loss on ``batch``, (tokens, targets), and what the arm takes for its gradient: the right one or a mistake.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, read_out="last")
    >>> float(abs(gradients("frozen", init(config), ([[1, 2, 3]], [2]), config)[1]["blocks.0.W_Q"]).max())
    0.0
    """
    tokens, targets = Each(Wholes(), 2, 2)("batch", batch)
    acts = forward(params, tokens, config)
    value = loss(acts["logits"], targets, config)
    if arm == "right":
        return value, backward(params, acts, targets, config)
    return value, with_mistake(arm, params, acts, targets, config)
