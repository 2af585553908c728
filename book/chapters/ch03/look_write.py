r"""How much of what a head has learned is looking, and how much is writing.

Looking is what ``W_QK`` does (with learned positions, ``W_pos`` too), writing is what ``W_OV`` does. Either can be set
back to its initial weights while the other stays as trained; the loss then says what each is worth alone and together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from transformer_lab.byhand import one_head
from transformer_lab.checks import check_array, check_entries
from transformer_lab.config import OneHeadConfig
from transformer_lab.rules import Array, Choice, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.patterns import Patterns, PatternTask, sample  # noqa: F401  (the examples draw)

__all__ = ["LOOK", "WRITE", "alternate", "attention_to_target", "copying", "likeness", "share_of_writing",
           "swapped_losses"]

#: The parameters that decide where to look, and the one that decides what to write.
LOOK, WRITE = ("W_QK", "W_pos"), ("W_OV",)
PARTS = {"neither": (), "look": LOOK, "write": WRITE, "both": LOOK + WRITE}


@checked
def alternate(order: Choice(("joint", "write-first", "look-first")), look: Whole(1), write: Whole(1)) -> Callable:
    """Which parameters are trained at each step: all, or looking and writing in turn, so many steps each.

    >>> train = alternate("write-first", look=50, write=20)
    >>> [train(step) for step in (0, 19, 20, 69, 70)]
    [('W_OV',), ('W_OV',), ('W_QK', 'W_pos'), ('W_QK', 'W_pos'), ('W_OV',)]
    """
    if order == "joint":
        return lambda step: LOOK + WRITE
    (first, length), (second, _) = ((LOOK, look), (WRITE, write))[::1 if order == "look-first" else -1]
    return lambda step: first if step % (look + write) < length else second


@checked
def swapped_losses(initial: dict, trained: dict, config: OneHeadConfig, patterns: Patterns) -> dict[str, np.ndarray]:
    """The loss with ``neither``, one, or ``both`` of ``look`` and ``write`` as trained, the rest as it was at first.

    ``initial`` and ``trained`` are weights with the same leading axes; ``patterns`` are shared by all models, or have
    these axes too. The losses are in nats, one entry a model.

    >>> config, patterns = OneHeadConfig(d_vocab=26, n_ctx=20), sample(PatternTask(), 9, seed=0)
    >>> dice = one_head.init(config, n_seeds=3)
    >>> swapped_losses(dice, dice, config, patterns)["look"].shape
    (3,)
    """
    check_entries("initial", initial, check_entries("trained", trained, ("W_QK", "W_OV")))
    initial = {name: Array()(f"initial[{name!r}]", initial[name]) for name in trained}
    trained = {name: check_array(f"trained[{name!r}]", value, shape=initial[name].shape)
               for name, value in trained.items()}
    losses = {}
    for part, names in PARTS.items():
        params = {name: (trained if name in names else initial)[name] for name in trained}
        x = one_head.encode(patterns.tokens, config, params, params["W_QK"].dtype)
        losses[part] = one_head.loss(one_head.forward(params, x)["logits"], patterns.targets)
    return losses


@checked
def share_of_writing(losses: dict) -> np.ndarray:
    r"""Writing's share of the gain, from 0 to 1 where both help: the mean of its gain when it comes first and second.

    :math:`\tfrac12 \big[(L_\text{neither} - L_\text{write}) + (L_\text{look} - L_\text{both})\big]
    / (L_\text{neither} - L_\text{both})`, the Shapley value (1953) of writing; looking has the rest (eq-share).

    >>> round(float(share_of_writing({"neither": 3.0, "write": 2.0, "look": 3.0, "both": 0.0})), 3)
    0.667
    """
    check_entries("losses", losses, PARTS)
    neither, look, write, both = (Array("...")(f"losses[{name!r}]", losses[name]) for name in PARTS)
    return ((neither - write) + (look - both)) / 2 / (neither - both)


@checked
def attention_to_target(params: dict, config: OneHeadConfig, task: PatternTask, patterns: Patterns) -> np.ndarray:
    """How much attention the positions that hold the target get, on average; evenly spread it is ``1 / period``.

    Where a letter is repeated within the tuple, only the target's own slot counts.

    >>> config, patterns = OneHeadConfig(d_vocab=26, n_ctx=20), sample(PatternTask(), 9, seed=0)
    >>> attention_to_target(one_head.init(config, scale=0), config, PatternTask(), patterns).round(3).item()
    0.2
    """
    W_QK = Array("... d_model d_model")("params['W_QK']", check_entries("params", params, ["W_QK"])["W_QK"])
    x = one_head.encode(patterns.tokens, config, params, W_QK.dtype)
    pattern = one_head.forward(params, x)["pattern"]
    return pattern[..., np.array(task.slots) == task.target_slot].sum(axis=-1).mean(axis=-1)


@checked
def copying(W_OV: Array("... d_model d_vocab")) -> np.ndarray:
    """How much more a letter that is read raises its own logit than the average one: diagonal mean less mean
    (eq-copying).

    >>> copying(np.eye(4)).item()
    0.75
    """
    letters = W_OV[..., :W_OV.shape[-1], :]
    return np.trace(letters, axis1=-2, axis2=-1) / letters.shape[-1] - letters.mean(axis=(-2, -1))


@checked
def likeness(a: Array("... rows columns"), b: Array("... rows columns")) -> np.ndarray:
    """The cosine of the angle between two matrices, one for each pair in the leading axes; 0 where one is zero.

    >>> likeness(np.eye(2), np.ones((2, 2))).round(3).item()
    0.707
    """
    product, sizes = (a * b).sum(axis=(-2, -1)), np.sqrt((a * a).sum(axis=(-2, -1)) * (b * b).sum(axis=(-2, -1)))
    return product / np.where(sizes == 0, 1, sizes)
