"""Taking a part out of a trained model: a tap that puts something else in the place of an activation.

What to put there is a choice. Zero is a value that the rest of the model may never have met. The part's own mean over
inputs keeps what it always says, and removes what it says about *this* input.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_callable, check_whole
from ..errors import RangeError, ShapeError
from ..names import lookup

__all__ = ["means_of", "silence"]


def silence(name: str, *, head: int | None = None, value=None):
    r"""A tap that replaces one activation: :math:`o \to \bar o`, or :math:`o \to 0` (eq-silence in the book).

    Parameters
    ----------
    name : str
        An activation by its full name, such as ``"blocks.0.attn_out"``.
    head : int, optional
        With it only this head is replaced; the activation then has an axis of heads before its last two, as ``z`` has.
    value : array, optional
        What stands in its place, of the activation's shape or one that broadcasts to it; zero without it.

    Returns
    -------
    callable (name, value) -> value

    Examples
    --------
    >>> tap = silence("blocks.0.z", head=1)
    >>> tap("blocks.0.z", np.ones((1, 2, 1, 3))).tolist()
    [[[[1.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]]]]
    >>> tap("blocks.1.z", np.ones((1, 2, 1, 1))).sum()
    np.float64(2.0)
    """
    lookup(name)
    head = None if head is None else check_whole("head", head, low=0)
    value = np.zeros(()) if value is None else check_array("value", value, shape=(), kind="inexact", leading=True)

    def tap(found: str, activation):
        if found != name:
            return activation
        try:
            other = np.broadcast_to(value, activation.shape).astype(activation.dtype)
        except ValueError:
            raise ShapeError("value", f"an array of shape {value.shape}", f"one that fits {name}: {activation.shape}",
                             "Take it from means_of(...).") from None
        return other if head is None else one_head_replaced(activation, other, head)

    return tap


def one_head_replaced(activation, other, head):
    if activation.ndim < 3 or head >= activation.shape[-3]:
        raise RangeError("head", head, "one of the activation's heads", "Count heads from 0, and silence z.")
    changed = activation.copy()
    changed[..., head, :, :] = other[..., head, :, :]
    return changed


def means_of(forward, name: str) -> np.ndarray:
    """The mean of an activation over the batch, kept as an axis of length 1.

    Parameters
    ----------
    forward : callable
        ``forward(tap=tap)`` runs the model on the inputs to average over.
    name : str
        An activation by its full name; its batch axis stands where :func:`~transformer_lab.names.lookup` says.
    """
    axis, kept = -len(lookup(name).shape), []

    def tap(found, activation):
        if found == name:
            kept.append(activation.mean(axis=axis, keepdims=True))
        return activation

    check_callable("forward", forward)(tap=tap)
    if not kept:
        raise RangeError("name", repr(name), "an activation of this model", "See list(transformer_lab.VOCABULARY).")
    return kept[0]
