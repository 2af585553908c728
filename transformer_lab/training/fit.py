"""fit(): the training loop, from top to bottom: checkpoint, evaluate, learning rate, step, log.

A *stepper* wraps a model with its optimiser, whatever they are made of:

- ``step(batch, learning_rate)`` makes one update and returns a dict of numbers, or of
  arrays over seeds, measured on the batch before the update;
- ``state()`` returns ``{name: array}``: the weights, and the optimiser's memory under names
  that start with ``"optimizer."``;
- ``load_state(state)`` puts such a state back, so that the next step is the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..checks import check_array, check_callable, check_number, check_type, check_whole
from ..errors import ArgumentError, DivergedError
from .history import OPTIMIZER, History, weights_of
from .progress import Bar

__all__ = ["fit"]


def fit(stepper, batches: Callable, *, steps: int, learning_rate, evaluate: Callable | None = None, every: int = 1,
        best: tuple | None = None, keep: Sequence[int] = (), checkpoint: Callable | None = None,
        checkpoint_every: int | None = None, start: int = 0, history: History | None = None) -> History:
    """Train for ``steps`` updates and return what was measured.

    Parameters
    ----------
    stepper
        The model with its optimiser (see the top of this module).
    batches : callable
        ``batches(step) -> batch``. It must give the same batch for the same step.
    learning_rate : float or callable
        A number above 0, or a schedule ``learning_rate(step) -> float``.
    evaluate : callable, optional
        ``evaluate(stepper) -> dict`` of numbers or arrays over seeds, called every ``every`` steps
        and after the last.
    every : int
        A row is logged at every such step, the first (before any update) and the last included.
    best : (name, min or max), optional
        Keep in ``history.best`` the weights of the row whose mean of this metric is best.
    keep : sequence of int
        Steps whose weights are kept in ``history.kept``: a trajectory.
    checkpoint : callable, optional
        ``checkpoint(step, state, history)``, called every ``checkpoint_every`` steps.
    start, history
        To resume: the step of the checkpoint and its history, after ``stepper.load_state(state)``.

    Raises
    ------
    DivergedError
        If a measured number is no longer finite. The sentence names the step and the first
        parameter; the stepper is back in its last good state, and the error has ``history``.

    Examples
    --------
    >>> class Halving:
    ...     weight = np.array(8.0)
    ...     def step(self, batch, learning_rate):
    ...         loss, self.weight = 0.5 * self.weight**2, self.weight - learning_rate * self.weight
    ...         return {"loss": loss}
    ...     def state(self):
    ...         return {"weight": self.weight}
    ...     def load_state(self, state):
    ...         self.weight = state["weight"]
    >>> fit(Halving(), lambda step: None, steps=3, learning_rate=0.5)["loss"].tolist()
    [32.0, 8.0, 2.0, nan]
    """
    steps, every = check_whole("steps", steps, low=1), check_whole("every", every, low=1)
    rate_at = learning_rate if callable(learning_rate) else constant(learning_rate)
    check_parts(stepper, batches, evaluate, checkpoint, best)
    history = History() if history is None else check_type("history", history, History)
    keep = set(check_array("keep", keep, shape=(None,), kind="whole", allow_empty=True).tolist())
    saved_every = every if checkpoint_every is None else check_whole("checkpoint_every", checkpoint_every, low=1)
    good, bar = (start, copied(stepper.state())), Bar(steps)
    for step in range(check_whole("start", start, low=0, high=steps), steps + 1):
        due, row = step % every == 0 or step == steps, {"step": step}
        if due:
            good = still_finite(stepper, batches, rate_at, good, step, history)
        if checkpoint and step % saved_every == 0:
            checkpoint(step, copied(stepper.state()), history)
        if step in keep:
            history.kept[step] = weights_of(stepper.state())
        if due and evaluate:
            row |= evaluate(stepper)
        if step < steps:
            rate = rate_at(step)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                metrics = stepper.step(batches(step), rate)
            if not_finite(metrics):
                raise diverged(stepper, batches, rate_at, good, step, history)
            row |= {"learning_rate": rate} | metrics
        if due:
            history.add(row)
            if best:
                history.note_best(*best, good[1])
        bar.show(step, row)
    return history


def check_parts(stepper, batches, evaluate, checkpoint, best) -> None:
    for method in ("step", "state", "load_state"):
        check_callable(f"stepper.{method}", getattr(stepper, method, None))
    for argument, function in {"batches": batches, "evaluate": evaluate, "checkpoint": checkpoint}.items():
        if argument == "batches" or function is not None:
            check_callable(argument, function)
    if best is not None and not (isinstance(best, tuple) and len(best) == 2 and best[1] in (min, max)):
        raise ArgumentError("best", repr(best)[:60], "a pair of a metric's name and min or max", "Pass ('loss', min).")


def constant(rate: float) -> Callable:
    """The schedule that never changes."""
    check_number("learning_rate", rate, above=0)
    return lambda step: rate


def copied(state: dict) -> dict:
    return {name: np.array(value) for name, value in state.items()}


def not_finite(arrays: dict) -> list[str]:
    """Names of the arrays that hold NaN or infinity, weights before the optimiser's memory."""
    return sorted((name for name, value in arrays.items() if not np.isfinite(value).all()),
                  key=lambda name: name.startswith(OPTIMIZER))


def still_finite(stepper, batches, rate_at, good, step, history):
    """The new good (step, state), if every tensor is finite; the run stops here if one is not."""
    state = copied(stepper.state())
    if not_finite(state):
        raise diverged(stepper, batches, rate_at, good, step, history)
    return step, state


def diverged(stepper, batches, rate_at, good, last, history) -> DivergedError:
    """Replay from the last good state to find the step and the tensor that went first; leave the state before it."""
    start, state = good
    stepper.load_state(state)
    for step in range(start, last + 1):
        before = copied(stepper.state())
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            metrics = stepper.step(batches(step), rate_at(step))
        lost, numbers = not_finite(stepper.state()), not_finite(metrics)
        if lost or numbers:
            break
    stepper.load_state(before)
    return DivergedError(step, lost[0] if lost else numbers[0], len(lost), history)
