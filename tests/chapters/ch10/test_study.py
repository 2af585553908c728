"""What a loss may count, and numbers of two digits: the shipped scores, and a unit that is measured twice."""

import numpy as np
import pytest

from chapters.ch10 import study as counting
from chapters.ch10.study import COUNTED
from transformer_lab import generator
from transformer_lab.analysis.digit_model import trained
from transformer_lab.byhand.transformer import init, loss_and_gradients
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.next_token import bounds, every_target
from transformer_lab.training import study

SHIPPED = set(study("next-token").load().data_vars)


def test_every_seed_learns_numbers_of_two_digits():
    found, held_out = study("two-digits").load(), len(RECIPES["two-digits"].task.parts.held_out)
    last = found["accuracy"].isel(step=-1)
    assert last.min() >= 0.99 and last.sizes["seed"] == 5
    np.testing.assert_array_equal(held_out - found["wrong"], np.round(last * held_out))


def test_what_a_loss_counts():
    found, held_out = study("next-token").load(), COUNTED.task.parts.held_out
    best = bounds(COUNTED.task, held_out)
    assert (float(found["best_accuracy"]), float(found["best_loss"])) == best and (found["loss_all"] > best.loss).all()
    wrong = sum(found[f"wrong_at_{i}"] for i in range(3))
    np.testing.assert_allclose(1 - found["whole"], wrong / len(held_out), atol=1e-12)
    last = found.isel(step=-1).min("seed")
    assert last["whole"].sel(counted="answer") > 0.998 and last["whole"].sel(counted="all") > 0.98
    ends = found.isel(step=-1).sel(counted="all")
    assert abs(ends["all_tokens"] - best.accuracy).max() < 0.02 and ends["loss_all"].max() < best.loss + 0.02


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The recipe so small that a unit takes a moment; runs go to a folder of the test."""
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(counting, "COUNTED", COUNTED.replace(
        n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=4, warmup=1, batch=4, examples=200, held_out=0.1))
    monkeypatch.setattr(counting, "MEASURED", [0, 4])


def test_a_unit_is_measured_twice_alike_and_fits_beside_what_is_shipped(small):
    declared, unit = study("next-token"), {"counted": "all", "seed": 1}
    first, again = declared.measured(unit), declared.measured(unit)
    assert first.identical(again) and dict(first.sizes) == {"step": 2}
    assert set(first.data_vars) <= SHIPPED


def test_an_arm_is_trained_on_the_tokens_that_it_counts(small):
    for counted in ("answer", "all"):
        run = counting.COUNTED.replace(counted=counted, seed=3)
        rows = generator(3, "batch", 0).integers(180, size=run.training.batch)
        batch = run.task.encoded([run.task.parts.train[i] for i in rows])
        batch = every_target(batch) if counted == "all" else batch
        loss, _ = loss_and_gradients(init(run.model, seed=3), *batch, run.model)
        assert trained("next-token", counting.COUNTED, seed=3, counted=counted)[1]["loss"][0] == loss
