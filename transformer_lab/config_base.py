"""What all configurations share: they check themselves, list every fault at once, and go through plain dicts."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from .errors import ConfigError, LabError
from .rules import Is, Rule
from .signatures import rules_of

__all__ = ["Config"]


@functools.cache
def fields_of(config: type) -> dict[str, Rule]:
    """The rule of each field, those that are inherited first."""
    return {name: rule for kind in reversed(config.__mro__) for name, rule in rules_of(kind).items()}


@dataclass(frozen=True)
class Config:
    """The part that all configurations share: checking, and a round trip through plain dicts."""

    def __post_init__(self):
        faults = list(self._faults())
        if faults:
            raise ConfigError(type(self).__name__, faults)

    def _faults(self):
        for name, rule in fields_of(type(self)).items():
            try:
                object.__setattr__(self, name, rule(name, getattr(self, name)))
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
                  for name in Is(dict)("values", values) if name not in known]
        faults += [f"{name}: got nothing; it has no default. Give it a value." for name, entry in known.items()
                   if entry.default is dataclasses.MISSING and name not in values]
        if faults:
            raise ConfigError(cls.__name__, faults)
        return cls(**values)
