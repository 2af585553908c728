"""Chapter 06's studies: are all gradients right, and what does a wrong one cost?

The cost: one small transformer, the digit operations, one factor: what flows backward. Arms: the right gradient; the
mistakes of :mod:`~chapters.ch06.planted`; and its control, in which queries and keys are never
trained. Seed i has its own split into training and held-out inputs, first weights and batches, the same in all arms.

``python -m chapters.ch06.study`` trains what is missing and writes a record for each arm to
``data/wrong-gradients``.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from transformer_lab.byhand.schedules import warmup_linear
from transformer_lab.byhand.transformer import backward, forward, init, loss
from transformer_lab.byhand.weights import pack
from transformer_lab.checks import check_choice, check_type, check_whole
from transformer_lab.config import Config, ModelConfig, choice, whole
from transformer_lab.randomness import generator
from transformer_lab.tasks.answers import Examples
from transformer_lab.tasks.digits import DigitTask
from transformer_lab.training import History, Record, fit, read_record, write_record
from transformer_lab.training.digits import DigitRun
from transformer_lab.training.seals import check_folder
from transformer_lab.training.stepper import Stepper

from .planted import PLANTED, with_mistake

__all__ = ["ARMS", "WrongRun", "cosines", "gradients", "load", "train"]

DATA = Path(__file__).resolve().parents[3] / "data" / "wrong-gradients"
ARMS = ("right", *PLANTED)


@dataclass(frozen=True)
class WrongRun(Config):
    """One arm: models that differ in their seed alone.

    Parameters
    ----------
    gradient : str
        ``"right"``, or a name in :data:`~chapters.ch06.planted.PLANTED`.
    steps, batch, n_seeds : int

    Examples
    --------
    >>> run = WrongRun("copied", n_seeds=2)
    >>> run.batches(0).tokens.shape, run.held_out.tokens.shape
    ((2, 64, 8), (2, 1000, 8))
    """

    gradient: str = choice(*ARMS)
    steps: int = whole(1500)
    batch: int = whole(64)
    n_seeds: int = whole(10)

    @property
    def runs(self) -> list[DigitRun]:
        """The settings of each seed."""
        return [DigitRun(task=DigitTask(), d_model=32, d_mlp=64, steps=self.steps, warmup=min(100, self.steps),
                         batch=self.batch, seed=seed, data_seed=seed) for seed in range(self.n_seeds)]

    @property
    def model(self) -> ModelConfig:
        """The shape of the transformer."""
        return self.runs[0].model

    @cached_property
    def seen(self) -> Examples:
        """Every seed's inputs to train on, (n_seeds, 4000, ...)."""
        return self._parts(lambda parts: parts.train)

    @cached_property
    def held_out(self) -> Examples:
        """Every seed's inputs that training never sees, (n_seeds, 1000, ...)."""
        return self._parts(lambda parts: parts.held_out)

    def _parts(self, part) -> Examples:
        encoded = [run.encoded(part(run.parts)) for run in self.runs]
        return Examples(*map(np.stack, zip(*encoded, strict=True)))

    def initial(self) -> dict[str, np.ndarray]:
        """The weights before training, all seeds."""
        return init(self.model, n_seeds=self.n_seeds)

    def batches(self, step: int) -> Examples:
        """The batch of one step, (n_seeds, batch, ...)."""
        rows = np.stack([generator(seed, "batch", step).integers(self.seen.targets.shape[1], size=self.batch)
                         for seed in range(self.n_seeds)])
        return Examples(*(np.take_along_axis(part, rows.reshape(*rows.shape, *[1] * (part.ndim - 2)), axis=1)
                          for part in self.seen))


def gradients(name: str, params: dict, batch, config: ModelConfig) -> tuple[np.ndarray, dict]:
    """The loss on ``batch``, (tokens, targets), and what is taken for its gradient.

    ``name`` is ``"right"``, or a mistake in :data:`~chapters.ch06.planted.PLANTED`.

    >>> run = WrongRun("twice", n_seeds=2)
    >>> value, grads = gradients("twice", run.initial(), run.batches(0), run.model)
    >>> value.shape, grads["W_U"].shape
    ((2,), (2, 32, 20))
    """
    check_choice("name", name, ARMS)
    tokens, targets = check_type("batch", batch, tuple)
    acts = forward(params, tokens, config)
    value = loss(acts["logits"], targets, config)
    if name == "right":
        return value, backward(params, acts, targets, config)
    return value, with_mistake(name, params, acts, targets, config)


class PlantedStepper(Stepper):
    """A stepper that takes for the gradient what ``name`` says."""

    def __init__(self, name: str, *given, **settings):
        super().__init__(*given, **settings)
        self.name = name

    def step(self, batch, learning_rate: float) -> dict:
        value, grads = gradients(self.name, self.params, batch, self.config)
        pack(grads, self.shapes, out=self.gradient)
        self.optimizer.update(self.theta, self.gradient, learning_rate)
        return {"loss": value}


def train(run: WrongRun, *, every: int = 50, stop: int | None = None) -> tuple[dict, History]:
    """Train all seeds of an arm with Adam; no weight decay, no clipping.

    Parameters
    ----------
    run : WrongRun
    every : int
        How often the accuracy is measured, on each seed's held-out inputs and on as many of those it trains on.
    stop : int, optional
        Make so many updates of the run, and no more.

    Returns
    -------
    (dict, History)
        The weights, and ``loss`` (of the batch), ``held_out_accuracy``, ``train_accuracy`` as (rows, seeds).

    Examples
    --------
    >>> params, history = train(WrongRun("both", steps=2, n_seeds=2))
    >>> history["held_out_accuracy"].shape
    (2, 2)
    """
    stepper = PlantedStepper(check_type("run", run, WrongRun).gradient, run.initial(), run.model, "adam", beta2=0.98)
    probe = Examples(*(part[:, :1000] for part in run.seen))

    def measure(stepper):
        return {name: accuracy(stepper.params, batch, run.model)
                for name, batch in (("held_out_accuracy", run.held_out), ("train_accuracy", probe))}

    rate = warmup_linear(3e-3, run.steps, min(100, run.steps))
    steps = run.steps if stop is None else check_whole("stop", stop, low=1, high=run.steps)
    history = fit(stepper, run.batches, steps=steps, learning_rate=rate, evaluate=measure, every=every)
    return stepper.params, history


def accuracy(params, batch, config):
    return (forward(params, batch.tokens, config, trim=True)["logits"].argmax(-1) == batch.targets).mean(-1)


def cosines(name: str, params: dict, batch, config: ModelConfig) -> dict[str, np.ndarray]:
    """For every tensor the cosine between what a mistake gives and the right gradient, an entry a seed.

    NaN where one of the two is zero.

    >>> run = WrongRun("twice", n_seeds=2)
    >>> cosines("frozen", run.initial(), run.batches(0), run.model)["blocks.0.W_Q"].tolist()
    [nan, nan]
    """
    (_, wrong), (_, right) = (gradients(which, params, batch, config) for which in (name, "right"))
    return {tensor: cosine(wrong[tensor].astype(np.float64), right[tensor]) for tensor in right}


def cosine(a, b):
    a, b = (value.reshape(len(value), -1) for value in (a, b))
    size = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.where(size == 0, np.nan, (a * b).sum(-1) / np.where(size == 0, 1, size))


def record(arm: str, data: Path = DATA, run: WrongRun | None = None) -> Record:
    """Train an arm, unless its record is there, and keep its curves and the cosines before and after training.

    The tensors of the record are :func:`cosines` on the held-out inputs: ``before.W_Q``, … and ``after.W_Q``, ….
    """
    run = WrongRun(check_choice("arm", arm, ARMS)) if run is None else check_type("run", run, WrongRun)
    folder = check_folder(data) / arm
    if folder.exists():
        return read_record(folder, config=run.to_dict())
    started = time.process_time()
    params, history = train(run)
    timing = {"training_cpu_s": time.process_time() - started}
    state = {f"{when}.{tensor}": found for when, weights in (("before", run.initial()), ("after", params))
             for tensor, found in cosines(arm, weights, run.held_out, run.model).items()}
    write_record(folder, config=run.to_dict(), history=history, state=state, step=run.steps, timing=timing)
    return read_record(folder)


def load(arm: str, data: Path = DATA) -> Record:
    """The shipped record of an arm, its checksums verified."""
    return read_record(check_folder(data) / check_choice("arm", arm, ARMS), config=WrongRun(arm).to_dict())


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ARMS:
        found = record(chosen)
        final = found.history["held_out_accuracy"][-1]
        print(f"{chosen}: {final.round(3).tolist()}, {found.timing['training_cpu_s']:.0f} CPU s", flush=True)
