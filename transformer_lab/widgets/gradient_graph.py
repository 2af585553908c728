"""The explorable of chapter 02: the one-head model's computation graph, stepped forward and backward."""

from __future__ import annotations

import json
from functools import cache

import numpy as np

from ..byhand import one_head
from .base import Explorable, OneOf, Whole
from .small_head import CONFIG, SHIPPED

__all__ = ["GradientGraph"]


@cache
def shipped() -> dict:
    """The weights and patterns that the explorable shows."""
    return json.loads(SHIPPED.read_text("utf-8"))


class GradientGraph(Explorable, draws="gradient-graph"):
    """Every value and every gradient of a small one-head model, and the witnesses of its gradient.

    What the reader does on the page reaches these traits, and assigning one moves the page. The
    properties compute the same values with :mod:`transformer_lab.byhand.one_head`.

    Parameters
    ----------
    example : int
        Which of six patterns, from 0.
    weights : str
        ``"initial"``, ``"trained"``, or ``"silent"``: initial, with W_OV so small that almost nothing is written.
    step : int
        0 to 6 forward, 7 to 12 backward.
    position : int
        The inspected position, 0 to 8.
    mistake : str
        What is planted: ``"none"``, or one of these mistakes of :mod:`chapters.ch02.planted`:
        ``"no-jacobian"``, ``"no-coupling"``, ``"plain-mean"``, ``"uphill"``, ``"no-root"``, ``"transposed"``,
        ``"first-row"``, ``"even-read"``.
    log_h : int
        Central differences step by 10 to this power.

    Examples
    --------
    >>> graph = GradientGraph(weights="trained", mistake="none")
    >>> graph.acts["pattern"].shape, graph.grads["W_QK"].shape
    ((1, 9), (15, 15))
    >>> bool(graph.acts["probs"][0, graph.target[0]] > 0.99)
    True
    >>> graph.mistake = "uphil"  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: mistake: got 'uphil'; ... Did you mean 'uphill'?
    """

    example = Whole(1, high=5)
    weights = OneOf("initial", "trained", "silent")
    step = Whole(12, high=12)
    position = Whole(0, high=CONFIG.n_ctx - 1)
    mistake = OneOf("none", "no-jacobian", "no-coupling", "plain-mean", "uphill", "no-root", "transposed", "first-row",
                    "even-read", default="no-jacobian")
    log_h = Whole(-5, low=-12, high=-1)

    config = CONFIG

    @property
    def params(self) -> dict[str, np.ndarray]:
        """``W_QK`` and ``W_OV`` as shown."""
        return {name: np.array(value) for name, value in shipped()["weights"][self.weights].items()}

    @property
    def x(self) -> np.ndarray:
        """The input rows of the pattern, (1, 9, 15)."""
        return one_head.encode(np.array(shipped()["tokens"][self.example])[None], CONFIG)

    @property
    def target(self) -> np.ndarray:
        """The letter that comes next, (1,)."""
        return np.array(shipped()["targets"][self.example])[None]

    @property
    def acts(self) -> dict[str, np.ndarray]:
        """Every activation, by the package."""
        return one_head.forward(self.params, self.x)

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """The right gradients of the weights, by the package; no mistake is planted here."""
        return one_head.backward(self.params, self.acts, self.target)
