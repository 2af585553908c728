"""Chapter 07's studies: a small unit end to end, and the shipped datasets against counting and the old records."""

from dataclasses import replace

import numpy as np
import pytest

from chapters.ch07.grids import GRIDS
from chapters.ch07.grids import load as load_grid
from chapters.ch07.study import GROUPS, RECIPE, TASK, answered, drawn, leaky
from transformer_lab import places
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import operation_of, value
from transformer_lab.training import study
from transformer_lab.training.digits import load

NAMES = ("optimizers", "fractions", "scarce", "shuffled", "leak", "dynamics")
TINY = replace(RECIPE, n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=30, warmup=3, batch=8)


def test_a_small_unit_counts_what_its_model_says(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "HOME", tmp_path)
    found = answered("tiny", 1, drawn, at=(0, 30), every=10, splits=True, recipe=TINY, answers="true")
    model, record = load(tmp_path / "runs" / "tiny-true-1")
    inputs, seen = all_inputs(TASK), set(model.run.parts.train)
    right = dict(zip(inputs, model.right(inputs), strict=True))
    for i, name in enumerate(GROUPS):
        mine = [x for x in inputs if name in (operation_of(x), "all")]
        for part, chosen in {"trained": [x for x in mine if x in seen], "unseen": [x for x in mine if x not in seen],
                             "all": mine}.items():
            assert found[part][1][1, i] == pytest.approx(np.mean([right[x] for x in chosen]))
            assert found[f"counts.{part}"][1][i] == len(chosen)
    np.testing.assert_array_equal(found["curve.loss"][1], record.history["loss"].astype(np.float32))
    assert found["stopped"][1] == -1 and found["row"][1] == [0, 10, 20, 30]


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


def test_the_dataset_is_the_old_record():
    found, old = study("optimizers").load(), load_grid("optimizers", places.shipped("digits"))
    arm = list(GRIDS["optimizers"].arms).index("sgd 0.1")
    np.testing.assert_array_equal(found["unseen"].sel(optimizer="sgd", rate=0.1), old.state["unseen"][arm])
    assert found["unseen"].sel(optimizer="sgd", rate=0.00003).isnull().all()


def test_leaky_runs_are_drawn_with_repetition():
    assert leaky("true", 3).data_seed == 3 and not leaky("true", 3).distinct and leaky("shuffled", 3).shuffled
    assert value(leaky("true", 0).parts.train[0]) in range(10)
