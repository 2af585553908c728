"""History: what a run measured, step by step, with the best state and the kept weights."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..checks import check_choice, check_type, check_whole
from ..errors import DtypeError, NotFiniteError, ShapeError, UnknownNameError
from ..rules import Array, Flags, Wholes, as_array
from ..wording import written

__all__ = ["Best", "History", "weights_of"]

#: Entries of a stepper's state that start like this are the optimiser's memory; all others are weights.
OPTIMIZER = "optimizer."

#: How the names of steps and of mean squares end, by hand and in PyTorch.
NEVER_BELOW_0 = (OPTIMIZER + "t", OPTIMIZER + "v", ".step", ".exp_avg_sq")


def weights_of(state: dict) -> dict:
    """Copies of the weights in a stepper's state, without the optimiser's memory."""
    for name in check_type("state", state, dict):
        check_type("a name in state", name, str)
    return {name: np.array(as_array(f"state[{name!r}]", value, "numbers")) for name, value in state.items()
            if not name.startswith(OPTIMIZER)}


#: What one may measure: a number, or an array over seeds.
NUMBERS = Array("", finite=False) | Wholes("") | Flags("")
SEEDS = Array("seed", finite=False) | Wholes("seed") | Flags("seed")


def check_measured(source: str, found: dict) -> dict:
    """What somebody's function measured: by names that a table can have, numbers or arrays over seeds."""
    for name, value in check_type(source, found, dict).items():
        if not (isinstance(name, str) and name.isprintable() and name and "[" not in name):
            raise DtypeError(f"a name in {source}", written(name), "printable text without '['", "Rename it.")
        if type(value) is not float:
            (NUMBERS | SEEDS)(f"{source}[{name!r}]", value)
    return found


def check_state(state, like: dict) -> None:
    """A state with the names, shapes and dtypes of this one; what does not fit is named."""
    for name in sorted(check_type("state", state, dict).keys() ^ like.keys(), key=str):
        came = f"{name!r} besides" if name in state else f"no {name!r}"
        raise UnknownNameError("state", came, "the names in stepper.state()", "Load the state of such a stepper.")
    for name, value in like.items():
        found = as_array(f"state[{name!r}]", state[name], "numbers")
        for error, came, wanted in ((DtypeError, found.dtype, value.dtype), (ShapeError, found.shape, value.shape)):
            if came != wanted:
                raise error(f"state[{name!r}]", f"an array of {came}", wanted, "Load the state of such a stepper.")
        if not np.isfinite(found).all() or (name.endswith(NEVER_BELOW_0) and (found < 0).any()):
            raise NotFiniteError(f"state[{name!r}]", "NaN, infinity, or below 0 what is a count or a square",
                                 "what a stepper had", "Load the state of such a stepper.")


@dataclass(frozen=True)
class Best:
    """The best evaluation so far: its step, its value, and the weights at that moment."""

    step: int
    value: float
    weights: dict[str, np.ndarray]


@dataclass
class History:
    """What a run measured: ``history["loss"]`` is an array (rows,) or (rows, seeds).

    Row t belongs to the model after t updates: what it scored, and its loss on the batch that it saw next (the last row
    saw none). A number that was not measured in a row is NaN there.

    >>> history = History()
    >>> history.add({"step": 0, "loss": 2.5})
    >>> history.add({"step": 1, "loss": 1.5, "accuracy": 0.5})
    >>> history.steps, history["accuracy"]
    (array([0, 1]), array([nan, 0.5]))
    >>> history["acuracy"]  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: metric: got 'acuracy'; allowed is one of 'step', 'loss', 'accuracy'. ...
    """

    rows: list[dict] = field(default_factory=list)
    best: Best | None = None
    kept: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)

    def add(self, row: dict) -> None:
        """Append one row of numbers, or of arrays over seeds, with the ``step``."""
        check_whole("row['step']", check_measured("row", row).get("step"), low=0, high=2**62)
        self.rows.append(row)

    @property
    def names(self) -> list[str]:
        """The names of everything measured, in the order of their first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def steps(self) -> np.ndarray:
        """How many updates the model had seen at each row."""
        return np.array([row["step"] for row in self.rows], dtype=np.int64)

    def __getitem__(self, name: str) -> np.ndarray:
        check_choice("metric", name, self.names)
        shapes = {np.shape(row[name]) for row in self.rows if name in row}
        if len(shapes) > 1:
            raise ShapeError(f"row[{name!r}]", f"arrays of shapes {sorted(shapes)}", "as many seeds in every row",
                             "Measure the same at every step.")
        missing = np.full(shapes.pop(), np.nan)
        return np.stack([np.asarray(row.get(name, missing), dtype=np.float64) for row in self.rows])

    @property
    def trajectory(self) -> dict[str, np.ndarray]:
        """The kept weights, stacked: name → (kept steps, ...); their steps stand in ``kept``."""
        snapshots = list(self.kept.values())
        return {name: np.stack([kept[name] for kept in snapshots]) for name in (snapshots[0] if snapshots else {})}

    def note_best(self, name: str, choose, state: dict) -> None:
        """Keep the weights in ``state`` if ``choose`` (min or max) prefers the newest row's mean ``name``."""
        if name in self.rows[-1]:
            value = float(np.mean(self.rows[-1][name]))
            if self.best is None or (value != self.best.value and choose(value, self.best.value) == value):
                self.best = Best(int(self.rows[-1]["step"]), value, weights_of(state))

    def overfitting(self, train: str, held_out: str) -> str | None:
        """A sentence if the held-out loss has left its best value by a tenth, and by 0.01 nats, while the training loss
        went on falling.

        >>> losses = [(0, 2.0, 2.0), (1, 1.5, 1.5), (2, 1.0, 2.0)]
        >>> rows = [dict(zip(("step", "train_loss", "held_out_loss"), row)) for row in losses]
        >>> History(rows).overfitting("train_loss", "held_out_loss")
        'Overfitting since step 1: held_out_loss rose from 1.5 to 2, while train_loss went on falling from 1.5 to 1.'
        """
        check_choice("train", train, self.names), check_choice("held_out", held_out, self.names)
        pairs = [(row["step"], float(np.mean(row[train])), float(np.mean(row[held_out])))
                 for row in self.rows if train in row and held_out in row]
        if not pairs:
            return None
        step, seen, lowest = min(pairs, key=lambda pair: pair[2])
        _, seen_last, last = pairs[-1]
        if last <= max(1.1 * lowest, lowest + 0.01) or seen_last >= seen:
            return None
        return (f"Overfitting since step {step}: {held_out} rose from {lowest:.3g} to {last:.3g}, "
                f"while {train} went on falling from {seen:.3g} to {seen_last:.3g}.")
