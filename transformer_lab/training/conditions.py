"""What a run's bytes depend on besides its configuration: written down, and compared before anything is taken for it.

A record of a finished run says with which settings it came about, and no other run is answered with it. A checkpoint
says, too, what comes next and with which code: it goes on bit for bit, or not at all.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from collections.abc import Iterator

import numpy as np

from ..config import Config
from ..errors import DataError
from .fit import schedule
from .records import Record, difference, versions
from .seals import dumped, sha256


def conditions(stepper, batches, *, steps, every, keep, best, learning_rate, evaluate, limit=None) -> dict:
    """The settings of a run, as plain values; of data and schedules a checksum, of functions their names."""
    rate = schedule(learning_rate)
    rates = [rate(step) for step in range(steps)]
    return {"steps": steps, "every": every, "keep": keep, "limit": limit,
            "best": [best[0], best[1].__name__] if best else None,
            "learning_rate": {"first": rates[0], "highest": max(rates), "schedule": digest(rates)},
            "batches": digest(batches(0)), "evaluate": plain(evaluate),
            "stepper": {"kind": type(stepper).__qualname__} | plain(settings_of(stepper))}


def settings_of(stepper) -> dict:
    """What a stepper says of its model and its optimiser, where it says anything."""
    return stepper.settings() if hasattr(stepper, "settings") else {}


def plain(value):
    """A setting as JSON has it; a function is known by its name."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)  # JSON has no infinity
    return value if isinstance(value, (str, int, float, types.NoneType)) else named(value)


def named(function) -> str:
    function = getattr(function, "func", function)  # a partial is called what it calls
    return getattr(function, "__qualname__", type(function).__qualname__)


def code_of(stepper, evaluate) -> str:
    """A checksum of the functions that take part in a run, and of the library that a stepper names."""
    return digest([evaluate, settings_of(stepper), stepper.versions() if hasattr(stepper, "versions") else None])


def upcoming(step: int, steps: int, batches, learning_rate, code: str) -> dict:
    """The learning rate and the checksum of the batch with which a run goes on, and that of its functions."""
    if step >= steps:
        return {}
    return {"learning_rate": schedule(learning_rate)(step), "batch": digest(batches(step)), "code": code}


def digest(value) -> str:
    """A checksum of arrays, plain values and functions, however they are put together.

    >>> digest((np.arange(3), lambda x: x + 1)) == digest((np.arange(3), lambda y: y + 1))
    True
    >>> digest(lambda x: x + 1) == digest(lambda x: x + 2)
    False
    """
    return sha256(b"\0".join(spelt(value, set())))[:16]


def spelt(value, seen: set) -> Iterator[bytes]:
    """The bytes that tell a value from others. Of an object that is neither data nor a function this is its class."""
    if isinstance(value, (str, bytes, int, float, complex, types.NoneType)):
        yield repr(value).encode("utf-8", "surrogatepass")
    elif isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind != "O":
        yield f"{value.dtype.str} {value.shape}".encode() + value.tobytes()
    elif id(value) not in seen:
        seen.add(id(value))
        yield f"{type(value).__qualname__} {getattr(value, '__qualname__', '')}".encode()
        for part in inside(value):
            yield from spelt(part, seen)


def inside(value) -> list:
    """What a value is put together from."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, types.CodeType):
        return [value.co_code, value.co_names, value.co_consts]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if hasattr(value, "__wrapped__"):
        return [value.__wrapped__]
    if hasattr(value, "__code__"):
        return [value.__code__, value.__defaults__, value.__kwdefaults__, getattr(value, "__self__", None),
                *(cell.cell_contents for cell in value.__closure__ or () if cell != types.CellType())]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, entry.name) for entry in dataclasses.fields(value)]
    arrays = (np.ndarray, np.generic)
    return [] if isinstance(value, (type, types.ModuleType)) else [
        part for part in getattr(value, "__dict__", {}).values() if isinstance(part, arrays)]


def check_same(found: Record, wanted: dict) -> None:
    """A finished record of other settings is refused, and what differs is named; old ones say less."""
    if differs := differing(found.manifest.get("conditions", {}), wanted):
        raise DataError(f"{found.path} is a run with other settings: {differs}. Choose another folder, or the settings "
                        "that are in its manifest.json.")


def check_goes_on(found: Record, wanted: dict) -> None:
    """A checkpoint that would not go on bit for bit is refused, and what differs is named."""
    was = found.manifest.get("conditions", {}) | {"versions": found.manifest["versions"]}
    if differs := differing(was, wanted | {"versions": versions()}):
        raise DataError(f"{found.path} would not go on as it began: {differs}. Go on with the settings and versions "
                        "that it was begun with; or delete this folder, to start the run again.")


def differing(was: dict, now: dict) -> str:
    """In what two sets of conditions differ, of those that both know."""
    now, known = json.loads(dumped(now)), was.keys() & now.keys()
    return difference({name: was[name] for name in known}, {name: now[name] for name in known})
