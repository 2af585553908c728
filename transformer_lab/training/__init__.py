"""Training: one plain loop, what it measured, and the run records that keep it."""

from .fit import fit
from .history import History
from .records import Record, read_record, write_record
from .runs import recorded

__all__ = ["History", "Record", "fit", "read_record", "recorded", "write_record"]
