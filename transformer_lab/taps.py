"""Taps: functions ``tap(name, value) -> value`` that a model calls at every named activation, on every model alike."""

from __future__ import annotations

from collections.abc import Callable

from .errors import ShapeError
from .rules import Function
from .wording import unknown

__all__ = ["chained", "held", "keep", "prefixed", "reached"]


TAP = Function("name", "value")


def keep(name, value):
    """The tap that changes nothing.

    >>> keep("q", 5)
    5
    """
    return value


def held(tap: Callable | None) -> Callable:
    """The tap, held to what a tap returns: the value, or another of its shape; without one, :func:`keep`.

    >>> import numpy as np
    >>> held(lambda name, value: print(name))("q", np.ones(3))
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ShapeError: tap('q', value): got None; allowed is an array of shape (3,). Return the value, \
or another in its place.
    """
    if tap is None or tap is keep:
        return keep
    TAP("tap", tap)

    def seen(name, value):
        seen.names.add(name)
        found = tap(name, value)
        if getattr(found, "shape", None) != value.shape:
            came = f"an array of shape {tuple(found.shape)}" if hasattr(found, "shape") else f"{found!r:.60}"
            raise ShapeError(f"tap({name!r}, value)", came, f"an array of shape {tuple(value.shape)}",
                             "Return the value, or another in its place.")
        return found

    seen.names, seen.replaces = set(), getattr(tap, "replaces", None)
    return seen


def reached(tap: Callable) -> None:
    """After a pass: refuse a tap whose ``replaces`` names an activation that the model does not have.

    >>> def tap(name, value): return value
    >>> tap.replaces = "blocks.9.z"
    >>> reached(held(tap))
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: tap: got 'blocks.9.z'; allowed is an activation of this model. Count \
layers from 0.
    """
    for wanted in replaced(tap):
        if wanted not in tap.names:
            raise unknown("tap", wanted, tap.names, "an activation of this model", "Count layers from 0.")


def replaced(tap) -> tuple[str, ...]:
    """The activations that a tap says it replaces."""
    names = getattr(tap, "replaces", None) or ()
    return (names,) if isinstance(names, str) else tuple(names)


def chained(*taps: Callable) -> Callable:
    """Taps as one: each sees what those before it made of a value.

    >>> chained(lambda name, value: value + 1, lambda name, value: 2 * value)("q", 3)
    8
    """
    for each in taps:
        TAP("taps", each)

    def tap(name, value):
        for each in taps:
            value = each(name, value)
        return value

    tap.replaces = tuple(name for each in taps for name in replaced(each))
    return tap


def prefixed(tap: Callable, prefix: str) -> Callable:
    """The tap that sees names with this prefix before them.

    >>> prefixed(lambda name, value: name, "blocks.0.")("q", 3)
    'blocks.0.q'
    """
    return tap if tap is keep or not prefix else lambda name, value: tap(prefix + name, value)
