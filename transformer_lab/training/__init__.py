"""Training: one plain loop, what it measured, the run records that keep it, and studies of many runs."""

from .fit import fit
from .history import History
from .records import Record, read_record, write_record
from .runs import recorded
from .study import Study, study

__all__ = ["History", "Record", "Study", "fit", "read_record", "recorded", "study", "write_record"]
