"""A digit run: the task, the model and its training as one configuration, and everything that follows from it.

The recipe is Pre-LN with learned positions, read out at the last token (or, where the answer is written,
causal and read out everywhere), Adam with warm-up and linear decay, and decoupled weight decay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from ..byhand.schedules import warmup_linear
from ..byhand.transformer import init, loss
from ..checks import check_flag, check_number, check_seed, check_type
from ..config import Config, ModelConfig, choice, field, whole
from ..errors import DataError, LabError
from ..names import parameter_shapes
from ..randomness import generator
from ..tasks.answers import IGNORED, Examples, examples, sequences
from ..tasks.digits import LARGEST, DigitTask, all_inputs, draw
from ..tasks.expressions import operation_of
from ..tasks.next_token import every_target
from ..tasks.splits import Split, cut, dealt, split
from .digit_model import DigitModel
from .records import Record, read_record
from .runs import recorded
from .stepper import Stepper

__all__ = ["DigitRun", "load", "train"]

#: Fields that came after the first shipped records, with what those records mean: their bytes stay as they are.
LATER = {"positions": "learned", "room": 0, "counted": "answer", "optimizer": "adamw", "distinct": True,
         "shuffled": False}

#: Which fields of a run are settings of its optimiser.
SETTINGS = {"adamw": ("beta2", "weight_decay"), "adam": ("beta2",), "momentum": (), "sgd": ()}


def check_task(argument: str, value) -> DigitTask:
    return DigitTask.from_dict(value) if isinstance(value, dict) else check_type(argument, value, DigitTask)


@dataclass(frozen=True)
class DigitRun(Config):
    """One run.

    Parameters
    ----------
    task : DigitTask
    written : bool
        Whether the answer is written token by token (a decoder) or read at the last token.
    examples : int
        How many distinct expressions there are in all; 0 for every input of the task.
    held_out : float
        Share of them that training never sees.
    n_layers, n_heads, d_model, d_mlp : int
        The model's size.
    steps, batch : int
        Updates, and expressions in each.
    learning_rate, warmup, weight_decay, beta2, clip : float
        The peak rate; the steps to reach it, from where it falls to 0 in a straight line; decoupled decay; Adam's
        second beta; the largest norm of a gradient (0: no limit).
    seed : int
        Of the weights and the batches.
    data_seed : int
        Of the expressions that are drawn, of their split, and of the answers that are dealt out anew.
    optimizer : str
        ``"adamw"``, ``"adam"``, ``"momentum"`` (0.9) or ``"sgd"``; only the first decays weights.
    distinct : bool
        Whether the expressions differ. If not, ``examples`` are drawn with repetition and cut by their place in the
        list, and most of what is held out is trained on as well.
    shuffled : bool
        Whether the answers are dealt out anew among the inputs of each operation: then there is nothing to find out
        and all to remember.
    positions : str
        ``"learned"``, ``"sinusoidal"``, or ``"none"``: the causal mask alone tells what came before what.
    room : int
        Positions beyond those of the longest expression, for longer ones after training.
    counted : str
        Which tokens of a written sequence are targets: those of the ``"answer"``, or ``"all"``, the question's too.

    Examples
    --------
    >>> run = DigitRun(task=DigitTask())
    >>> len(run.parts.train), len(run.parts.held_out), DigitRun.from_dict(run.to_dict()) == run
    (4000, 1000, True)
    """

    task: DigitTask = field(check_task)  # noqa: RUF009 (a frozen default)
    written: bool = field(check_flag, False)
    examples: int = whole(0, low=0)
    held_out: float = field(partial(check_number, above=0, high=0.99), 0.2)
    n_layers: int = whole(2)
    n_heads: int = whole(4)
    d_model: int = whole(64)
    d_mlp: int = whole(256)
    steps: int = whole(2000)
    batch: int = whole(64)
    learning_rate: float = field(partial(check_number, above=0), 3e-3)
    warmup: int = whole(100, low=0)
    weight_decay: float = field(partial(check_number, low=0), 0.1)
    beta2: float = field(partial(check_number, low=0, high=0.9999), 0.98)
    clip: float = field(partial(check_number, low=0), 0.0)
    seed: int = field(check_seed, 0)
    data_seed: int = field(check_seed, 0)
    optimizer: str = choice(*SETTINGS)
    distinct: bool = field(check_flag, True)
    shuffled: bool = field(check_flag, False)
    positions: str = choice("learned", "sinusoidal", "none")
    room: int = whole(0, low=0)
    counted: str = choice("answer", "all")

    def to_dict(self) -> dict:
        """All fields as plain values; those of :data:`LATER` only where they say something new."""
        return {name: value for name, value in super().to_dict().items() if (name, value) not in LATER.items()}

    def _faults(self):
        faults = list(super()._faults())
        yield from faults or self._misfits()

    def _misfits(self):
        task, half = self.task, self.task.inputs // 2
        if self.warmup > self.steps:
            yield f"warmup: got {self.warmup}; allowed is at most steps={self.steps}. Shorten it."
        if self.d_model % self.n_heads:
            yield f"n_heads: got {self.n_heads}; allowed is a divisor of d_model={self.d_model}. Choose one."
        if self.distinct and self.examples > half:
            yield f"examples: got {self.examples}; allowed is at most {half}, or 0 for all of them. Take fewer."
        if not self.examples and (task.depth > 1 or task.inputs > LARGEST):
            yield f"examples: got 0; allowed is 1 to {half} where the inputs cannot be listed. Say how many to draw."
        if not self.written and not task.one_token:
            yield "written: got False; allowed is True where questions or answers differ in length. Write the answer."
        if self.weight_decay and "weight_decay" not in SETTINGS[self.optimizer]:
            yield f"weight_decay: got {self.weight_decay}; allowed is 0 with {self.optimizer!r}. Take 'adamw' to decay."
        if not (self.distinct or self.examples):
            yield "examples: got 0; allowed is at least 1 where distinct=False. Say how many to draw."
        if self.shuffled and (self.written or (self.examples and self.distinct)):
            yield "shuffled: got True; allowed is False where inputs are not listed. Take all inputs of a small task."
        if self.counted == "all" and not self.written:
            yield "counted: got 'all'; allowed is 'answer' where it is not written. Write the answer."

    @property
    def model(self) -> ModelConfig:
        """The shape of the transformer."""
        reading = {"mask": "causal", "read_out": "all"} if self.written else {"read_out": "last"}
        n_ctx = self.task.n_ctx + self.written * self.task.n_answer + self.room
        return ModelConfig(d_vocab=self.task.d_vocab, n_ctx=n_ctx, n_layers=self.n_layers, n_heads=self.n_heads,
                           d_model=self.d_model, d_mlp=self.d_mlp, positions=self.positions, norm="layer", **reading)

    @cached_property
    def parts(self) -> Split:
        """The expressions to train on and those held out: no input is in both, unless ``distinct=False``."""
        if not self.distinct:
            return cut(draw(self.task, self.examples, seed=self.data_seed), held_out=self.held_out)
        chosen = (draw(self.task, self.examples, seed=self.data_seed, distinct=True) if self.examples
                  else all_inputs(self.task))
        return split(chosen, held_out=self.held_out, seed=self.data_seed)

    def encoded(self, expressions) -> Examples:
        """Tokens and targets of expressions, as this run's model takes them."""
        found = (sequences if self.written else examples)(self.task, expressions)
        return found._replace(targets=np.array([self.dealt[x] for x in expressions])) if self.shuffled else found

    @cached_property
    def dealt(self) -> dict:
        """The answer token of every input, dealt out anew among the inputs of its operation."""
        inputs = all_inputs(self.task)
        groups = np.array([self.task.operations.index(operation_of(x)) for x in inputs])
        return dict(zip(inputs, dealt(examples(self.task, inputs).targets, groups, seed=self.data_seed), strict=True))


def evaluated(run: DigitRun, model_of, n_train: int = 250):
    """``evaluate`` for :func:`fit`: loss and accuracy on held-out inputs, and accuracy on the first ``n_train`` that
    were trained on. Where all inputs are listed these have one operation: it tells whether training goes on well, and
    is no fair partner of the held-out one.
    """
    held_out, seen = run.encoded(run.parts.held_out), run.encoded(run.parts.train[:n_train])

    def evaluate(stepper) -> dict:
        model = DigitModel(run, model_of(stepper))
        logits = model.logits(held_out.tokens)
        return {"held_out_loss": float(loss(logits, held_out.targets, run.model)),
                "held_out_accuracy": share_right(logits, held_out.targets),
                "train_accuracy": share_right(model.logits(seen.tokens), seen.targets)}

    return evaluate


def share_right(logits, targets) -> float:
    """Share of rows whose counted targets are all the likeliest token: what greedy writing gets right as a whole."""
    right = (logits.argmax(-1) == targets) | (targets == IGNORED)
    return float(right.reshape(len(right), -1).all(-1).mean())


def train(folder, run: DigitRun, *, every: int = 100, checkpoint_every: int = 500, keep=()) -> Record:
    """Train the run and keep its record in ``folder``; a finished one is read, a killed one goes on.

    Parameters are those of :func:`~transformer_lab.training.runs.recorded`.
    """
    check_type("run", run, DigitRun)
    data = run.encoded(run.parts.train)
    data = every_target(data) if run.counted == "all" else data
    stepper = Stepper(init(run.model, seed=run.seed), run.model, run.optimizer, max_norm=run.clip, seed=run.seed,
                      **{name: getattr(run, name) for name in SETTINGS[run.optimizer]})

    def batches(step):
        rows = generator(run.seed, "batch", step).integers(len(data.tokens), size=run.batch)
        return data.tokens[rows], data.targets[rows]

    return recorded(folder, stepper, batches, config=run.to_dict(), steps=run.steps, every=every, keep=keep,
                    learning_rate=warmup_linear(run.learning_rate, run.steps, run.warmup),
                    evaluate=evaluated(run, lambda stepper: stepper.params), checkpoint_every=checkpoint_every)


def load(folder) -> tuple[DigitModel, Record]:
    """The model of a record, and the record."""
    record = read_record(folder)
    try:
        run = DigitRun.from_dict(record.config)
    except LabError as fault:
        raise DataError(f"{Path(folder)} is no digit run: {fault}") from None
    shapes = {name: value.shape for name, value in record.weights.items()}
    if shapes != parameter_shapes(run.model):
        raise DataError(f"{Path(folder)} holds the weights of another model than its config.json describes.")
    return DigitModel(run, record.weights), record
