"""Divergence as an outcome: a study of learning rates goes on where a run has ended early."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import DivergedError
from .fit import fit
from .history import History

__all__ = ["Outcome", "tried"]


class Outcome(NamedTuple):
    """What a run measured, and the step at which it diverged: -1 where it came to its end."""

    history: History
    diverged: int


def tried(stepper, batches, **settings) -> Outcome:
    """:func:`~transformer_lab.training.fit.fit`, with divergence as an outcome: a number that is no longer finite, or a
    loss above the ``limit``.

    >>> import numpy as np
    >>> from transformer_lab.training.stepper import Stepper
    >>> squares = Stepper({"w": np.array([1.0])}, lambda params, batch: (params["w"][0]**2, {"w": 2 * params["w"]}),
    ...                   "sgd")
    >>> tried(squares, lambda step: None, steps=9, learning_rate=1.5, limit=50.0).diverged
    3
    """
    try:
        return Outcome(fit(stepper, batches, **settings), -1)
    except DivergedError as fault:
        return Outcome(fault.history, fault.step)
