"""A stepper for the one-head model: plain gradient descent on all of its seeds at once, matrix by matrix if asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..byhand import one_head
from ..checks import check_choice, check_whole
from ..config import OneHeadConfig
from ..tasks.patterns import Patterns, score

__all__ = ["LOOK", "WRITE", "OneHeadStepper", "alternate"]

#: The parameters that decide where to look, and the one that decides what to write.
LOOK, WRITE = ("W_QK", "W_pos"), ("W_OV",)


def alternate(order: str, look: int, write: int) -> Callable[[int], tuple[str, ...]]:
    """Which parameters are trained at each step: all, or looking and writing in turn.

    Parameters
    ----------
    order : {"joint", "write-first", "look-first"}
    look, write : int
        Steps of each phase.

    Examples
    --------
    >>> train = alternate("write-first", look=50, write=20)
    >>> [train(step) for step in (0, 19, 20, 69, 70)]
    [('W_OV',), ('W_OV',), ('W_QK', 'W_pos'), ('W_QK', 'W_pos'), ('W_OV',)]
    """
    phases = [(LOOK, check_whole("look", look, low=1)), (WRITE, check_whole("write", write, low=1))]
    if check_choice("order", order, ("joint", "write-first", "look-first")) == "joint":
        return lambda step: LOOK + WRITE
    (first, length), (second, _) = phases if order == "look-first" else phases[::-1]
    return lambda step: first if step % (look + write) < length else second


@dataclass
class OneHeadStepper:
    """One-head models for :func:`~transformer_lab.training.fit`, whose batches are :class:`Patterns`.

    Parameters
    ----------
    config : OneHeadConfig
    params : dict of array
        From :func:`transformer_lab.byhand.one_head.init`, with an axis of seeds or without.
    train : tuple of str, or callable
        The parameters that are updated: always these, or ``train(step)``. The others are frozen.

    Examples
    --------
    >>> from transformer_lab.tasks.patterns import PatternTask, sample
    >>> from transformer_lab.training import fit
    >>> config = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot")
    >>> head = OneHeadStepper(config, one_head.init(config, n_seeds=3), train=("W_OV",))
    >>> patterns = sample(PatternTask(), 100, seed=0)
    >>> fit(head, lambda step: patterns, steps=10, learning_rate=5.0)["loss"].shape
    (11, 3)
    """

    config: OneHeadConfig
    params: dict[str, np.ndarray]
    train: tuple[str, ...] | Callable = LOOK + WRITE
    n_steps: int = 0
    _encoded: tuple = field(default=(None, None), repr=False)

    def rows(self, tokens) -> np.ndarray:
        """Input rows; those of the tokens that came last are remembered, unless a part of them is learned."""
        if self.config.positions == "learned":
            return one_head.encode(tokens, self.config, self.params)
        if self._encoded[0] is not tokens:
            self._encoded = tokens, one_head.encode(tokens, self.config, dtype=self.params["W_QK"].dtype)
        return self._encoded[1]

    def step(self, batch: Patterns, learning_rate: float) -> dict[str, np.ndarray]:
        """One update; returns the loss, the accuracy, and the size of each gradient before it, one entry a seed."""
        acts = one_head.forward(self.params, self.rows(batch.tokens))
        grads = one_head.backward(self.params, acts, batch.targets)
        chosen = self.train(self.n_steps) if callable(self.train) else self.train
        self.params = {name: value - learning_rate * grads[name] if name in chosen else value
                       for name, value in self.params.items()}
        self.n_steps += 1
        sizes = {f"grad_{name}": np.sqrt((grad**2).sum(axis=(-2, -1))) for name, grad in grads.items()}
        return {"loss": one_head.loss(acts["logits"], batch.targets),
                "accuracy": score(acts["logits"], batch.targets), **sizes}

    def evaluate(self, patterns: Patterns) -> dict[str, np.ndarray]:
        """Loss and accuracy on these patterns, one entry a seed."""
        logits = one_head.forward(self.params, self.rows(patterns.tokens))["logits"]
        return {"loss": one_head.loss(logits, patterns.targets), "accuracy": score(logits, patterns.targets)}

    def state(self) -> dict[str, np.ndarray]:
        return self.params | {"optimizer.step": np.array(self.n_steps)}

    def load_state(self, state: dict) -> None:
        self.params = {name: np.array(state[name]) for name in self.params}
        self.n_steps = int(state["optimizer.step"])
