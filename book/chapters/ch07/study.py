"""Chapter 07's studies: which optimiser, how much data, which split, how learning goes, and what became of it.

``make study NAME=optimizers`` trains what is missing, one run for each arm and seed, and ships the study: the accuracy
at several steps, operation by operation, on the inputs that training had and on those that it never had. Seeds have
their own first weights and batches everywhere; where a study says ``splits``, their own split, too.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache, partial
from itertools import count

import numpy as np

from transformer_lab import places
from transformer_lab.analysis.digit_model import DigitModel
from transformer_lab.errors import DivergedError
from transformer_lab.rules import Choice, Seed
from transformer_lab.signatures import checked
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import PAD, operation_of
from transformer_lab.training import History, Record, Run, Study, read_record, train

from .confusion import KINDS, accuracies, confusion, mistakes
from .heads import looks, rows, silenced

__all__ = ["GROUPS", "RECIPE", "TASK", "leaky"]

TASK = DigitTask()
RECIPE = Run.of(Digits())
CURVES = ("loss", "held_out_loss", "held_out_accuracy", "train_accuracy")

#: The axis ``operation`` of what was scored: each operation, and all together.
GROUPS = (*TASK.operations, "all")


def one_split(seed: int) -> int:
    return 0


def answered(study: str, seed: int, changes=dict, *, at=(2000,), every: int = 500, split_of=one_split, recipe=RECIPE,
             **arm) -> dict:
    """One run, trained if it is not there, and what it answers to all inputs at the steps ``at``.

    ``changes(**arm)`` are the fields of the recipe that an arm changes; ``split_of(seed)`` is the seed of what is drawn
    and held out. A run that met NaN has a record that says so: ``stopped`` is its step, else -1.
    """
    run = recipe.replace(seed=seed, data_seed=split_of(seed), **changes(**arm))
    record = trained(places.runs("-".join(map(str, (study, *arm.values(), seed)))), run, at=at, every=every)
    return measured(record, run, at, every)


def trained(folder, run: Run, *, at, every: int) -> Record:
    """The record of one run, trained if it is not there."""
    with suppress(DivergedError), np.errstate(over="ignore", invalid="ignore"):
        train(folder, run, every=every, keep=at)
    return read_record(folder)


def measured(record: Record, run: Run, at, every: int) -> dict:
    """What a run says to all inputs, how right that is, and its curves."""
    inputs = all_inputs(run.task)
    data, kept = run.task.encoded(inputs), record.history.kept
    said = np.stack([answers(run, kept.get(step), data.tokens) for step in at])
    groups = np.array([run.task.operations.index(operation_of(x)) for x in inputs])
    found = {"said": (("step", "input"), said), "step": ("step", list(at)), "operation": ("operation", list(GROUPS)),
             "stopped": ((), np.int32(record.manifest["step"] if record.manifest["stopped"] else -1))}
    for part, often in occurrences(run, inputs).items():
        score, of_each = accuracies(said == data.targets, groups, often), np.bincount(groups, weights=often)
        found[part] = ("step", "operation"), score.astype(np.float32)
        found[f"counts.{part}"] = "operation", np.append(of_each, often.sum()).astype(np.int32)
    return found | curves(record.history, run.training.steps, every)


def answers(run: Run, params: dict | None, tokens) -> np.ndarray:
    """The likeliest token for each input (n,) uint8; padding where the run had stopped before."""
    if params is None:
        return np.full(len(tokens), PAD, dtype=np.uint8)
    return DigitModel(run, params).logits(tokens).argmax(-1).astype(np.uint8)


def occurrences(run: Run, inputs: list) -> dict[str, np.ndarray]:
    """How often each input counts in each part; ``test`` are the last half of what was held out, with repetitions."""
    seen = set(run.task.parts.train)
    known = np.array([x in seen for x in inputs], dtype=float)
    parts = {"trained": known, "unseen": 1 - known, "all": np.ones(len(inputs))}
    if not run.task.distinct:
        where = {x: i for i, x in enumerate(inputs)}
        test = run.task.parts.held_out[len(run.task.parts.held_out) // 2:]
        parts["test"] = np.bincount([where[x] for x in test], minlength=len(inputs)).astype(float)
    return parts


def curves(history: History, steps: int, every: int) -> dict:
    """The curves of a run, NaN where it had stopped."""
    when = [*range(0, steps, every), steps]
    found = {f"curve.{name}": np.full(len(when), np.nan, np.float32) for name in CURVES}
    for name in CURVES:
        known = history[name][:len(when)]
        found[f"curve.{name}"][:len(known)] = known
    return {name: ("row", curve) for name, curve in found.items()} | {"row": ("row", when)}


# ---- the studies --------------------------------------------------------------------------------------------

def grid(name: str, changes, arms=(), *, seeds, at=(2000,), every: int = 100, splits: bool = False) -> Study:
    """A study of the recipe whose models answer all inputs; what they answer word by word is not shipped."""
    settings = {"at": list(at), "every": every, "splits": splits}
    unit = partial(answered, name, changes=changes, at=at, every=every, split_of=int if splits else one_split)
    return Study(name, unit, arms, seeds, recipe=RECIPE, settings=settings, finish=without_answers)


def without_answers(found):
    return found.drop_vars("said")


#: What is asked of every optimiser; a word more, and its gradients are no longer than 1.
RATES = {"sgd": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
         "momentum": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
         "adam": (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1), "adamw": (0.001, 0.003, 0.01),
         "sgd clipped": (1.0,), "momentum clipped": (0.3,)}


def optimised(optimizer: str, rate: float) -> dict:
    name, _, clipped = optimizer.partition(" ")
    return {"optimizer": name, "learning_rate": rate, "weight_decay": 0.1 if name == "adamw" else 0.0,
            "clip": 1.0 if clipped else 0.0}


def of_all(per_cent: int) -> dict:
    return {"held_out": round(1 - per_cent / 100, 2)}


def dealt(per_cent: int) -> dict:
    return of_all(per_cent) | {"shuffled": True}


def drawn(answers: str) -> dict:
    return {"examples": 10_000, "distinct": False, "shuffled": answers == "shuffled"}


@checked
def leaky(answers: Choice(("true", "shuffled")), seed: Seed) -> Run:
    """The run of the study ``leak`` with ``"true"`` or ``"shuffled"`` answers."""
    return RECIPE.replace(seed=seed, data_seed=seed, **drawn(answers))


FIVE, TWENTY = range(5), range(20)
ASKED = {"at": (200, 500, 1000, 2000), "every": 500, "splits": True}

grid("optimizers", optimised, [{"optimizer": name, "rate": rate} for name, rates in RATES.items() for rate in rates],
     seeds=FIVE)
grid("fractions", of_all, {"per_cent": range(10, 100, 10)}, seeds=TWENTY, **ASKED)
grid("scarce", of_all, {"per_cent": (1, 2, 3, 5)}, seeds=TWENTY, **ASKED)
grid("shuffled", dealt, {"per_cent": (10, 50, 80)}, seeds=FIVE, **ASKED)
grid("leak", drawn, {"answers": ("true", "shuffled")}, seeds=FIVE, at=(100, 200, 300, 500, 1000, 2000), splits=True)


# ---- a blind spot: inputs that are the only ones of their operation with their answer ---------------------------

LONELY = (("Max", (0, 0, 0)), ("Min", (9, 9, 9)))


def held_out(data_seed: int) -> set:
    """The inputs that a split of the recipe holds out."""
    return set(RECIPE.replace(data_seed=data_seed).task.parts.held_out)


@cache
def lonely_split(seed: int) -> int:
    """A seed of a split that holds out a lonely input; every ``seed`` has its own."""
    return next(data_seed for data_seed in count(1000 * seed) if held_out(data_seed) & set(LONELY))


def blind_spots(found, split_of):
    """How many inputs each seed misses: held out, lonely and held out (and how many of these there are), trained on."""
    inputs, counts = all_inputs(TASK), []
    wrong = found["said"].isel(step=-1).values != RECIPE.task.encoded(inputs).targets
    for seed, missed in zip(found["seed"].values.tolist(), wrong, strict=True):
        out = held_out(split_of(seed))
        unseen, lonely = (np.array([x in part for x in inputs]) for part in (out, out & set(LONELY)))
        counts.append([(missed & unseen).sum(), (missed & lonely).sum(), lonely.sum(), (missed & ~unseen).sum()])
    names = ("missed", "lonely.missed", "lonely", "trained.missed")
    return found.drop_vars("said").assign({name: ("seed", column) for name, column in
                                           zip(names, np.array(counts).T, strict=True)})


for name, split_of, seeds in (("splits", int, TWENTY), ("lonely", lonely_split, range(100, 110))):
    Study(name, partial(answered, name, split_of=split_of), seeds=seeds, recipe=RECIPE,
          finish=partial(blind_spots, split_of=split_of))


# ---- how learning goes, and what became of it -----------------------------------------------------------------

DYNAMICS = {"at": [0, 25, 50, 75, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000], "every": 100}


def in_detail(seed: int) -> dict:
    """The answers of a digit model while it learns, their confusion, and the kinds of its mistakes."""
    found, inputs = answered("dynamics", seed, **DYNAMICS), all_inputs(TASK)
    said, right = found["said"][1], RECIPE.task.encoded(inputs).targets
    return found | {"confusion": (("step", "right", "answer"), confusion(said, right).astype(np.uint16)),
                    "mistakes": (("step", "asked", "kind"), mistakes(said, inputs).astype(np.uint16)),
                    "asked": ("asked", list(TASK.operations)), "kind": ("kind", [*KINDS, "wrong"])}


def answers_of_two(found):
    """All answers of the first two seeds only: those of all would weigh too much."""
    return found.assign(said=found["said"].isel(seed=slice(2)).rename(seed="shown"))


def of_dynamics(seed: int) -> tuple[Run, dict]:
    """A run of the study ``dynamics``, and its last weights."""
    run = RECIPE.replace(seed=seed)
    return run, trained(places.runs(f"dynamics-{seed}"), run, **DYNAMICS).weights


def heads_of(seed: int) -> dict:
    """Where the heads of a trained model look, and what it still knows without each part."""
    run, params = of_dynamics(seed)
    found = {"pattern": looks(run, params).astype(np.float16), "without.row": rows(run, params),
             **silenced(run, params)}
    found = {name: array if array.dtype == np.float16 else array.astype(np.float32) for name, array in found.items()}
    return {name: (HEADS[name], array) for name, array in found.items()} | {
        "operation": ("operation", list(GROUPS)), "asked": ("asked", list(TASK.operations))}


#: The axes of what is measured of the heads.
HEADS = {"pattern": ("layer", "head", "asked", "query", "key"), "without.row": ("asked", "key"),
         "full": ("operation",), "without.head": ("layer", "head", "operation"),
         "without.attention": ("layer", "operation")}

#: What the models of the study ``order`` are asked: all, or nothing that compares two digits.
WORDS = {"all": TASK.operations, "places": ("First", "Second", "Last")}


def rows_of(asked: str, seed: int) -> dict:
    """The tokens' rows of a model that is asked all operations, or ``places`` alone."""
    run = RECIPE.replace(operations=WORDS[asked], seed=seed)
    weights = trained(places.runs(f"order-{asked}-{seed}"), run, at=(), every=500).weights
    return {"W_E": (("token", "dimension"), weights["W_E"])}


Study("dynamics", in_detail, seeds=TWENTY, recipe=RECIPE, settings=DYNAMICS, finish=answers_of_two)
Study("heads", heads_of, seeds=TWENTY, recipe=RECIPE)
Study("order", rows_of, {"asked": tuple(WORDS)}, seeds=TWENTY, recipe=RECIPE)
