"""Chapter 9's studies: what is shipped of twenty models that learn, against counting and the shipped weights."""

import numpy as np

from chapters.ch09.confusion import KINDS
from chapters.ch09.study import DYNAMICS, TASK
from transformer_lab import places
from transformer_lab.analysis.digit_model import load
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import TOKENS, value
from transformer_lab.training import study

INPUTS = all_inputs(TASK)


def test_the_dynamics_count_every_answer_of_every_seed():
    found, answers = study("dynamics").load(), np.array([value(x) for x in INPUTS])
    assert (found.confusion.sum(["right", "answer"]) == 5000).all()
    hits = np.trace(found.confusion.values, axis1=2, axis2=3)
    np.testing.assert_allclose(hits / 5000, found["all"].sel(operation="all"), atol=1e-6)
    np.testing.assert_array_equal(found.mistakes.sel(kind="wrong").sum("asked"), 5000 - hits)
    assert found.mistakes.shape == (20, len(DYNAMICS["at"]), 5, len(KINDS) + 1)
    words = [TOKENS[token] for token in found.said.sel(shown=1).isel(step=2).values]
    for digit, other in ((9, 9), (9, 8), (0, 1)):
        count = sum(word == str(other) and answer == digit for word, answer in zip(words, answers, strict=True))
        assert found.confusion.sel(seed=1).values[2, digit, other] == count


def test_the_rows_of_the_study_order_are_those_of_the_shipped_model():
    shipped = load(places.shipped("digits", "digits-0"))[0].params["W_E"]
    np.testing.assert_array_equal(study("order").load().W_E.sel(asked="all", seed=0), shipped)
