"""Taking a part out of a trained model, and putting another input's in: taps that replace an activation.

*Ablate*: something else stands in an activation's place. What to put there is a choice. Zero is a value that the rest
of the model may never have met. The part's own mean over inputs keeps what it always says, and removes what it says
about *this* input. Resampling puts there what it said about another input, drawn at random: a value that the model
knows. *Patch*: what one other input left there stands in its place. If the answer follows, the activation carried the
difference; if it stays, the model does not read it there.

The taps work on NumPy arrays and PyTorch tensors alike, so on every model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..checks import check_array, check_callable, check_choice, check_type, check_whole
from ..errors import DtypeError, RangeError, ShapeError
from ..names import lookup
from ..randomness import generator
from ..wording import described, written

__all__ = ["ablate", "as_numpy", "followed", "means_of", "patch", "stand_in"]


def as_numpy(value):
    """An array as it is; a PyTorch tensor as a NumPy array, cut off from its graph."""
    if not (hasattr(type(value), "detach") and hasattr(type(value), "cpu")):
        return value
    try:
        return value.detach().cpu().numpy()
    except (TypeError, RuntimeError):  # NumPy has no such numbers, or there are none
        raise DtypeError("value", described(value),
                         "a tensor that NumPy can hold", "Make it a dense float32 one.") from None


def ablate(name: str, *, head: int | None = None, value=None) -> Callable:
    r"""A tap that replaces one activation: :math:`o \to \bar o`, or :math:`o \to 0` (eq-silence in the book).

    The activation has its full name, such as ``"blocks.0.attn_out"``. With ``head`` only this head is replaced; the
    activation then has an axis of heads before its last two, as ``z`` has. The ``value`` in its place has the
    activation's shape or one that broadcasts to it; it is zero where none is given.

    >>> tap = ablate("blocks.0.z", head=1)
    >>> tap("blocks.0.z", np.ones((1, 2, 1, 3))).tolist()
    [[[[1.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]]]]
    """
    lookup(name := check_type("name", name, str))
    value = np.zeros(()) if value is None else _array("value", value)
    return _replacing(name, value, _rows(head, None))


def patch(name: str, other, places=None, *, head: int | None = None) -> Callable:
    """A tap that replaces an activation, or its rows at some places, by ``other``: what another input left there.

    ``other`` is the activation of the other input, of the same shape; ``places`` are the rows that are replaced,
    counted along the last axis but one, or all of them; with ``head`` those of this head alone, as in :func:`ablate`.

    >>> tap = patch("embed", np.ones((1, 2, 3)), [1])
    >>> tap("embed", np.zeros((1, 2, 3)))[0, :, 0].tolist(), tap("ln1", 5)
    ([0.0, 1.0], 5)
    """
    lookup(name := check_type("name", name, str))
    other = _array("other", other)
    if places is None:
        return _replacing(name, other, _rows(head, None))
    if other.ndim < 2:
        raise ShapeError("other", f"an array of shape {other.shape}", "(..., pos, width)",
                         "Take it from a forward pass.")
    places = check_array("places", places, shape=("n",), kind="whole", low=0, high=other.shape[-2] - 1,
                         allow_empty=True).astype(int)
    return _replacing(name, other, _rows(head, places))


def _rows(head, places) -> Callable:
    """The index of one head's rows at some places, None for all, as a function of the activation's shape."""
    if head is not None:
        check_whole("head", head, low=0)

    def index(shape):
        if head is not None and (len(shape) < 3 or head >= shape[-3]):
            raise RangeError("head", head, "one of the activation's heads", "Count heads from 0, and take z.")
        rows = slice(None) if places is None else places
        return (..., *(() if head is None else (head,)), *((rows, slice(None)) if len(shape) > 1 else ()))

    return index


def _array(argument, value):
    return check_array(argument, as_numpy(value), shape=(), kind="inexact", leading=True)


def _replacing(name: str, value: np.ndarray, where: Callable) -> Callable:
    """The tap that puts the value there, ``where(shape)`` being an index into the activation; on the way back, at its
    gradient, 0: what was replaced has no share in what came out.
    """
    layer, dot, short = name.rpartition(".")
    values = {name: value, f"{layer}{dot}d_{short}": np.zeros(())}

    def tap(found: str, activation):
        if found not in values:
            return activation
        value = values[found]
        shape = tuple(activation.shape)
        try:
            other = np.broadcast_to(value, shape)
        except ValueError:
            raise ShapeError("value", f"an array of shape {value.shape}", f"one that fits {name}: {shape}",
                             "Take it from the same model, and from as many inputs.") from None
        changed = np.array(activation) if isinstance(activation, np.ndarray) else activation.clone()
        index = where(shape)
        changed[index] = other[index] if isinstance(changed, np.ndarray) else changed.new_tensor(np.array(other[index]))
        return changed

    tap.replaces = name
    return tap


def means_of(forward: Callable, name: str) -> np.ndarray:
    """The mean of an activation over the batch, kept as an axis of length 1.

    ``forward(tap=tap)`` runs the model, by hand or in PyTorch, on the inputs to average over; the batch axis stands
    where :func:`~transformer_lab.names.lookup` says.
    """
    value, batch = _taken(forward, name)
    return value.mean(axis=batch, keepdims=True)


def _taken(forward, name) -> tuple[np.ndarray, int]:
    """An activation in a run, and its axis of inputs."""
    axis, kept = -len(lookup(name).shape), []

    def tap(found, activation):
        if found == name:
            kept.append(as_numpy(activation))
        return activation

    check_callable("forward", forward)(tap=tap)
    if not kept:
        raise RangeError("name", written(name), "an activation of this model", "See list(transformer_lab.VOCABULARY).")
    return kept[0], max(axis, -kept[0].ndim)


def stand_in(forward: Callable, name: str, how: str = "mean", *, seed: int = 0) -> np.ndarray:
    """What :func:`ablate` puts in an activation's place: ``"zero"``, its ``"mean"`` over the inputs (:func:`means_of`),
    or, as ``"resample"``, what one of the *other* inputs left there, by chance.

    >>> stand_in(lambda tap: tap("embed", np.array([[[1.0]], [[5.0]]])), "embed", "resample").ravel().tolist()
    [5.0, 1.0]
    """
    check_choice("how", how, ("zero", "mean", "resample"))
    value, batch = _taken(forward, name)
    if how == "zero":
        return np.zeros((), value.dtype)
    if how == "mean":
        return value.mean(axis=batch, keepdims=True)
    order = generator(seed, "resample").permutation(value.shape[batch])
    if len(order) < 2:
        raise RangeError("how", written(how), "'zero' or 'mean' where there is one input", "Pass more inputs.")
    others = np.empty_like(order)
    others[order] = np.roll(order, 1)  # a cycle through all inputs: none stands in for itself
    return value.take(others, axis=batch)


def followed(logits_with: Callable, name: str, places, other, answers) -> float:
    """The share of answers that are those of the other input once these places are patched.

    ``logits_with(tap)`` runs the model on its own inputs and returns logits (batch, d_vocab); ``answers`` (batch,) are
    the other inputs' answers, as tokens; ``name``, ``places`` and ``other`` are as for :func:`patch`.

    >>> followed(lambda tap: tap("embed", np.zeros((1, 2, 3)))[:, 1], "embed", [1], np.eye(3)[None, :2], [1])
    1.0
    """
    logits = as_numpy(check_callable("logits_with", logits_with)(patch(name, other, places)))
    logits = check_array("logits_with(tap)", logits, shape=("batch", "d_vocab"), kind="inexact", finite=False)
    answers = check_array("answers", answers, shape=(len(logits),), kind="whole")
    return float((np.argmax(logits, axis=-1) == answers).mean())
