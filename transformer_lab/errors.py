"""One family of errors. Each says which argument, what came, what is allowed, and what to do.

Every error that the package raises on purpose is a :class:`LabError`, so a caller can
catch them all with one name. The ones about an argument are a ``ValueError`` too, because
that is what a Python programmer expects to catch.
"""

from __future__ import annotations

import importlib

__all__ = ["ArgumentError", "ClaimError", "ConfigError", "DataError", "DivergedError", "DtypeError", "EmptyError",
           "LabError", "MissingExtraError", "NotFiniteError", "RangeError", "ShapeError", "StudyError",
           "UnknownNameError", "installed"]


class LabError(Exception):
    """The root of the family: ``except LabError`` catches whatever the package raises."""


class ArgumentError(LabError, ValueError):
    """An argument is not what the function can work with: its name, what came, what is allowed, what to do now.

    >>> raise ArgumentError("period", "0", "a whole number from 2 to 26", "Pass period=5.")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ArgumentError: period: got 0; allowed is a whole number from 2 to 26. Pass period=5.
    """

    def __init__(self, argument: str, came: str, allowed: str, remedy: str):
        self.argument, self.came, self.allowed, self.remedy = argument, came, allowed, remedy
        super().__init__(f"{argument}: got {came}; allowed is {allowed}. {remedy}")


class ShapeError(ArgumentError):
    """An array has the wrong number of axes, or an axis of the wrong length."""


class DtypeError(ArgumentError, TypeError):
    """A value has the wrong type, or an array the wrong dtype."""


class RangeError(ArgumentError):
    """A number lies outside the range that makes sense."""


class NotFiniteError(ArgumentError):
    """An array holds NaN or infinity where a finite number is needed."""


class EmptyError(ArgumentError):
    """Something that must hold at least one item is empty."""


class UnknownNameError(ArgumentError):
    """A name is not one of those that are known."""


class ConfigError(LabError, ValueError):
    """A configuration has faults; ``faults`` lists all of them, not just the first.

    >>> raise ConfigError("ModelConfig", ["n_heads: got 0", "n_ctx: got -1"])
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ConfigError: ModelConfig has 2 faults:
      - n_heads: got 0
      - n_ctx: got -1
    """

    def __init__(self, name: str, faults: list[str]):
        self.faults = list(faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{name} has {count}:\n" + "\n".join(f"  - {fault}" for fault in faults))


class ClaimError(LabError, AssertionError):
    """A stated result does not hold. The chapter that states it stops here, and so does the build."""


class DataError(LabError):
    """A shipped or downloaded file is missing, damaged, or not what its manifest says."""


class DivergedError(LabError, ArithmeticError):
    """A training run met NaN, infinity or a loss above its limit; ``history`` holds what was measured before.

    >>> raise DivergedError(12, "W_in", 3, history=None)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DivergedError: The run stopped at step 12: W_in went non-finite first, with 2 more tensors.
    The model is back in its state before this step. Try a smaller learning rate, a longer warm-up or clipping.
    """

    def __init__(self, step: int, first: str, tensors: int, history, limit: float | None = None):
        self.step, self.first, self.history = step, first, history
        more = f", with {tensors - 1} more tensors" if tensors > 1 else ""
        came = f"went non-finite first{more}" if limit is None else f"rose above the limit of {limit:g}"
        super().__init__(f"The run stopped at step {step}: {first} {came}. The model is back in its state before this "
                         "step. Try a smaller learning rate, a longer warm-up or clipping.")

    @classmethod
    def kept(cls, sentence: str, step: int, history) -> DivergedError:
        """The error of a run that stopped some time ago, as its record tells it."""
        fault = cls.__new__(cls, sentence)
        fault.step, fault.first, fault.history = step, "", history
        return fault


class StudyError(LabError):
    r"""Units of a study failed; ``faults`` has (unit, traceback) for each. The results of the others are kept.

    >>> raise StudyError("coins", [({"coin": 0.2, "seed": 3}, "Traceback ...\nZeroDivisionError: division by zero")], 6)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.StudyError: 1 of 6 units of coins failed; the others are kept, and the same command goes on:
      - coin 0.2, seed 3: ZeroDivisionError: division by zero
    """

    def __init__(self, name: str, faults: list[tuple[dict, str]], units: int):
        self.faults = faults
        lines = [f"  - {', '.join(f'{key} {value}' for key, value in unit.items()) or 'all'}: "
                 + fault.strip().splitlines()[-1] for unit, fault in faults]
        super().__init__(f"{len(faults)} of {units} units of {name} failed; the others are kept, and the same command "
                         "goes on:\n" + "\n".join(lines))


class MissingExtraError(LabError, ImportError):
    """A part of the package needs a library that is not installed."""


def installed(library: str, what: str):
    """A library that only a part of the package needs, imported.

    >>> installed("no_such_library", "The figures")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.MissingExtraError: The figures need no_such_library. Install it: pip install no_such_library
    """
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as fault:
        missing = str(fault.name).partition(".")[0]
        if missing == __package__:
            raise
        because = "" if missing == library else f", which needs {missing}"
        raise MissingExtraError(f"{what} need {library}{because}. Install it: pip install {missing}") from None
