"""claim(): a stated result that is checked each time its chapter runs, with bounds that have names and rivals.

A claim shows its *statement*, never a raw value, so that the output of a chapter is the same on every machine. The
values go to the ledger: a JSON file a chapter, which the ledger page of the book reads. ``make execute`` names that
file in the environment variable ``TRANSFORMER_LAB_LEDGER``; without it nothing is written.

A claim must be able to fail. A *rival* is a null, an untrained model, shuffled arms or the opposite story: the same
measure, taken there, has to break the bound, and both values stand in the ledger.
"""

from __future__ import annotations

import html
import json
import math
import numbers
import os
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .errors import ArgumentError, ClaimError, DtypeError, EmptyError, NotFiniteError, UnknownNameError
from .plain_rules import MANY
from .rules import MOST, Whole
from .signatures import checked
from .wording import written

__all__ = ["Bound", "Claim", "at_least", "at_most", "between", "claim", "equals"]

_stated: dict[str, str] = {}
MOST_DOTS = 400  # entries that the ledger keeps one by one


@dataclass(frozen=True)
class Bound:
    """A named quantity, what it is held to, and what was found; made by :func:`at_least` and its siblings.

    ``breaks`` is the entry that breaks the bound furthest, or None; ``value`` and ``rival_value`` have as many digits
    as it takes to tell them from the limit. ``limits``, ``dots`` and ``rival_dots`` are what a picture of it needs.
    """

    name: str
    bound: str
    value: str
    entries: int
    rival: str
    rival_value: str
    breaks: str | None
    limits: tuple = ()
    dots: tuple = ()
    rival_dots: tuple = ()


def at_least(name: str, value, limit, *, rival=None) -> Bound:
    """Every entry of ``value``, a number or an array of numbers, is ``limit`` or more; ``name`` says what was measured.

    A rival is a pair: a name, and the same measure where the claim should fail. One entry at least has to break the
    bound.

    >>> at_least("accuracy", [0.97, 1.0], 0.95, rival=("untrained", 0.1)).value
    '0.97 to 1'
    """
    low = _limit("limit", limit)
    return _bound(name, value, f"at least {_short(low)}", low, math.inf, rival)


def at_most(name: str, value, limit, *, rival=None) -> Bound:
    """Every entry of ``value`` is ``limit`` or less; the rest is as in :func:`at_least`.

    >>> at_most("loss", 0.5, 1).bound
    'at most 1'
    """
    high = _limit("limit", limit)
    return _bound(name, value, f"at most {_short(high)}", -math.inf, high, rival)


def between(name: str, value, low, high, *, rival=None) -> Bound:
    """Every entry of ``value`` lies from ``low`` to ``high``, both included; the rest is as in :func:`at_least`.

    >>> between("loss", 0.5, 0, 1).bound
    'from 0 to 1'
    """
    low, high = _limit("low", low), _limit("high", high)
    if not low < high:
        raise ArgumentError("low", f"{low} with high={high}", "a number below high", "Use equals for one number.")
    return _bound(name, value, f"from {_short(low)} to {_short(high)}", low, high, rival)


def equals(name: str, value, wanted, *, rival=None) -> Bound:
    """Every entry of ``value`` is exactly ``wanted``; for a tolerance use :func:`between`, or :func:`at_most` of a gap.

    >>> equals("heads", 4, 4).bound
    'equal to 4'
    """
    wanted = _limit("wanted", wanted)
    return _bound(name, value, f"equal to {_short(wanted)}", wanted, wanted, rival)


@dataclass(frozen=True)
class Claim:
    """A result that held when it was checked. In a notebook it shows as one line with a tick."""

    id: str
    statement: str
    bounds: tuple[Bound, ...]
    sample: str
    seeds: int
    record: str

    def __repr__(self) -> str:
        return f"✓ {self.statement}"

    def _repr_html_(self) -> str:
        note = f' <span class="lab-claim-source">{self.seeds} seeds</span>' if self.seeds > 1 else ""
        return (f'<p class="lab-claim" id="claim-{html.escape(self.id)}">'
                f'<span class="lab-tick" aria-hidden="true">✓</span> '
                f"{html.escape(self.statement)}{note}</p>")


@checked
def claim(id: str, statement: str, *bounds: Bound, sample: str = "", seeds: Whole(1) = 1, record: str = "") -> Claim:
    """Check a stated result, show it as one line, and write it to the ledger.

    The id is unique in the book; the statement has its numbers as the prose gives them. An experiment is a claim with a
    ``sample`` (the population, as "all 5,000 inputs", or the random sample that it was measured on), with several
    independent runs (``seeds``), or with a shipped ``record`` (its name and checksum). It has to say its sample, and
    one of its bounds needs a rival. A :class:`~transformer_lab.errors.ClaimError` says what does not hold.

    >>> claim("three-is-odd", "Three leaves 1 when divided by two.", equals("remainder", 3 % 2, 1))
    ✓ Three leaves 1 when divided by two.
    >>> claim("four-is-odd", "Four is odd.", equals("remainder", 4 % 2, 1))
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ClaimError: The claim 'four-is-odd' does not hold: "Four is odd." needs remainder equal to \
1, but it is 0.
    """
    _check_words(id, statement)
    if not bounds:
        raise ArgumentError("bounds", "no bound", "at_least, at_most, between or equals, once or more",
                            "Say what would refute the claim.")
    for bound in bounds:
        if bound.breaks is not None:
            raise ClaimError(f'The claim {id!r} does not hold: "{statement}" needs {bound.name} {bound.bound}, '
                             f"but it is {bound.breaks}.")
    if seeds > 1 or record or sample:
        _check_experiment(id, bounds, sample)
    stated = Claim(id, statement, bounds, sample, seeds, record)
    _write(stated)
    _stated[id] = statement
    return stated


def _check_words(id, statement) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise UnknownNameError("id", written(id), "small letters, digits and single hyphens",
                               "Write it like 'floor-is-reached'.")
    _sentence("statement", statement, "Say the result in words.")
    if _stated.get(id, statement) != statement:
        raise ArgumentError("id", f"{id!r}, which already states {_stated[id]!r}", "one statement an id",
                            "Choose another id.")


def _check_experiment(id, bounds, sample) -> None:
    if not sample.strip():
        raise ClaimError(f"The claim {id!r} is an experiment and does not say on what it was measured: pass sample=, "
                         "the whole population or the random sample.")
    if not any(bound.rival for bound in bounds):
        raise ClaimError(f"The claim {id!r} is an experiment without a rival: give a bound rival=(name, value), the "
                         "same measure where the claim should fail.")


def _bound(name, value, words, low, high, rival) -> Bound:
    name, values = _sentence("name", name, "Say what was measured."), _numbers("value", value)
    worst = _worst(values, low, high)
    rival_name, rival_values = _rival(rival)
    if rival_name and _worst(rival_values, low, high) is None:
        raise ClaimError(f"The bound on {name} cannot fail: its rival, {rival_name}, keeps it too "
                         f"({_span(rival_values, low, high)} is {words}).")
    return Bound(name, words, _span(values, low, high), len(values), rival_name,
                 _span(rival_values, low, high) if rival_name else "",
                 None if worst is None else _apart(worst, low, high),
                 _dots((low, high)), _dots(values), _dots(rival_values or []))


def _rival(rival):
    if rival is None:
        return "", None
    if not isinstance(rival, tuple) or len(rival) != 2:
        raise DtypeError("rival", written(rival), "a pair of a name and a number or an array",
                         "Pass rival=('untrained', accuracy_before).")
    values = _numbers("rival", rival[1])
    if all(map(math.isnan, values)):
        raise NotFiniteError("rival", "NaN", "numbers, for the rival is measured as well", "Look where it comes from.")
    return _sentence("rival", rival[0], "Name the rival in words."), values


def _sentence(argument, words, remedy) -> str:
    if not isinstance(words, str) or not words.strip():
        raise EmptyError(argument, written(words), "words", remedy)
    return words


def _numbers(argument, value) -> list:
    """The entries, all of them whole numbers, fractions or floats; nothing else is a measurement."""
    if isinstance(value, range) and len(value) > MANY:
        raise DtypeError(argument, written(value), "a number or an array of numbers", "Pass what was measured.")
    try:
        values = np.asarray(value)
        values = values.ravel() if values.size <= MOST else np.array(["?"])
    except Exception:  # nothing that NumPy knows
        values = np.array(["?"])
    exact = values.dtype == object and all(
        isinstance(entry, numbers.Rational) and not isinstance(entry, bool) for entry in values)
    if isinstance(value, np.ma.MaskedArray) or not (values.dtype.kind in "iuf" or exact):
        raise DtypeError(argument, written(value), "a number or an array of numbers",
                         "Pass what was measured, not whether it is right.")
    if values.size == 0:
        raise EmptyError(argument, "an empty array", "at least one number", "Check that the experiment ran.")
    if exact and max(map(abs, values)) > sys.float_info.max:
        raise NotFiniteError(argument, "a number beyond all floats", "numbers that a float can hold", "Count again.")
    return values.tolist()


def _limit(argument, value):
    limit = _numbers(argument, value)
    if len(limit) != 1:
        raise DtypeError(argument, written(value), "one number", "Hold a difference to one number instead.")
    if not math.isfinite(limit[0]):
        raise NotFiniteError(argument, str(value), "a finite number", "Say what would refute the claim.")
    return limit[0]


def _worst(values, low, high):
    """The entry that breaks the bound furthest, or None where all keep it. NaN and infinity keep no bound."""
    broken = [entry for entry in values if not (math.isfinite(entry) and low <= entry <= high)]
    return max(broken, key=lambda entry: max(low - entry, entry - high) if math.isfinite(entry) else math.inf,
               default=None)


def _short(number) -> str:
    return f"{float(number):.10g}"


def _apart(number, low, high) -> str:
    """A whole number as it is, another with four digits or as many as it takes to fall on its side of the limits."""
    if isinstance(number, int):
        return str(number)
    number, low, high = map(float, (number, low, high))
    sides = [(number > limit) - (number < limit) for limit in (low, high)]
    for digits in range(4, 18):
        shown = float(f"{number:.{digits}g}")
        if [(shown > limit) - (shown < limit) for limit in (low, high)] == sides or not math.isfinite(number):
            break
    return f"{number:.{digits}g}"


def _span(values, low, high) -> str:
    least, most = _apart(min(values), low, high), _apart(max(values), low, high)
    return least if least == most else f"{least} to {most}"


def _dots(values) -> tuple:
    """The first entries with the four digits that a picture needs; what is not finite is None."""
    return tuple(float(f"{float(entry):.4g}") if math.isfinite(entry) else None for entry in values[:MOST_DOTS])


def _in_ledger(bound: Bound, seeds: int) -> dict:
    """What the ledger keeps of a bound: every entry where these are the seeds', not too many, more than one."""
    kept = asdict(bound)
    kept.pop("breaks")
    if seeds == 1 or not 1 < bound.entries <= MOST_DOTS:
        return {name: kept[name] for name in kept if name not in ("limits", "dots", "rival_dots")}
    return kept


def _write(stated: Claim) -> None:
    """Put the claim into the chapter's ledger file; the file is replaced whole or not at all."""
    target = os.environ.get("TRANSFORMER_LAB_LEDGER")
    if not target:
        return
    path = Path(target)
    entries = json.loads(path.read_text("utf-8")) if path.exists() else []
    entry = asdict(stated) | {"bounds": [_in_ledger(bound, stated.seeds) for bound in stated.bounds]}
    entries = [other for other in entries if other["id"] != stated.id] + [entry]
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")
    half.replace(path)
