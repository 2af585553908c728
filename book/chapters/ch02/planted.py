"""Twenty wrong gradients for the one-head model: the mistakes that people make, planted on purpose. Each changes one
line of :func:`~transformer_lab.byhand.one_head.backward`, so that all after it goes wrong, and nothing before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.one_head import backward
from transformer_lab.rules import Choice
from transformer_lab.signatures import checked

__all__ = ["PLANTED", "Mistake", "with_mistake"]


class Mistake(NamedTuple):
    """Which gradient goes wrong, the mistake in words, and the wrong value from the right one and all seen so far."""

    gradient: str
    words: str
    wrong: Callable


def _less_one(probs, seen, shift=0):
    """The error, as if these were the probabilities, and the targets those of another sequence."""
    return (probs - np.eye(probs.shape[-1])[np.roll(seen["targets"], shift, axis=-1)]) / seen["probs"].shape[-2]


PLANTED = {
    "no-jacobian": Mistake("d_scores", "the softmax's Jacobian is left out", lambda d, seen: seen["d_pattern"]),
    "no-coupling": Mistake("d_scores", "only diag(a) is kept: one score is thought to move one weight",
                           lambda d, seen: seen["pattern"] * seen["d_pattern"]),
    "elementwise-jacobian": Mistake("d_scores", "a(1 - a), as if it were twenty sigmoids",
                                    lambda d, seen: seen["pattern"] * (1 - seen["pattern"]) * seen["d_pattern"]),
    "plus-coupling": Mistake("d_scores", "diag(a) + aa', with the wrong sign", lambda d, seen: seen["pattern"] * (
        seen["d_pattern"] + (seen["pattern"] * seen["d_pattern"]).sum(axis=-1, keepdims=True))),
    "plain-mean": Mistake("d_scores", "the plain mean is taken off, not the mean weighted by a", lambda d, seen:
                          seen["pattern"] * (seen["d_pattern"] - seen["d_pattern"].mean(axis=-1, keepdims=True))),
    "own-key": Mistake("d_scores", "the last token is thought not to see itself",
                       lambda d, seen: d * (np.arange(d.shape[-1]) < d.shape[-1] - 1)),
    "uphill": Mistake("d_logits", "y - p in place of p - y: the sign is flipped", lambda d, seen: -d),
    "uphill-look": Mistake("d_scores", "the sign is flipped on the way to the scores", lambda d, seen: -d),
    "no-root": Mistake("d_q", "1 / sqrt(d_model) is left out", lambda d, seen: d * d.shape[-1] ** 0.5),
    "root-twice": Mistake("d_q", "1 / d_model in place of its root", lambda d, seen: d / d.shape[-1] ** 0.5),
    "wrong-root": Mistake("d_q", "the root of n_ctx in place of d_model",
                          lambda d, seen: d * (d.shape[-1] / seen["x"].shape[-2]) ** 0.5),
    "no-mean": Mistake("d_logits", "summed over the batch, not averaged", lambda d, seen: d * seen["probs"].shape[-2]),
    "mean-twice": Mistake("d_logits", "averaged over the batch twice", lambda d, seen: d / seen["probs"].shape[-2]),
    "no-target": Mistake("d_logits", "p in place of p - y", lambda d, seen: seen["probs"] / seen["probs"].shape[-2]),
    "next-target": Mistake("d_logits", "the targets are one sequence off",
                           lambda d, seen: _less_one(seen["probs"], seen, 1)),
    "softmax-twice": Mistake("d_logits", "the probabilities go through softmax again",
                             lambda d, seen: _less_one(softmax(seen["probs"]), seen)),
    "transposed": Mistake("d_W_QK", "the outer product the other way round: keys where queries belong",
                          lambda d, seen: d.mT),
    "first-row": Mistake("d_W_QK", "the first row is taken for the query",
                         lambda d, seen: seen["x"][..., 0, :].mT @ seen["d_q"]),
    "stale-read": Mistake("d_W_OV", "the read vectors are those of another sequence",
                          lambda d, seen: np.roll(seen["read"], 1, axis=-2).mT @ seen["d_logits"]),
    "even-read": Mistake("d_W_OV", "attention is forgotten: a plain mean of the rows is thought to be read",
                         lambda d, seen: seen["x"].mean(axis=-2).mT @ seen["d_logits"]),
}


@checked
def with_mistake(name: Choice(PLANTED), params: dict, acts: dict, targets) -> dict[str, np.ndarray]:
    """What :func:`~transformer_lab.byhand.one_head.backward` would return with this mistake in it;
    two of them need two different sequences in the batch to show.

    >>> from transformer_lab.byhand.one_head import forward
    >>> params = {"W_QK": np.eye(3), "W_OV": np.eye(3)}
    >>> acts = forward(params, np.eye(3)[[[0, 1, 0, 1]]])
    >>> uphill, right = with_mistake("uphill", params, acts, [0]), backward(params, acts, [0])
    >>> bool((uphill["W_OV"] == -right["W_OV"]).all())
    True
    """
    mistake, seen = PLANTED[name], acts | {"targets": targets}

    def tap(gradient, value):
        seen[gradient] = mistake.wrong(value, seen) if gradient == mistake.gradient else value
        return seen[gradient]

    return backward(params, acts, targets, tap=tap)
