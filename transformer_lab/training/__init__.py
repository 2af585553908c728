"""Training: one plain loop, what it measured, the run records that keep it, and studies of many runs."""

from .fit import fit
from .history import History
from .records import Record, read_record, write_record
from .run import Run, one_by_one, read_run, train
from .runs import recorded
from .study import Study, study

__all__ = ["History", "Record", "Run", "Study", "fit", "one_by_one", "read_record", "read_run", "recorded", "study",
           "train", "write_record"]
