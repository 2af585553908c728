"""A call that works for each public function, without a table: what its docstring's examples call it with.

A docstring's examples are run once a module, while a profiler notes the arguments with which public functions start;
where a function has no example of its own, its arguments are made from the rules in its signature, and where that is
not enough either, ``test_bad_input.TABLE`` has a line.
"""

from __future__ import annotations

import contextlib
import copy
import doctest
import functools
import importlib
import inspect
import io
import pkgutil
import sys

import numpy as np

import chapters
import transformer_lab
from transformer_lab import ModelConfig
from transformer_lab.byhand import transformer
from transformer_lab.plain_rules import Either
from transformer_lab.rules import Array, Choice, Each, Number, Whole
from transformer_lab.signatures import rules_of


@functools.cache
def public_functions() -> dict:
    """Each function of each module's ``__all__``, by its path; of a chapter's own, those that say what they take."""
    found = {}
    packages = [(transformer_lab, "transformer_lab."), (chapters, "chapters.")]
    for package, module in ((within, module) for within, prefix in packages
                            for module in pkgutil.walk_packages(within.__path__, prefix)):
        if module.name.endswith("__main__"):
            continue
        members = importlib.import_module(module.name)
        for name in getattr(members, "__all__", ()):
            member = getattr(members, name)
            plain, wrapped = inspect.isfunction(member), hasattr(member, "__wrapped__")
            if (plain or wrapped) if package is transformer_lab else (plain and wrapped):
                found[f"{member.__module__.removeprefix('transformer_lab.')}.{member.__name__}"] = member
    return found


def arguments_of(frame) -> tuple[list, dict]:
    """What a function was called with, copied before it can change any of it."""
    names, rest, more, values = inspect.getargvalues(frame)
    kept = frame.f_code.co_posonlyargcount + frame.f_code.co_argcount if rest else 0
    args = [values[name] for name in names[:kept]] + list(values[rest] if rest else ())
    kwargs = {name: values[name] for name in names[kept:]} | (values[more] if more else {})
    return copy.deepcopy((args, kwargs))


def watched(run) -> dict:
    """The first few calls of each public function while something runs."""
    wanted = {inspect.unwrap(member).__code__: name for name, member in public_functions().items()}
    found = {}

    def note(frame, event, arg):
        name = wanted.get(frame.f_code) if event == "call" else None
        if name is not None and len(found.setdefault(name, [])) < 5:
            with contextlib.suppress(Exception):
                found[name].append(arguments_of(frame))

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


@functools.cache
def calls_in(module: str) -> dict:
    """Calls while the examples of a module run."""
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    examples = doctest.DocTestFinder().find(importlib.import_module(module))
    return watched(lambda: [runner.run(each, out=io.StringIO().write, clear_globs=False) for each in examples])


@functools.cache
def calls_in_scene() -> dict:
    """Calls while small transformers take a step: all their parts, forward and backward."""
    tokens = np.array([[1, 2, 3], [2, 1, 4]])

    def steps():
        for changed, targets in (({"norm": "layer"}, tokens), ({"norm": "rms", "activation": "gelu"}, tokens),
                                 ({"read_out": "mean", "pad": 0}, tokens[:, 0]), ({"read_out": "last"}, tokens[:, 0])):
            config = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, n_heads=2, d_mlp=6, positions="learned", **changed)
            transformer.loss_and_gradients(transformer.init(config), tokens, targets, config)

    return watched(steps)


def candidates(name: str):
    """Calls of a function that may work: from its module's examples, from the scene, from its signature."""
    yield from calls_in(inspect.unwrap(public_functions()[name]).__module__).get(name, ())
    yield from calls_in_scene().get(name, ())
    with contextlib.suppress(Exception):
        yield made(name)


def made(name: str) -> tuple[list, dict]:
    """Arguments from the rules in the signature: small arrays, the least counts, the first choices."""
    member, sizes = public_functions()[name], {}
    rules, needed = rules_of(member), inspect.signature(member).parameters.values()
    wanted = {each.name for each in needed if each.default is each.empty and each.kind not in (2, 4)}
    return [], {argument: example(rule, sizes, argument) for argument, rule in rules.items() if argument in wanted}


def example(rule, sizes: dict, argument: str):
    """One value that a rule allows."""
    match rule:
        case Array():
            shape = [axis if isinstance(axis, int) else sizes.setdefault(axis, 2 + len(sizes) % 3)
                     for axis in rule.last]
            return entries(rule, shape, sizes)
        case Whole():
            return sizes.setdefault(argument, max(2, rule.low or 0))
        case Number():
            return (rule.above or rule.low or 0.0) + 0.5 * ((1 if rule.high is None else rule.high) - (rule.low or 0))
        case Choice():
            return next(iter(rule.names))
        case Each():
            return [example(rule.rule, sizes, argument)] * max(1, rule.low)
        case Either():
            return example(rule.first, sizes, argument)
    return rule.kind()


def entries(rule, shape, sizes):
    rng = np.random.default_rng(0)
    if rule.kind == "flag":
        return np.ones(shape, bool)
    if rule.kind == "whole":
        low = rule.low if isinstance(rule.low, int) else 0
        below = sizes.setdefault(rule.below, 5) if isinstance(rule.below, str) else rule.below or low + 2
        return rng.integers(low, below, size=shape)
    low, high = (bound if isinstance(bound, (int, float)) else default
                 for bound, default in ((rule.low, 0.0), (rule.high, 1.0)))
    return rng.uniform(low, high, size=shape)
