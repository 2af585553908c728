"""Put what one input left in the stream into the place where another input left something else.

If the answer follows, what was swapped carried the difference; if it stays, the model does not read it there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from transformer_lab.checks import check_array, check_callable, check_type

__all__ = ["followed", "swap"]


def swap(name: str, places, other) -> Callable:
    """A tap that replaces an activation (batch, pos, d_model) at these places by ``other``, one of the same shape.

    >>> tap = swap("embed", [1], np.ones((1, 2, 3)))
    >>> tap("embed", np.zeros((1, 2, 3)))[0, :, 0].tolist(), tap("ln1", 5)
    ([0.0, 1.0], 5)
    """
    check_type("name", name, str)
    other = check_array("other", other, shape=("batch", "pos", "d_model"))
    places = check_array("places", places, shape=("n",), kind="whole", low=0, high=other.shape[1] - 1)

    def tap(found, value):
        if found != name:
            return value
        value = np.array(value)
        value[:, places] = other[:, places]
        return value

    return tap


def followed(logits_with: Callable, name: str, places, other, answers) -> float:
    """The share of answers that are those of the other input once these places are swapped.

    Parameters
    ----------
    logits_with : callable (tap) -> array (batch, d_vocab)
        Runs the model on its own inputs with a tap.
    name, places, other
        As for :func:`swap`.
    answers : array of int (batch,)
        The other inputs' answers, as tokens.
    """
    logits = check_callable("logits_with", logits_with)(swap(name, places, other))
    return float((np.argmax(logits, axis=-1) == check_array("answers", answers, shape=("batch",), kind="whole")).mean())
