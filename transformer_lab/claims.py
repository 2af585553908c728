"""claim(): a stated result that is checked each time its chapter runs, and written to the ledger.

A claim shows its *statement*, never the raw value, so that the output of a chapter is the
same on every machine. The value goes to the ledger: a JSON file a chapter, which the
ledger page of the book reads. ``make execute`` names that file in the environment
variable ``TRANSFORMER_LAB_LEDGER``; without it nothing is written.
"""

from __future__ import annotations

import html
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .checks import check_number, check_whole
from .errors import ArgumentError, ClaimError, DtypeError, EmptyError, UnknownNameError

__all__ = ["Claim", "claim"]

_stated: dict[str, str] = {}


@dataclass(frozen=True)
class Claim:
    """A result that held when it was checked. In a notebook it shows as one line with a tick."""

    id: str
    statement: str
    bound: str
    value: str
    seeds: int
    record: str

    def __repr__(self) -> str:
        return f"✓ {self.statement}"

    def _repr_html_(self) -> str:
        source = self._source()
        note = f' <span class="lab-claim-source">{html.escape(source)}</span>' if source else ""
        return (f'<p class="lab-claim" id="claim-{self.id}"><span class="lab-tick" aria-hidden="true">✓</span> '
                f"{html.escape(self.statement)}{note}</p>")

    def _source(self) -> str:
        parts = [f"{self.seeds} seeds"] if self.seeds > 1 else []
        return " · ".join(parts + ([f"record {self.record}"] if self.record else []))


def claim(id: str, statement: str, value, *, at_least=None, at_most=None, equals=None,
          seeds: int = 1, record: str = "") -> Claim:
    """Check a stated result, show it as one line, and write it to the ledger.

    Parameters
    ----------
    id : str
        A name for the claim, unique in the book: small letters, digits and hyphens.
    statement : str
        The result in words, with its numbers as the prose gives them.
    value : number or array of numbers
        What the chapter computed. Of an array every entry must keep the bound.
    at_least, at_most, equals : number, optional
        The bound, at least one of them. ``equals`` is exact; for a tolerance give both others.
    seeds : int
        How many independent runs stand behind the value.
    record : str
        Name and checksum of the shipped record that the value was read from, if it was.

    Raises
    ------
    ClaimError
        If the value does not keep its bound, or is not a finite number.

    Examples
    --------
    >>> claim("three-is-odd", "Three leaves 1 when divided by two.", 3 % 2, equals=1)
    ✓ Three leaves 1 when divided by two.
    >>> claim("four-is-odd", "Four is odd.", 4 % 2, equals=1)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ClaimError: The claim 'four-is-odd' does not hold: "Four is odd." needs a value equal to 1, \
but it is 0.
    """
    _check_words(id, statement)
    values = _numbers(value)
    bound = _bound(at_least, at_most, equals)
    worst = _worst(values, at_least, at_most, equals)
    if worst is not None:
        raise ClaimError(f'The claim {id!r} does not hold: "{statement}" needs a value {bound}, '
                         f"but it is {_short(worst)}.")
    stated = Claim(id, statement, bound, _span(values), check_whole("seeds", seeds, low=1), str(record))
    _write(stated)
    _stated[id] = statement
    return stated


def _check_words(id, statement) -> None:
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise UnknownNameError("id", repr(id), "small letters, digits and single hyphens",
                               "Write it like 'floor-is-reached'.")
    if not isinstance(statement, str) or not statement.strip():
        raise EmptyError("statement", repr(statement), "a sentence", "Say the result in words.")
    if _stated.get(id, statement) != statement:
        raise ArgumentError("id", f"{id!r}, which already states {_stated[id]!r}", "one statement an id",
                            "Choose another id.")


def _numbers(value) -> np.ndarray:
    try:
        values = np.asarray(value).astype(np.float64).ravel()
    except (TypeError, ValueError):
        raise DtypeError("value", repr(value), "a number or an array of numbers",
                         "Pass what the chapter computed.") from None
    if values.size == 0:
        raise EmptyError("value", "an empty array", "at least one number", "Check that the experiment ran.")
    return values


def _bound(at_least, at_most, equals) -> str:
    given = {"at least": at_least, "at most": at_most, "equal to": equals}
    words = [f"{word} {_short(check_number(word.replace(' ', '_'), number))}" for word, number in given.items()
             if number is not None]
    if not words:
        raise ArgumentError("at_least", "no bound", "at_least, at_most, equals, or two of them",
                            "Say what would refute the claim.")
    return " and ".join(words)


def _worst(values, at_least, at_most, equals) -> float | None:
    """The entry that breaks the bound furthest, or None where all keep it. NaN keeps no bound."""
    excess = np.where(np.isfinite(values), 0.0, np.inf)
    for limit, sign in ((at_least, -1), (at_most, 1), (equals, -1), (equals, 1)):
        if limit is not None:
            excess = np.fmax(excess, sign * (values - float(limit)))
    return float(values[np.argmax(excess)]) if (excess > 0).any() else None


def _short(number: float) -> str:
    return f"{float(number):.4g}"


def _span(values: np.ndarray) -> str:
    low, high = _short(values.min()), _short(values.max())
    return low if low == high else f"{low} to {high}"


def _write(stated: Claim) -> None:
    """Put the claim into the chapter's ledger file; the file is replaced whole or not at all."""
    target = os.environ.get("TRANSFORMER_LAB_LEDGER")
    if not target:
        return
    path = Path(target)
    entries = json.loads(path.read_text("utf-8")) if path.exists() else []
    entry = {"id": stated.id, "statement": stated.statement, "bound": stated.bound, "value": stated.value,
             "seeds": stated.seeds, "record": stated.record}
    entries = [other for other in entries if other["id"] != stated.id] + [entry]
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")
    half.replace(path)
