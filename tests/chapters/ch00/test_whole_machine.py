"""The page of the whole machine has the shipped weights, and what it says of a cell is what NumPy computes there."""

import numpy as np
import pytest

from transformer_lab.analysis.digit_model import load
from transformer_lab.byhand.transformer import forward
from transformer_lab.places import shipped
from transformer_lab.tasks.expressions import tokenize
from transformer_lab.widgets.page_data import page_data, shipped_file


@pytest.fixture(scope="module")
def record():
    return load(shipped("digits", "digits-0"))[1]


def test_the_page_has_the_shipped_weights_in_half_precision(record):
    facts, arrays = page_data(shipped_file("whole-machine").read_bytes())
    assert facts["models"]["model"]["n_layers"] == 2
    for name, value in record.weights.items():
        assert np.array_equal(arrays[f"model/{name}"], value.astype(np.float16)), name


def test_each_number_of_the_equations_in_the_text_is_the_models(record):
    model = load(shipped("digits", "digits-0"))[0]
    params = {name: value.astype(float) for name, value in record.weights.items()}
    acts = forward(params, np.array([tokenize(("Max", (5, 3, 9)))]), model.run.model)
    q, k, scores, pattern = (acts[f"blocks.0.{name}"][0, 2] for name in ("q", "k", "scores", "pattern"))
    assert [*q[0, [0, 15]].round(2), *k[6, [0, 15]].round(2), round(q[0] @ k[6], 1)] == [-2.89, 2.91, -2.76, 3.37, 30.6]
    assert [*scores[0, [0, 1, 6, 7]].round(2)] == [-0.22, -1.17, 7.65, -0.62]
    powers = np.exp(scores[0])
    assert (round(powers[6]), round(powers.sum()), round(pattern[0, 6], 3)) == (2110, 2113, 0.998)
