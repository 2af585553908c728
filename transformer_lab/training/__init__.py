"""Training: one plain loop, what it measured, and the run records that keep it."""

from .fit import fit
from .history import History

__all__ = ["History", "fit"]
