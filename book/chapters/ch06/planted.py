"""Two common wrong gradients for the whole transformer, both at once, and a control that never learns where to look.

Each one changes what flows back at one place of :func:`~transformer_lab.byhand.transformer.backward`; all other lines
are the right ones. So what lies before that place goes wrong, and nothing after it. In the book they are eq-copied and
eq-twice.

>>> list(PLANTED)
['copied', 'twice', 'both', 'frozen']
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from transformer_lab.byhand.block import Acts
from transformer_lab.byhand.softmax import softmax, softmax_pullback
from transformer_lab.byhand.transformer import backward
from transformer_lab.checks import check_choice, check_type
from transformer_lab.config import ModelConfig
from transformer_lab.errors import ArgumentError

__all__ = ["PLANTED", "Planted", "with_mistake"]


class Planted(NamedTuple):
    """The mistake in words, and for each gradient that it replaces the wrong value: ``wrong(value, seen)``.

    ``seen`` holds the activations of the layer and all its gradients so far, by names without the layer.
    """

    words: str
    wrong: dict[str, Callable]


def copied(d, seen):
    return seen["pattern"].mT @ seen["d_z"]


def twice(d, seen):
    return softmax_pullback(softmax(seen["logits"]), d)


def nothing(d, seen):
    return 0 * d


PLANTED = {
    "copied": Planted("queries and keys get the gradient of the values", {"d_q": copied, "d_k": copied}),
    "twice": Planted("p - y goes through the softmax Jacobian once more", {"d_logits": twice}),
    "both": Planted("the two together", {"d_q": copied, "d_k": copied, "d_logits": twice}),
    "frozen": Planted("a control: queries and keys get no gradient", {"d_q": nothing, "d_k": nothing}),
}


def with_mistake(name: str, params: dict, acts: Acts, targets, config: ModelConfig) -> dict:
    """What :func:`~transformer_lab.byhand.transformer.backward` would return with this mistake in it.

    Parameters
    ----------
    name : str
        A name in :data:`PLANTED`.
    params, acts, targets, config
        As in :func:`~transformer_lab.byhand.transformer.backward`; ``acts`` of a forward pass that was not trimmed.

    Raises
    ------
    ArgumentError
        Where the forward pass was trimmed: queries and values then differ in shape, and nothing can be copied.

    Examples
    --------
    >>> import numpy as np
    >>> from transformer_lab.byhand.transformer import forward, init
    >>> config = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, read_out="last")
    >>> params, targets = init(config), np.array([2])
    >>> acts = forward(params, np.array([[1, 2, 3]]), config)
    >>> right, wrong = backward(params, acts, targets, config), with_mistake("copied", params, acts, targets, config)
    >>> [name for name in right if not np.array_equal(right[name], wrong[name])]
    ['W_E', 'blocks.0.W_Q', 'blocks.0.W_K']
    """
    planted = PLANTED[check_choice("name", name, PLANTED)].wrong
    check_type("config", config, ModelConfig)
    if any(only is not None for only in check_type("acts", acts, Acts).saved["only"]):
        raise ArgumentError("acts", "those of a trimmed pass", "those of forward(params, tokens, config)",
                            "Leave trim out.")
    seen = dict(acts)

    def tap(gradient, value):
        start = len(gradient) - len(short := gradient.rpartition(".")[2])
        if short in planted:
            inner = {key[start:]: entry for key, entry in seen.items() if key.startswith(gradient[:start])}
            value = planted[short](value, inner)
        seen[gradient] = value
        return value

    return backward(params, acts, targets, config, tap=tap)
