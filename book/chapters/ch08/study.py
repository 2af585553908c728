"""Chapter 8's studies: how much data, which split, true answers or shuffled ones, and what no training input tells.

``transformer-lab study fractions`` trains what is missing, one run for each arm and seed, and ships the study: the
accuracy at several steps, operation by operation, on the inputs that training had and on those that it never had.
Every seed has its own split, first weights and batches.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import count

import numpy as np

from transformer_lab import places
from transformer_lab.analysis.all_answers import answered
from transformer_lab.rules import Choice, Seed
from transformer_lab.signatures import checked
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.training import Run, Study

__all__ = ["RECIPE", "TASK", "leaky"]

TASK = DigitTask()
RECIPE = Run.of(Digits())


def unit(study: str, seed: int, changes=dict, *, at=(2000,), every: int = 500, split_of=int, **arm) -> dict:
    """One run and what it answers to all inputs. ``changes(**arm)`` are the fields of the recipe that an arm changes;
    ``split_of(seed)`` is the seed of what is drawn and held out."""
    run = RECIPE.replace(seed=seed, data_seed=split_of(seed), **changes(**arm))
    return answered(places.runs("-".join(map(str, (study, *arm.values(), seed)))), run, at=at, every=every)


def grid(name: str, changes, arms=(), *, seeds, at, every: int = 500) -> Study:
    """A study whose models answer all inputs; what they answer word by word is not shipped."""
    settings = {"at": list(at), "every": every, "splits": True}
    measure = partial(unit, name, changes=changes, at=at, every=every)
    return Study(name, measure, arms, seeds, recipe=RECIPE, settings=settings, finish=without_answers)


def without_answers(found):
    return found.drop_vars("said")


def of_all(per_cent: int) -> dict:
    return {"held_out": round(1 - per_cent / 100, 2)}


def shuffled(per_cent: int) -> dict:
    return of_all(per_cent) | {"shuffled": True}


def drawn(answers: str) -> dict:
    return {"examples": 10_000, "distinct": False, "shuffled": answers == "shuffled"}


@checked
def leaky(answers: Choice(("true", "shuffled")), seed: Seed) -> Run:
    """The run of the study ``leak`` with ``"true"`` or ``"shuffled"`` answers."""
    return RECIPE.replace(seed=seed, data_seed=seed, **drawn(answers))


FIVE, TWENTY, AT = range(5), range(20), (200, 500, 1000, 2000)

grid("fractions", of_all, {"per_cent": range(10, 100, 10)}, seeds=TWENTY, at=AT)
grid("scarce", of_all, {"per_cent": (1, 2, 3, 5)}, seeds=TWENTY, at=AT)
grid("shuffled", shuffled, {"per_cent": (10, 50, 80)}, seeds=FIVE, at=AT)
grid("leak", drawn, {"answers": ("true", "shuffled")}, seeds=FIVE, at=(100, 200, 300, 500, 1000, 2000),
     every=100)


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
    Study(name, partial(unit, name, split_of=split_of), seeds=seeds, recipe=RECIPE,
          finish=partial(blind_spots, split_of=split_of))
