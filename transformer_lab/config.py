"""ModelConfig and TrainConfig: frozen dataclasses that check themselves and list every fault at once.

A field declares its rule beside its default, so a new field is one line, and reading the
class tells what is allowed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial

from .checks import check_choice, check_number, check_seed, check_whole
from .errors import ConfigError, LabError

__all__ = ["Config", "ModelConfig", "TrainConfig"]


def field(rule, default=dataclasses.MISSING):
    """A dataclass field with its rule: ``rule(name, value)`` returns the value or raises a LabError."""
    return dataclasses.field(default=default, metadata={"rule": rule})


def whole(default=dataclasses.MISSING, low=1):
    """A whole number of at least ``low``."""
    return field(partial(check_whole, low=low), default)


def choice(*allowed: str):
    """One of a few names; the first is the default."""
    return field(partial(check_choice, allowed=allowed), allowed[0])


@dataclass(frozen=True)
class Config:
    """The part that all configurations share: checking, and a round trip through plain dicts."""

    def __post_init__(self):
        faults = list(self._faults())
        if faults:
            raise ConfigError(type(self).__name__, faults)

    def _faults(self):
        for entry in dataclasses.fields(self):
            try:
                value = entry.metadata["rule"](entry.name, getattr(self, entry.name))
                object.__setattr__(self, entry.name, value)
            except LabError as fault:
                yield str(fault)

    def to_dict(self) -> dict:
        """All fields as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict):
        """The configuration with these fields; unknown and missing names are faults like any other."""
        known = {entry.name: entry for entry in dataclasses.fields(cls)}
        faults = [f"{name}: got a field that is not known; allowed is one of {', '.join(known)}. Remove it."
                  for name in values if name not in known]
        faults += [f"{name}: got nothing; it has no default. Give it a value." for name, entry in known.items()
                   if entry.default is dataclasses.MISSING and name not in values]
        if faults:
            raise ConfigError(cls.__name__, faults)
        return cls(**values)


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of a model.

    Parameters
    ----------
    d_vocab, n_ctx : int
        How many tokens there are, and how many positions the model sees.
    n_layers, n_heads : int
        Blocks, and attention heads in each.
    positions : str
        ``"none"``: no position code. ``"one_hot"``: a one-hot position joined to the one-hot
        token. ``"learned"``: a learned row for each position.
    d_pos : int
        Width of a learned position row that is joined to the token (0 where there is none).

    Examples
    --------
    >>> ModelConfig(d_vocab=26, n_ctx=20, positions="one_hot").d_model
    46
    >>> ModelConfig(d_vocab=0, n_ctx=20, positions="onehot")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ConfigError: ModelConfig has 2 faults:
      - d_vocab: got 0; allowed is a whole number of at least 1. Choose a value in this range.
      - positions: got 'onehot'; allowed is one of 'none', 'one_hot', 'learned'. Did you mean 'one_hot'?
    """

    d_vocab: int = whole()
    n_ctx: int = whole()
    n_layers: int = whole(1)
    n_heads: int = whole(1)
    positions: str = choice("none", "one_hot", "learned")
    d_pos: int = whole(0, low=0)

    def _faults(self):
        yield from super()._faults()
        if self.positions == "learned" and self.d_pos == 0:
            yield "d_pos: got 0; allowed is at least 1 where positions='learned'. Give the width of a position row."

    @property
    def d_model(self) -> int:
        """Width of an input row: the one-hot token, and the position beside it where there is one."""
        return self.d_vocab + {"none": 0, "one_hot": self.n_ctx, "learned": self.d_pos}[self.positions]


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a model is trained.

    Parameters
    ----------
    steps : int
        Updates of the weights.
    learning_rate : float
        Size of an update, above 0.
    n_seeds : int
        Independent models, trained at once on a leading axis.
    seed : int
        The first of their seeds; the others follow it.

    Examples
    --------
    >>> TrainConfig(steps=500, learning_rate=5.0, n_seeds=20).to_dict()
    {'steps': 500, 'learning_rate': 5.0, 'n_seeds': 20, 'seed': 0}
    """

    steps: int = whole()
    learning_rate: float = field(partial(check_number, above=0))
    n_seeds: int = whole(1)
    seed: int = field(check_seed, 0)
