"""What a function takes stands in its signature, once; calls are held to it."""

from __future__ import annotations

import functools
import inspect

from .rules import Array, Entries, Rule, rule_of

__all__ = ["checked", "rules_of"]


def rules_of(function) -> dict[str, Rule]:
    """The rules in a function's signature; arrays come last, because counts may be their lengths.

    >>> from transformer_lab.rules import Number, Whole
    >>> def share(hits: Whole(), *, rate: Number(low=0, high=1) = 0.5): ...
    >>> rules_of(share)
    {'hits': Whole(), 'rate': Number(low=0, high=1)}
    """
    annotations = inspect.get_annotations(inspect.unwrap(function), eval_str=True)
    found = {name: rule_of(annotation) for name, annotation in annotations.items() if name != "return"}
    has_axes = {name: isinstance(getattr(rule, "first", rule), (Array, Entries)) for name, rule in found.items()}
    return {name: found[name] for name in sorted(found, key=has_axes.get) if found[name] is not None}


def checked(function):
    """A decorator: every call is held to the rules in the signature, and the function gets what they return.

    The bare function stays at hand as ``function.unchecked``, for inner loops whose arguments were checked on the way
    in. Missing and surplus arguments are left to Python, which says it well.

    >>> import numpy as np
    >>> from transformer_lab.rules import Array, Number
    >>> @checked
    ... def times(x: Array("*batch row d_in"), W: Array("d_in d_out"), scale: Number(above=0) | None = None):
    ...     return x @ W * (scale or 1)
    >>> times([[1.0, 2.0]], [[1.0], [1.0]], scale=2)
    array([[6.]])
    >>> times(np.ones((5, 4, 3)), np.ones((2, 3)))
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ShapeError: W: got an array of shape (2, 3); allowed is (3, d_out). Reshape it, or pass the \
array that belongs here.
    """
    call = None

    @functools.wraps(function)
    def held(*args, **kwargs):
        nonlocal call
        call = call or Call(function)
        return function(*args, **kwargs) if call.astray(args, kwargs) else call.run(args, kwargs)

    held.unchecked = function
    return held


class Call:
    """The rules of one function, read when it is first called: a table that they name may stand below it."""

    def __init__(self, function):
        parameters = inspect.signature(function).parameters.values()
        self.function, self.rules = function, rules_of(function)
        self.places = [each.name for each in parameters if each.kind <= each.POSITIONAL_OR_KEYWORD]
        self.rest = next((each.name for each in parameters if each.kind == each.VAR_POSITIONAL), None)
        self.bounded = [(name, rule) for name, rule in self.rules.items() if rule.has_bounds]
        self.defaults = {each.name: each.default for each in parameters if each.default is not each.empty}

    def astray(self, args, kwargs) -> bool:
        """Whether Python will refuse the call: too many arguments, or one twice."""
        return ((len(args) > len(self.places) and not self.rest)
                or (bool(args and kwargs) and not kwargs.keys().isdisjoint(self.places[:len(args)])))

    def run(self, args, kwargs):
        values = dict(zip(self.places, args, strict=False)) | kwargs
        given, sizes = {**self.defaults, **values}, {}
        for name, rule in self.rules.items():
            if name in values:
                values[name] = given[name] = rule.asked(name, values[name], sizes, given)
        for name, rule in self.bounded:
            if name in values:
                rule.bound(name, values[name], sizes, given)
        if self.rest:
            return self.function(*self.positional(args, values, given), **values)
        return self.function(*[values.pop(name) for name in self.places[:len(args)]], **values)

    def positional(self, args, values, given):
        rule, rest = self.rules.get(self.rest), args[len(self.places):]
        placed = [values.pop(name) for name in self.places[:len(args)]]
        return placed + [rule.asked(self.rest, value, {}, given) if rule else value for value in rest]
