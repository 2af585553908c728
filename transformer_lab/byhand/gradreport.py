"""What a gradient check found: a row for each tensor and witness, a table to read, and the worst entry by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Report", "Row"]


@dataclass(frozen=True)
class Row:
    """One tensor before one witness.

    ``errors`` holds the relative error of each independent instance (a single number where there is one); ``index``,
    ``given`` and ``expected`` belong to the worst entry. ``zero``: both are zero so far as the witness can see.
    """

    tensor: str
    witness: str
    errors: np.ndarray
    tolerance: float
    index: tuple[int, ...]
    given: float
    expected: float
    zero: bool

    @property
    def error(self) -> float:
        """The largest of the errors."""
        return float(np.max(self.errors))

    @property
    def ok(self) -> bool:
        """Whether every instance keeps the tolerance. NaN keeps none."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        found = "both are zero" if self.zero else f"≤ {self.tolerance:.0e}" if self.ok else (
            f"{self.error:.2g} > {self.tolerance:.0e}")
        return f"{'✓' if self.ok else '✗'} {found}"


@dataclass(frozen=True)
class Report:
    """All rows of a check.

    Printed, it shows for each row whether the tolerance was kept, and the size of the error only where it was not:
    what is left of a right gradient's error is rounding, and differs from machine to machine. The numbers stand
    in the rows: ``report["W_QK", "complex_step"].error``.
    """

    rows: tuple[Row, ...]

    def __getitem__(self, key: tuple[str, str]) -> Row:
        return {(row.tensor, row.witness): row for row in self.rows}[key]

    @property
    def ok(self) -> bool:
        """Whether every row keeps its tolerance."""
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> Row:
        """The row that goes furthest beyond its tolerance, or comes closest to it."""
        return max(self.rows, key=lambda row: np.inf if np.isnan(row.error) else row.error / row.tolerance)

    @property
    def message(self) -> str:
        """One sentence; it names the worst entry if there is a fault."""
        row = self.worst
        if row.ok:
            return "The gradient is right."
        entry = f"{row.tensor}[{', '.join(map(str, row.index))}]"
        return (f"The gradient is wrong: {entry} is {row.given:.4g}, but {row.witness} says {row.expected:.4g} "
                f"(relative error {row.error:.2g}, allowed {row.tolerance:.0e}).")

    def __str__(self) -> str:
        table = [("tensor", "witness", "relative error"), *((row.tensor, row.witness, str(row)) for row in self.rows)]
        left, right = (max(len(line[column]) for line in table) for column in (0, 1))
        lines = [f"{tensor:<{left}}  {witness:<{right}}  {found}" for tensor, witness, found in table]
        return "\n".join([*lines, self.message])

    __repr__ = __str__
