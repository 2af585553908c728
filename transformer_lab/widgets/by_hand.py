"""The explorables that calculate in Python, by hand, what the page shows: the gradient graph, the backward replay."""

from __future__ import annotations

import json
from functools import cache

import numpy as np

from ..byhand import one_head, transformer
from ..config import OneHeadConfig
from ..rules import Choice, Whole
from .base import Explorable, Synced, WithModel, shipped_bytes
from .bundle import JS

__all__ = ["BackwardReplay", "GradientGraph"]

SHIPPED = JS / "data" / "small-head.json"
#: What can be planted in the gradient graph, by its name in :mod:`chapters.ch02.planted`.
MISTAKES = ("none", "no-jacobian", "no-coupling", "plain-mean", "uphill", "no-root", "transposed", "first-row",
            "even-read")

#: What can be asked in the backward replay.
TENSORS = ("resid_pre", "ln1", "q", "k", "v", "scores", "pattern", "z", "attn_out", "resid_mid", "ln2", "mlp_pre",
           "mlp_post", "mlp_out", "resid_post", "ln_final", "logits", "W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O",
           "W_in", "W_out", "W_U")


@cache
def shipped() -> dict:
    """The weights and patterns of the gradient graph; ``chapters.ch02.page`` writes them."""
    return json.loads(SHIPPED.read_text("utf-8"))


class GradientGraph(Explorable, draws="gradient-graph"):
    """Every value and every gradient of a small one-head model (chapter 2), and the witnesses of its gradient.

    Steps 0 to 6 go forward, 7 to 12 backward; ``position`` is inspected; central differences step by 10 to the power
    ``log_h``. ``"silent"`` weights are the initial ones, with W_OV so small that almost nothing is written.

    >>> graph = GradientGraph(weights="trained", mistake="none")
    >>> graph.acts["pattern"].shape, graph.grads["W_QK"].shape
    ((1, 9), (15, 15))
    >>> graph.mistake = "uphil"  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: mistake: got 'uphil'; ... Did you mean 'uphill'?
    """

    example = Synced(1, Whole(0, 5))
    weights = Synced("initial", Choice(("initial", "trained", "silent")))
    step = Synced(12, Whole(0, 12))
    position = Synced(0, Whole(0, 8))
    mistake = Synced("no-jacobian", Choice(MISTAKES))
    log_h = Synced(-5, Whole(-12, -1))

    config = OneHeadConfig(d_vocab=6, n_ctx=9, positions="one_hot")

    @property
    def params(self) -> dict[str, np.ndarray]:
        """``W_QK`` and ``W_OV`` as shown."""
        return {name: np.array(value) for name, value in shipped()["weights"][self.weights].items()}

    @property
    def x(self) -> np.ndarray:
        """The input rows of the pattern, (1, 9, 15)."""
        return one_head.encode(np.array([shipped()["tokens"][self.example]]), self.config)

    @property
    def target(self) -> np.ndarray:
        """The letter that comes next, (1,)."""
        return np.array([shipped()["targets"][self.example]])

    @property
    def acts(self) -> dict[str, np.ndarray]:
        """Every activation."""
        return one_head.forward(self.params, self.x)

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """The right gradients of the weights; no mistake is planted here."""
        return one_head.backward(self.params, self.acts, self.target)


class BackwardReplay(WithModel, Explorable, draws="backward-replay"):
    """Forward beside backward through one block with one head (chapter 6), which is asked for a larger digit.

    ``gradient`` is ``"right"`` or a mistake of :mod:`chapters.ch06.planted`; ``step`` activations has the backward pass
    reached. The number at ``row`` and ``column`` (beyond an edge: at it) of the tensor ``asked``, or of its gradient,
    says what it was made from. Tokens 0 to 3 are the digits, 4 is ``Max``, 5 is ``Min``.

    >>> replay = BackwardReplay(first=3, second=0)
    >>> replay.target.tolist(), replay.acts["logits"].shape
    ([3], (1, 6))
    """

    data = shipped_bytes("small-block")
    operation = Synced("Max", Choice(("Max", "Min")))
    first = Synced(2, Whole(0, 3))
    second = Synced(1, Whole(0, 3))
    gradient = Synced("copied", Choice(("right", "copied", "twice", "both")))
    step = Synced(17, Whole(0, 17))
    asked = Synced("q", Choice(TENSORS))
    side = Synced("gradient", Choice(("value", "gradient")))
    row = Synced(0, Whole(0, 5))
    column = Synced(1, Whole(0, 5))

    @property
    def target(self) -> np.ndarray:
        """The right answer, (1,)."""
        return np.array([(max if self.operation == "Max" else min)(self.first, self.second)])

    @property
    def acts(self):
        """Every activation."""
        tokens = np.array([[4 if self.operation == "Max" else 5, self.first, self.second]])
        return transformer.forward(self.params, tokens, self.config)
