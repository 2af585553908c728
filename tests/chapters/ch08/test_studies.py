"""Chapter 8's studies: the shipped datasets add up, come out again when trained again, and count what they say."""

import numpy as np
import pytest
import xarray as xr

from chapters.ch08.study import LONELY, RECIPE, TASK, blind_spots, held_out, leaky, lonely_split, of_all
from transformer_lab import places
from transformer_lab.analysis.digit_model import DigitModel
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import TOKENS, operation_of, value
from transformer_lab.training import study

NAMES = ("optimizers", "fractions", "scarce", "shuffled", "leak", "dynamics", "splits", "lonely")
INPUTS = all_inputs(TASK)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_adds_up(name):
    found = study(name).load()
    parts = {part: found[part] * found[f"counts.{part}"] for part in ("trained", "unseen", "all")}
    np.testing.assert_allclose(parts["trained"] + parts["unseen"], parts["all"], atol=0.01)
    for score in parts.values():
        np.testing.assert_allclose(score.sel(operation=list(TASK.operations)).sum("operation", skipna=False),
                                   score.sel(operation="all"), atol=0.01)
    assert (places.shipped("studies", name) / "arrays.safetensors").stat().st_size < 300_000
    assert int(found["all"].isel(step=-1).sel(operation="all").notnull().sum()) == len(study(name).units)


def of_row(name, step, **where):
    found = study(name).load()
    return float(found["all"].sel(step=step, operation="all", **where)), found["curve.loss"].sel(row=0, **where)


AGAIN = [("dynamics", RECIPE.replace(seed=1), 50, {"seed": 1}),
         ("fractions", RECIPE.replace(seed=3, data_seed=3, **of_all(30)), 200, {"seed": 3, "per_cent": 30}),
         ("leak", leaky("shuffled", 2), 100, {"seed": 2, "answers": "shuffled"}),
         ("leak", leaky("true", 4), 100, {"seed": 4, "answers": "true"})]


@pytest.mark.parametrize(("name", "run", "steps", "where"), AGAIN)
def test_training_again_gives_the_record(name, run, steps, where):
    data, stepper = run.task.encoded(run.task.parts.train), run.stepper()
    shipped, first_loss = of_row(name, steps, **where)
    for step in range(steps):
        rows = generator(run.training.seed, "batch", step).integers(len(data.tokens), size=run.training.batch)
        loss = stepper.step((data.tokens[rows], data.targets[rows]), run.learning_rate(step))["loss"]
        assert step > 0 or loss == pytest.approx(float(first_loss), rel=1e-5)
    everything = run.task.encoded(INPUTS)
    said = DigitModel(run, stepper.params).logits(everything.tokens).argmax(-1)
    assert np.mean(said == everything.targets) == pytest.approx(shipped, abs=0.01)


def test_blind_spots_are_counted_input_by_input():
    seed = next(seed for seed in range(100) if LONELY[0] in held_out(seed) and LONELY[1] not in held_out(seed))
    seen = next(i for i, x in enumerate(INPUTS) if x not in held_out(seed))
    unseen = next(i for i, x in enumerate(INPUTS) if x in held_out(seed) and x not in LONELY)
    said = np.array(RECIPE.task.encoded(INPUTS).targets)
    for i in (seen, unseen, INPUTS.index(LONELY[0])):
        said[i] = (said[i] + 1) % len(TOKENS)
    found = blind_spots(xr.Dataset({"said": (("seed", "step", "input"), said[None, None])}, {"seed": [seed]}), int)
    assert {name: int(found[name][0]) for name in found} == {"missed": 2, "lonely": 1, "lonely.missed": 1,
                                                              "trained.missed": 1}
    assert set(LONELY) & held_out(lonely_split(5)) and lonely_split(5) // 1000 == 5


def test_no_other_answer_stands_alone():
    answers = [(operation_of(x), value(x)) for x in INPUTS]
    assert {x for x, answer in zip(INPUTS, answers, strict=True) if answers.count(answer) == 1} == set(LONELY)
