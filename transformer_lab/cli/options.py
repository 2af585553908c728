"""Options made from the fields of a configuration: ``--learning-rate`` is ``TrainConfig.learning_rate``.

What an option means is what the class says of the field; its default is that of the plain digit run.
"""

from __future__ import annotations

import argparse
import dataclasses
import re

from ..analysis.plane_models import recipe
from ..config import ModelConfig, TrainConfig
from ..tasks.digit_data import Digits, needs
from ..tasks.digits import DigitTask
from ..tasks.rules import RuleTask
from ..tasks.text import TextTask
from ..training import Run

__all__ = ["add_fields", "given"]

USUAL, USUAL_RULE = Run.of(Digits()), recipe()


def add_fields(verb: argparse.ArgumentParser) -> None:
    """An option for each field of the task, the model and the training; what the task asks of a model has none."""
    for section, title in (("task", "what is learned"), ("model", "the model"), ("training", "its training")):
        group = verb.add_argument_group(title)
        for entry in dataclasses.fields(getattr(USUAL, section)):
            if section != "model" or entry.name not in needs(USUAL.task):
                group.add_argument("--" + entry.name.replace("_", "-"), dest=entry.name, default=None,
                                   **kind(entry.name, getattr(getattr(USUAL, section), entry.name)))
    group = verb.add_argument_group("where a rule is learned")
    for name in ("n_ctx", "balanced", "free"):
        group.add_argument("--" + name.replace("_", "-"), dest=name, default=None,
                           **kind(name, getattr(USUAL_RULE.task, name)))
    group = verb.add_argument_group("where text is learned")
    group.add_argument("--text", dest="text", default=None, **kind("text", TextTask().text))


def kind(name: str, default) -> dict:
    """What argparse wants to know of a field.

    >>> kind("steps", 2000)["metavar"], kind("tied", False)["action"].__name__
    ('N', 'BooleanOptionalAction')
    """
    words = meaning(name).replace("%", "%%")
    if isinstance(default, bool):
        return {"action": argparse.BooleanOptionalAction, "help": f"{words} (default {'yes' if default else 'no'})"}
    shown = " ".join(default) if isinstance(default, tuple) else "none" if default is None else default
    found = {"help": f"{words} (default {shown})", "metavar": "NAME"}
    if isinstance(default, float):
        return found | {"type": float, "metavar": "X"}
    if isinstance(default, (int, type(None))):
        return found | {"type": int, "metavar": "N"}
    return found | ({"nargs": "+"} if isinstance(default, tuple) else {})


def meaning(name: str) -> str:
    """The first sentence that the configurations say of a field.

    >>> meaning("held_out")
    'share of them that training never sees'
    """
    for config in (Digits, DigitTask, RuleTask, TextTask, ModelConfig, TrainConfig):
        entry = rf"^    (?:\w+, )*{name}(?:, \w+)* : [^\n]*\n((?: {{8}}[^\n]*\n)+)"
        if found := re.search(entry, config.__doc__, re.M):
            text = re.sub(r":\w+:", "", " ".join(found[1].split())).replace("`", "")
            first = text if text[:1] in "1\"" else re.split(r"\.\s|[.:]$", text)[0]
            return first[:1].lower() + first[1:]
    return name.replace("_", " ")


def given(options) -> dict:
    """The fields that were said on the command line; operations may be joined by commas."""
    parts = USUAL.task, RuleTask(), TextTask(), USUAL.model, USUAL.training
    names = [entry.name for part in parts for entry in dataclasses.fields(part)]
    found = {name: getattr(options, name) for name in names if getattr(options, name, None) is not None}
    if "operations" in found:
        found["operations"] = tuple(dict.fromkeys(name for words in found["operations"] for name in words.split(",")
                                                  if name))
    return found
