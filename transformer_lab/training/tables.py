"""The parts of a record, from and to bytes: the table of metrics and the tensors."""

from __future__ import annotations

import csv
import io

import numpy as np
import safetensors.numpy

from .history import OPTIMIZER, Best, History, weights_of


def parts(history: History, state: dict) -> dict[str, dict]:
    """The tensors of a record, a dict for each file."""
    best, kept = history.best, list(history.kept)
    moment = {"best_step": np.int64(best.step), "best_value": np.float64(best.value)} if best else {}
    return {"weights": weights_of(state),
            "optimizer": {name: value for name, value in state.items() if name.startswith(OPTIMIZER)},
            "trajectory": history.trajectory | {"kept_steps": np.array(kept)} if kept else {},
            "best": best.weights | moment if best else {}}


def history_from(text: bytes, best: dict, trajectory: dict) -> History:
    """The history in a table and the tensors beside it."""
    table = csv.DictReader(io.StringIO(text.decode()), strict=True)
    if len(set(columns := table.fieldnames or [])) < len(columns):
        raise ValueError("a column comes twice")
    rows = [gathered(row) for row in table]
    steps = trajectory.pop("kept_steps", np.array([], dtype=np.int64)).tolist()
    kept = {step: {name: stack[i] for name, stack in trajectory.items()} for i, step in enumerate(steps)}
    if not best:
        return History(rows, None, kept)
    step, value = int(best.pop("best_step")), float(best.pop("best_value"))
    return History(rows, Best(step, value, best), kept)


def table(history: History) -> bytes:
    """The rows as CSV: a column a number, ``name[i]`` for seed i; every float reads back exactly."""
    rows = [dict(spread(row)) for row in history.rows]
    columns = sorted({name: None for row in rows for name in row}, key=lambda name: name != "step")
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def spread(row: dict):
    """(column, text) for each number of a row."""
    for name, value in row.items():
        if name == "step":
            yield name, str(int(value))
        elif np.ndim(value):
            yield from ((f"{name}[{i}]", repr(float(entry))) for i, entry in enumerate(value))
        else:
            yield name, repr(float(value))


def gathered(cells: dict) -> dict:
    """The row with these cells: the reverse of :func:`spread`."""
    row = {"step": int(cells["step"])}
    for column, text in cells.items():
        if column != "step" and text:
            name, _, seed = column.partition("[")
            row[name] = [*row.get(name, []), float(text)] if seed else float(text)
    return {name: np.array(value) if isinstance(value, list) else value for name, value in row.items()}


def packed(arrays: dict) -> bytes:
    return safetensors.numpy.save({name: np.array(value, order="C") for name, value in arrays.items()})


def unpacked(data: bytes | None) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in safetensors.numpy.load(data).items()} if data else {}
