"""The verb ``compare``: runs side by side, in what they differ and where they end; and their curves, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..checks import check_choice
from ..errors import DataError
from ..training import Record
from ..training.records import read_record
from .found import called, found_folder
from .show import say, table
from .targets import placed

HELP = """A line for each run: in which settings it differs from others, how long it took, what was measured last;
of runs of many models at once the means. With --out the curves of --metric are drawn, a line a run.

  transformer-lab compare digits-0 digits-3
  transformer-lab compare digits-0 digits-3 --metric held_out_accuracy --out curves.svg"""

#: What is told of the last row, where it was measured.
TOLD = ("held_out_loss", "held_out_accuracy", "train_accuracy")


def add_options(verb) -> None:
    verb.add_argument("runs", metavar="RUN", nargs="+", help="names of runs, or paths of their folders")
    verb.add_argument("--metric", metavar="NAME", default="held_out_loss", help="what is drawn (default held_out_loss)")
    verb.add_argument("--out", metavar="FILE", help="draw the curves; ends in .svg, .pdf or .png")


def compare(options) -> None:
    """Say the table, and draw the curves if there is a place for them."""
    records = {called(folder): read_record(folder) for folder in map(found_folder, options.runs)}
    if len(records) < len(options.runs):
        raise DataError("A run is named twice. Name each once.")
    say(told(records))
    if options.out is not None:
        path = placed(Path(options.out))
        drawn(records, options.metric).save(path)
        say(f"\n{path}: {options.metric} over the steps")


def told(records: dict[str, Record]) -> str:
    """The table: what differs, steps, seconds, the last measures."""
    flat = {name: flattened(record.config) for name, record in records.items()}
    known = dict.fromkeys(entry for values in flat.values() for entry in values)
    differing = [entry for entry in known if len({str(values.get(entry)) for values in flat.values()}) > 1]
    measures = [name for name in TOLD if any(name in record.history.names for record in records.values())]
    rows = [(name, *(str(flat[name].get(entry, "")) for entry in differing), f"{record.manifest['step']:,}",
             f"{record.timing['cpu_s']:.0f}" if "cpu_s" in record.timing else "",
             *(last(record, measure) for measure in measures))
            for name, record in records.items()]
    heads = [*(entry.rpartition(".")[2].replace("_", " ") for entry in differing), "steps", "CPU s",
             *(measure.replace("_", " ") for measure in measures)]
    return table(rows, ["run", *heads], left=range(1 + len(differing)))


def flattened(config, before: str = "") -> dict:
    """The plain values of a configuration by their paths.

    >>> flattened({"task": {"name": "text", "n_ctx": 64}, "seed": 0})
    {'task.name': 'text', 'task.n_ctx': 64, 'seed': 0}
    """
    found = {}
    for name, value in config.items():
        found |= flattened(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def last(record: Record, measure: str) -> str:
    """The last value that was measured, or why there is none."""
    if record.manifest["stopped"]:
        return "diverged"
    values = record.history[measure] if measure in record.history.names else np.array([np.nan])
    value = float(np.mean(values[-1]))
    return f"{value:.4f}" if np.isfinite(value) else ""


def drawn(records: dict[str, Record], metric: str):
    """A figure with a line for each run, of many models the middle half."""
    from ..plots import curves  # matplotlib, which most commands do not need

    names = dict.fromkeys(name for record in records.values() for name in record.history.names if name != "step")
    check_choice("--metric", metric, names)
    steps = np.unique(np.concatenate([record.history.steps for record in records.values()]))
    data = {}
    for name, record in records.items():
        if metric in record.history.names:
            values = record.history[metric].reshape(len(record.history.steps), -1)
            data[name] = np.full((values.shape[1], len(steps)), np.nan)
            data[name][:, np.searchsorted(steps, record.history.steps)] = values.T
    return curves(data, steps, x_label="step", y_label=metric.replace("_", " "))
