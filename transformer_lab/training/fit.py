"""fit(): the training loop, from top to bottom: checkpoint, evaluate, learning rate, step, log.

A *stepper* wraps a model with its optimiser, whatever they are made of:

- ``step(batch, learning_rate)`` makes one update and returns a dict of numbers, or of
  arrays over seeds, measured on the batch before the update;
- ``state()`` returns ``{name: array}``: the weights, and the optimiser's memory under names
  that start with ``"optimizer."``;
- ``load_state(state)`` puts such a state back, so that the next step is the same, bit for bit.

:class:`~transformer_lab.training.stepper.Stepper` is one for every model by hand, and
:class:`~transformer_lab.training.torch_stepper.TorchStepper` one for PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..checks import check_callable, check_choice, check_number
from ..errors import ArgumentError, DivergedError
from ..rules import By, Function, Number, Whole, Wholes
from ..signatures import checked
from ..wording import written
from .history import OPTIMIZER, History, check_measured, weights_of
from .progress import Bar

__all__ = ["fit"]


def check_best(argument: str, value) -> tuple:
    """A pair of a metric's name, and which of its values is best."""
    if not (isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str)
            and any(value[1] is choose for choose in (min, max))):
        raise ArgumentError(argument, written(value), "a pair of a metric's name and min or max", "Pass ('loss', min).")
    return tuple(value)


BEST = By(check_best)


@checked
def fit(stepper, batches: Function("step"), *, steps: Whole(1), learning_rate: Number(above=0) | Callable,
        evaluate: Function("stepper") | None = None, every: Whole(1) = 1, best: BEST | None = None,
        keep: Wholes("n", low=0, high="steps", empty=True) = (),
        checkpoint: Function("step", "state", "history") | None = None, checkpoint_every: Whole(1) | None = None,
        start: Whole(0, "steps") = 0, history: History | None = None,
        limit: Number(above=0) | None = None) -> History:
    """Train for ``steps`` updates and return what was measured.

    ``batches(step)`` gives the same batch for the same step, ``learning_rate`` is a number or a schedule
    ``learning_rate(step)``. A row is logged ``every`` so many steps, the first (before any update) and the last
    included; ``evaluate(stepper)``, a dict of numbers or of arrays over seeds, adds to it under names of its own.
    ``best=("held_out_loss", min)`` keeps in ``history.best`` the weights of the row whose mean of this metric is best,
    and ``history.kept`` has those at the steps in ``keep``. ``checkpoint(step, state, history)`` is called every
    ``checkpoint_every`` steps; to resume from one, ``start`` and ``history`` are its own, after
    ``stepper.load_state(state)``.

    A number that is no longer finite is a DivergedError, which names the step and the first parameter, and so is a loss
    above the ``limit``; the stepper is then back in its last good state, and the error has the ``history``.

    >>> from transformer_lab.training.stepper import Stepper
    >>> halving = Stepper({"w": np.array([8.0])}, lambda params, batch: (params["w"][0]**2 / 2, {**params}), "sgd")
    >>> fit(halving, lambda step: None, steps=3, learning_rate=0.5)["loss"].tolist()
    [32.0, 8.0, 2.0, nan]
    """
    for method in ("step", "state", "load_state"):
        check_callable(f"stepper.{method}", getattr(stepper, method, None))
    history, keep, saved_every = history or History(), set(np.ravel(keep).tolist()), checkpoint_every or every
    good, bar, rate_at = (start, copied(stepper.state())), Bar(steps), schedule(learning_rate)
    for step in range(start, steps + 1):
        due, row = step % every == 0 or step == steps, {"step": step}
        if due:
            good = still_finite(stepper, batches, rate_at, good, step, history, limit)
        if checkpoint and step % saved_every == 0:
            checkpoint(step, copied(stepper.state()), history)
        if step in keep:
            history.kept[step] = weights_of(stepper.state())
        if due and evaluate:
            row = joined(row, "evaluate(stepper)", check_measured("evaluate(stepper)", evaluate(stepper)))
        if step < steps:
            rate = rate_at(step)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                metrics = stepper.step(batches(step), rate)
            if due:  # not at every step, which may take no longer than this check
                check_measured("stepper.step(batch)", metrics)
            if not_finite(metrics) or too_high(metrics, limit):
                raise diverged(stepper, batches, rate_at, good, step, history, limit)
            row = joined(joined(row, "fit", {"learning_rate": rate}), "stepper.step(batch)", metrics)
        if due:
            history.add(row)
            if best:
                check_choice("best[0]", best[0], history.names)
                history.note_best(*best, good[1])
        bar.show(step, row)
    return history


def schedule(learning_rate: float | Callable) -> Callable:
    """The learning rate at each step, checked."""
    if isinstance(learning_rate, type) or not callable(learning_rate):  # a class is no schedule
        rate = check_number("learning_rate", learning_rate, above=0)
        return lambda step: rate
    Function("step")("learning_rate", learning_rate)
    return lambda step: check_number(f"learning_rate({step})", learning_rate(step), low=0)


def joined(row: dict, source: str, found: dict) -> dict:
    """The row with what a source measured; a name that stands in it already is refused."""
    for name in row.keys() & found.keys():
        raise ArgumentError(source, f"{name!r}, which the row has already", "names of its own", "Rename it.")
    return row | found


def copied(state: dict) -> dict:
    return {name: np.array(value) for name, value in state.items()}


def not_finite(arrays: dict) -> list[str]:
    """Names of the arrays that hold NaN or infinity, weights before the optimiser's memory."""
    return sorted((name for name, value in arrays.items() if not np.isfinite(value).all()),
                  key=lambda name: name.startswith(OPTIMIZER))


def too_high(metrics: dict, limit: float | None) -> bool:
    """Whether a loss is above the limit."""
    return limit is not None and bool(np.any(np.asarray(metrics.get("loss", 0.0)) > limit))


def still_finite(stepper, batches, rate_at, good, step, history, limit):
    """The new good (step, state), if every tensor is finite; the run stops here if one is not."""
    state = copied(stepper.state())
    if not_finite(state):
        raise diverged(stepper, batches, rate_at, good, step, history, limit)
    return step, state


def diverged(stepper, batches, rate_at, good, last, history, limit) -> DivergedError:
    """Replay from the last good state to find the step and the tensor that went first; leave the state before it."""
    start, state = good
    stepper.load_state(state)
    for step in range(start, last + 1):
        before = copied(stepper.state())
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            metrics = stepper.step(batches(step), rate_at(step))
        lost, numbers = not_finite(stepper.state()), not_finite(metrics)
        if lost or numbers or too_high(metrics, limit):
            break
    stepper.load_state(before)
    return DivergedError(step, [*lost, *numbers, "loss"][0], len(lost), history, None if lost or numbers else limit)
