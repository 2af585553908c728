"""The shipped digit studies: sound, of the present recipes, and as good as they must be."""

from pathlib import Path

import numpy as np
import pytest

from transformer_lab.analysis.digit_model import load
from transformer_lab.cli import recipes as digits
from transformer_lab.cli.recipes import RECIPES, STUDIES, Study, run_study
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.splits import leakage
from transformer_lab.training import Run, read_record

DATA = Path(__file__).resolve().parents[2] / "data" / "digits"
LEAST = {"digits": 0.999, "two-digits": 0.995, "nested": 0.99, "arithmetic": 0.99,
         "long": 0.99, "sort": 0.99, "more-operations": 0.99}


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_reaches_what_it_must(name):
    study = STUDIES[name]
    record = read_record(DATA / f"{name}-study")
    last = record.history["held_out_accuracy"][-1]
    assert record.config["values"] == list(study.values) and record.config["factor"] == study.factor
    assert Run.from_dict(record.config["run"]) == RECIPES[study.recipe]
    assert last.shape == (len(study.values),) and last.min() >= LEAST[name]
    held_out = len(study.run(0).task.parts.held_out)
    np.testing.assert_array_equal(held_out - record.history["wrong"][-1], np.round(last * held_out))


def test_nineteen_of_twenty_starts_are_right_on_all_held_out_inputs_in_under_twelve_seconds():
    record = read_record(DATA / "digits-study")
    assert (record.history["held_out_accuracy"][-1] == 1).sum() >= 19
    assert len(record.timing["cpu_s"]) == 20 and max(record.timing["cpu_s"]) < 12


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if "right" in study.keeps])
def test_what_each_arm_answers_right_is_kept_input_by_input(name):
    record = read_record(DATA / f"{name}-study")
    assert record.state["right"].shape[-1] == len(STUDIES[name].run(0).task.parts.held_out)
    np.testing.assert_array_equal((1 - record.state["right"]).sum(axis=-1), record.history["wrong"][-1])


@pytest.mark.parametrize(("name", "arm"), [(name, arm) for name, study in STUDIES.items() for arm in study.shipped])
def test_a_shipped_model_answers_as_its_record_says(name, arm):
    model, record = load(DATA / f"{name}-{arm}")
    parts = model.run.task.parts
    assert model.run == STUDIES[name].run(arm) and leakage(*parts).shared == 0
    assert model.right(parts.held_out).mean() == record.history["held_out_accuracy"][-1] >= LEAST[name]
    assert (DATA / f"{name}-{arm}" / "weights.safetensors").stat().st_size < 450_000


def test_the_shipped_digit_model_is_right_on_all_5000_inputs():
    assert load(DATA / "digits-0")[0].right(all_inputs(DigitTask())).all()


def test_a_small_study_writes_its_arms_side_by_side(tmp_path, monkeypatch):
    small = Run.of(Digits(operations=("Max",), min_args=2, max_args=2), n_layers=1, n_heads=1, d_model=8, d_mlp=8,
                   steps=30, warmup=3, batch=8)
    monkeypatch.setattr(digits, "RECIPES", {"small": small})
    monkeypatch.setattr(digits, "STUDIES", {"small": Study("small", (4, 5), shipped=(5,))})
    combined = run_study("small", runs=tmp_path / "runs", data=tmp_path / "data")
    again = run_study("small", runs=tmp_path / "runs", data=tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["small-5", "small-study"]
    model, record = load(tmp_path / "data" / "small-5")
    assert model.run == small.replace(seed=5) and combined.name == again.name
    np.testing.assert_array_equal(combined.history["loss"][0, 1], record.history["loss"][0])
    np.testing.assert_array_equal(combined.weights["W_E"][1], record.weights["W_E"])
    wrong = (~model.right(model.run.task.parts.held_out)).sum()
    assert combined.history["wrong"][-1, 1] == wrong >= combined.history["wrong_new"][-1, 1]
