"""A run is task × model × training: three configurations side by side, and everything that follows from them.

Which tasks there are says :data:`transformer_lab.tasks.FAMILIES`; nothing here knows one by name.
"""

from __future__ import annotations

import dataclasses
import math
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..byhand.optimizers import warmup_cosine, warmup_linear
from ..byhand.transformer import forward, init, loss
from ..checks import check_choice, check_type
from ..config import Config, ModelConfig, TrainConfig
from ..errors import DataError, DtypeError, LabError, ShapeError
from ..names import lookup, parameter_shapes
from ..rules import By, Whole, Wholes, as_array
from ..signatures import checked
from ..tasks import FAMILIES, family_of
from ..wording import written
from .history import weights_of
from .records import Record, read_record
from .runs import recorded
from .stepper import Stepper

__all__ = ["SCHEDULES", "Run", "logits", "one_by_one", "read_run", "train"]

#: The shape of a model where nothing else is said: Pre-LN with learned positions.
SHAPE = {"n_layers": 2, "n_heads": 4, "d_model": 64, "d_mlp": 256, "positions": "learned", "norm": "layer"}

#: A run of more would take minutes for its first step, by hand and on one processor.
MOST_WEIGHTS, MOST_HELD = 20_000_000, 2**29

SCHEDULES = {"linear": warmup_linear, "cosine": warmup_cosine, "constant": partial(warmup_linear, floor=1.0)}


def check_task(argument: str, value):
    """A task of one of the families, or the plain values of one, its name among them."""
    if isinstance(value, dict):
        kind = FAMILIES[check_choice(f"{argument}.name", value.get("name"), FAMILIES)][0]
        return kind.from_dict({name: entry for name, entry in value.items() if name != "name"})
    if family_of(value)[1] is None:
        kinds = ", ".join(kind.__name__ for kind, _ in FAMILIES.values())
        raise DtypeError(argument, written(value), f"a task: {kinds}", "Pass such a configuration.")
    return value


def part(kind):
    """A rule: a configuration of this kind, or its plain values."""
    return lambda argument, value: kind.from_dict(value) if isinstance(value, dict) else check_type(argument, value,
                                                                                                    kind)


@dataclass(frozen=True)
class Run(Config):
    """One run: what is learned (a configuration in :data:`transformer_lab.tasks.FAMILIES`), by what, and how.

    The model's ``d_vocab``, ``mask`` and ``read_out`` are what the task needs, its ``n_ctx`` at least that.

    >>> from transformer_lab.tasks.digit_data import Digits
    >>> run = Run.of(Digits(), d_model=32, steps=500)
    >>> run.model.d_head, run.training.steps, Run.from_dict(run.to_dict()) == run
    (8, 500, True)
    """

    task: By(check_task)
    model: By(part(ModelConfig))
    training: By(part(TrainConfig)) = TrainConfig()  # noqa: RUF009 (frozen)

    @classmethod
    def of(cls, task, **changes) -> Run:
        """A run of this task, two layers of four heads on a stream 64 wide, but for what ``changes`` say."""
        task = check_task("task", task)
        model = ModelConfig(**SHAPE | family_of(task)[1].needs(task))
        return cls(task, model, TrainConfig()).replace(**changes)

    def replace(self, **changes) -> Run:
        """The run with other fields: ``seed=3``, or with the part before it: ``**{"training.seed": 3}``.

        A field is looked for in the task, then in the model, then in the training. What the task needs of the model
        follows the task.

        >>> from transformer_lab.tasks.digit_data import Digits
        >>> run = Run.of(Digits()).replace(high=99, written=True, examples=1000, **{"training.seed": 3})
        >>> run.model.n_ctx, run.model.mask, run.training.seed
        (13, 'causal', 3)
        """
        parts = {name: changes.pop(name, getattr(self, name)) for name in self.sections()}
        sorted_out: dict[str, dict] = {name: {} for name in parts}
        for name, value in changes.items():
            section, _, entry = self.address(name).partition(".")
            sorted_out[section][entry] = value
        task = replaced(parts["task"], sorted_out["task"])
        before, after = (family_of(one)[1].needs(one).items() for one in (self.task, task))
        needed = dict(after - before)  # only what the task now asks for and did not: room for more stays
        model = replaced(parts["model"], without_widths(parts["model"], needed | sorted_out["model"]))
        return Run(task, model, replaced(parts["training"], sorted_out["training"]))

    def sections(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in dataclasses.fields(self))

    def address(self, name: str) -> str:
        """``"task.seed"``, ``"model.seed"`` or ``"training.seed"``: where a field stands."""
        name = check_type("field", name, str)
        known = [f"{section}.{entry.name}" for section in self.sections()
                 for entry in dataclasses.fields(getattr(self, section))]
        found = [address for address in known if name in (address, address.partition(".")[2])]
        return found[0] if found else check_choice("field", name, [address.partition(".")[2] for address in known])

    def to_dict(self) -> dict:
        """Plain values, ready for JSON: the task with its name, and of the model what is not a default."""
        defaults = {entry.name: entry.default for entry in dataclasses.fields(ModelConfig)}
        model = {name: value for name, value in self.model.to_dict().items() if value != defaults[name]}
        return {"task": {"name": family_of(self.task)[0], **self.task.to_dict()}, "model": model,
                "training": self.training.to_dict()}

    def _faults(self):
        faults = list(super()._faults())
        yield from faults or self._misfits()

    def _misfits(self):
        for name, needed in family_of(self.task)[1].needs(self.task).items():
            found = getattr(self.model, name)
            if (found < needed) if name == "n_ctx" else (found != needed):
                least = "at least " if name == "n_ctx" else ""
                yield f"model.{name}: got {found!r}; allowed is {least}{needed!r}, which the task needs. Take it."
        for name, found, most in (("weights", self.weights, MOST_WEIGHTS), ("numbers in a step", self.held, MOST_HELD)):
            if found > most:
                yield f"run: got {found:,} {name}; allowed is at most {most:,}. Make the model or the batch smaller."

    @property
    def weights(self) -> int:
        """How many weights are trained, those of all seeds together."""
        return self.training.seeds * sum(math.prod(shape) for shape in parameter_shapes(self.model).values())

    @property
    def held(self) -> int:
        """About how many numbers a step keeps for the way back."""
        model, training = self.model, self.training
        block = 4 * model.n_heads * model.d_head + 2 * model.d_mlp + model.n_heads * model.n_ctx
        return training.seeds * training.batch * model.n_ctx * (model.n_layers * block + model.d_model + model.d_vocab)

    def batches(self, step: int):
        """The batch of a step: always the same for the same step."""
        training = self.training
        shape = training.batch if training.seeds == 1 else (training.seeds, training.batch)
        return family_of(self.task)[1].sample(self.task, shape, seed=training.seed, purpose="batch", step=step)

    @property
    def learning_rate(self):
        """The schedule: ``learning_rate(step)``."""
        training = self.training
        floor = {} if training.schedule == "constant" else {"floor": training.lowest}
        return SCHEDULES[training.schedule](training.learning_rate, training.steps, training.warmup, **floor)

    def first(self) -> dict:
        """The weights at the start."""
        training = self.training
        params = init(self.model, seed=training.seed, n_seeds=None if training.seeds == 1 else training.seeds,
                      scheme=training.scheme, embedding_scale=training.embedding_scale)
        silent = ("W_O", "W_out") if training.silent else ()
        return {name: np.zeros_like(value) if lookup(name).name in silent else value for name, value in params.items()}

    def stepper(self):
        """The model at its first weights, with its optimiser: a Stepper, or a TorchStepper."""
        training = self.training
        shared = {"max_norm": training.clip, "seed": training.seed, **training.settings}
        if training.library == "numpy":
            return Stepper(self.first(), self.model, training.optimizer, **shared)
        from ..models.transformer import Transformer  # PyTorch is loaded where it is asked for
        from .torch_stepper import TorchStepper
        return TorchStepper(Transformer(self.model, self.first()), training.optimizer, **shared, compiled=
                            training.compiled, precision=training.precision, device=training.device)

    def read(self, params: dict, tokens) -> np.ndarray:
        """The logits of one model's weights, whatever it is trained with; such that are not finite pass."""
        if self.training.library == "numpy":
            return logits(params, tokens, self.model, finite=False)
        from ..models.transformer import Transformer
        from .torch_stepper import read
        return read(Transformer(self.model, params), tokens)

    def evaluation(self):
        """``evaluate`` for :func:`.fit`: loss and share right on what is held out, share right on what was seen."""
        family = family_of(self.task)[1]
        held_out, seen = family.tests(self.task)

        def measured(params) -> dict:
            said, known = self.read(params, held_out.tokens), self.read(params, seen.tokens)
            return {"held_out_loss": float(loss(said, held_out.targets, self.model)),
                    "held_out_accuracy": float(family.score(said, held_out.targets)),
                    "train_accuracy": float(family.score(known, seen.targets))}

        def evaluate(stepper) -> dict:
            found = [measured(params) for params in one_by_one(weights_of(stepper.state()), self.training.seeds)]
            return found[0] if len(found) == 1 else {name: np.array([each[name] for each in found])
                                                     for name in found[0]}

        return evaluate


@checked
def one_by_one(params: dict, seeds: Whole(1, 10_000)) -> list[dict]:
    """The weights of each of the models that were trained at once, a view of its own.

    >>> [each["b"].tolist() for each in one_by_one({"b": np.array([[1.0], [2.0]])}, 2)]
    [[1.0], [2.0]]
    """
    if seeds == 1:
        return [params]
    params = {name: as_array(f"params[{name!r}]", value, "numbers") for name, value in params.items()}
    for name, value in params.items():
        if value.shape[:1] != (seeds,):
            raise ShapeError(f"params[{name!r}]", f"an array of shape {np.shape(value)}", f"({seeds}, ...)",
                             "Pass the weights of a run with as many seeds.")
    return [{name: value[seed] for name, value in params.items()} for seed in range(seeds)]


def replaced(config, changes: dict):
    return dataclasses.replace(config, **changes) if changes else config


def without_widths(model: ModelConfig, changes: dict) -> dict:
    """The changes of a model; a head's width that followed from the others follows them again."""
    follows = {"d_model", "n_heads"} & set(changes) and model.n_heads * model.d_head == model.d_model
    return {"d_head": 0} | changes if follows else changes


@checked
def logits(params: dict, tokens: Wholes("n pos"), config: ModelConfig, *, finite: bool = True) -> np.ndarray:
    """Logits (n, d_vocab), or (n, pos, d_vocab) where all positions are read, a thousand rows at a time.

    Weights so large that logits are infinite or NaN are a DataError, for no answer follows from them; ``finite=False``
    lets them pass.

    >>> config = ModelConfig(d_vocab=5, n_ctx=3, read_out="last")
    >>> logits(init(config), [[1, 2, 3], [2, 2, 4]], config).shape
    (2, 5)
    """
    with np.errstate(over="ignore", invalid="ignore") if finite else nullcontext():
        found = np.concatenate([forward(params, tokens[i:i + 1000], config, trim=True)["logits"]
                                for i in range(0, len(tokens), 1000)])
    if finite and not np.isfinite(found).all():
        raise DataError("The weights of this model are so large that its logits are no finite numbers, and no answer "
                        "follows from them. Train the run again.")
    return found


@checked
def train(folder, run: Run, *, every: Whole(1) = 100, checkpoint_every: Whole(1) | None = 500, keep=()) -> Record:
    """Train the run and keep its record in ``folder``; a finished one is read, a killed one goes on.

    The other arguments are those of :func:`~transformer_lab.training.fit.fit`.
    """
    return recorded(folder, run.stepper(), run.batches, config=run.to_dict(), steps=run.training.steps, every=every,
                    keep=keep, learning_rate=run.learning_rate, evaluate=run.evaluation(),
                    checkpoint_every=checkpoint_every, limit=run.training.limit or None)


def read_run(folder) -> tuple[Run, Record]:
    """A record that :func:`train` wrote: its run, and the record itself, whose weights fit the run's model.

    The record of something else, and weights that are no finite floating-point numbers, are a DataError.
    """
    record = read_record(folder)
    try:
        run = Run.from_dict(record.config)
    except (LabError, AttributeError) as fault:
        raise DataError(f"{record.path} is no run of a task: {fault}") from None
    shapes = {name: value.shape for name, value in record.weights.items()}
    lead = () if run.training.seeds == 1 else (run.training.seeds,)
    if shapes != {name: lead + shape for name, shape in parameter_shapes(run.model).items()}:
        raise DataError(f"{record.path} holds the weights of another model than its config.json describes.")
    for row in record.history.rows:
        for name, value in row.items():
            if np.ndim(value) and np.shape(value) != lead:
                raise DataError(f"{record.path} says {name} of {np.size(value)} models at step {row['step']}, and "
                                f"{run.training.seeds} were trained. Train the run again.")
            if name.endswith("accuracy") and not ((np.asarray(value) >= 0) & (np.asarray(value) <= 1)).all():
                raise DataError(f"{record.path} says {name} {np.max(value):g} at step {row['step']}, and a share is "
                                "from 0 to 1. Train the run again.")
    for name, value in record.weights.items():
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            raise DataError(f"{record.path} holds {name} with entries that are no finite floating-point numbers, and "
                            "no answer follows from them. Train the run again.")
    return run, record
