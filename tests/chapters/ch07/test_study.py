"""Chapter 07's study: an arm changes what its name says, and the shipped scores come out again."""

import numpy as np
import pytest

from chapters.ch07.study import RATES, RECIPE, changes, optimised
from transformer_lab.analysis.digit_model import DigitModel
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.training import fit, study


@pytest.mark.parametrize(("arm", "wanted"), [
    ("sgd", ("sgd", 0.0, 0.0)), ("momentum clipped", ("momentum", 0.0, 1.0)), ("adamw", ("adamw", 0.1, 0.0))])
def test_an_arm_changes_what_its_name_says(arm, wanted):
    training = RECIPE.replace(**changes(arm, 0.03)).training
    assert (training.optimizer, training.weight_decay, training.clip) == wanted
    assert training.learning_rate == 0.03


def test_every_arm_has_five_runs_and_a_run_that_met_nan_says_when():
    found = study("optimizers").load()
    assert len(study("optimizers").units) == 5 * sum(map(len, RATES.values()))
    stopped = found.stopped.sel(optimizer="sgd", rate=3.0)
    curve = found["curve.loss"].sel(optimizer="sgd", rate=3.0)
    assert (stopped > 0).all() and np.isnan(curve.isel(row=-2)).all() and not np.isnan(curve.isel(row=0)).any()


def test_training_again_gives_the_shipped_accuracy():
    run = RECIPE.replace(seed=2, **changes("sgd", 0.1))
    stepper, inputs = run.stepper(), all_inputs(run.task)
    fit(stepper, run.batches, steps=200, learning_rate=run.learning_rate)
    held_out = set(run.task.parts.held_out)
    right = DigitModel(run, stepper.params).right([x for x in inputs if x in held_out]).mean()
    shipped = study("optimizers").load()["curve.held_out_accuracy"].sel(optimizer="sgd", rate=0.1, seed=2, row=200)
    assert right == pytest.approx(float(shipped), abs=0.01)


def test_a_unit_is_kept_where_its_name_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.setattr("chapters.ch07.study.RECIPE", RECIPE.replace(
        n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=2000, warmup=3, batch=1))
    found = optimised("sgd", 1e9, 0)
    assert found["stopped"][1] >= 0 and (tmp_path / "runs" / "optimizers-sgd-1000000000.0-0").is_dir()
