"""The shipped models: sound, of the present recipes, and as good as they must be."""

import pytest

from transformer_lab import places
from transformer_lab.analysis.digit_model import load
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.splits import leakage

LEAST = {"digits": 0.999, "two-digits": 0.995, "nested": 0.99, "arithmetic": 0.99, "long": 0.99}


@pytest.mark.parametrize("name", LEAST)
def test_a_shipped_model_answers_as_its_record_says(name):
    model, record = load(places.shipped("digits", f"{name}-0"))
    parts = model.run.task.parts
    assert model.run == RECIPES[name] and leakage(*parts).shared == 0
    assert model.right(parts.held_out).mean() == record.history["held_out_accuracy"][-1] >= LEAST[name]
    assert (record.path / "weights.safetensors").stat().st_size < 450_000


def test_the_shipped_digit_model_is_right_on_all_5000_inputs():
    assert load(places.shipped("digits", "digits-0"))[0].right(all_inputs(DigitTask())).all()
