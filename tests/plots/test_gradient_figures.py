"""Figures of chapter 06: what is drawn is what was given, and nonsense is refused."""

import re

import numpy as np
import pytest

from transformer_lab import LabError, generator
from transformer_lab.plots import gradients as plots

ALT = "A figure drawn for a test, with enough words."
RNG = generator(0, "gradient figures")
STEPS, RUNS = np.arange(5), RNG.random((5, 3))
FOUND = {"complex_step": {"W_Q": 1e-15, "W_K": 0.0}, "central_differences": {"W_Q": 1e-9, "W_K": 1e-10}}
ALLOWED = {"complex_step": 1e-12, "central_differences": 1e-7}


def words(figure):
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def test_each_tensor_and_each_witness_is_named_and_has_its_marks():
    figure = plots.errors(FOUND, ALLOWED, ALT)
    assert {"W_Q", "W_K", "complex step", "central differences"} <= set(words(figure))
    assert len(re.findall(r"<use ", figure.svgs[0])) >= 4


def test_each_cosine_is_written_and_what_is_missing_is_called_none():
    figure = plots.cosine_tables({"before": [[0.5, -0.25], [np.nan, 1.0]]}, ["a", "b"], ["one", "two"], ALT)
    assert {"0.50", "−0.25", "none", "1.00", "before", "one"} <= set(words(figure))


def test_each_arm_has_its_panel_with_all_seeds_and_the_bounds():
    figure = plots.learning(STEPS, {"right": RUNS, "wrong": RUNS}, {"ceiling": 1.0, "a guess": 0.1}, ALT)
    assert len(figure.svgs) == 2 and words(figure).count("a guess") == 2


def test_each_seed_is_a_dot_among_those_that_missed():
    figure = plots.missed({"right": np.ones(7), "wrong": np.full(7, 0.98)}, 1000, ALT)
    assert len(re.findall(r"<use ", figure.svgs[0])) == 14 and "wrong answers to 1,000 held-out inputs" in words(figure)


@pytest.mark.parametrize("call", [
    lambda: plots.errors({}, ALLOWED, ALT), lambda: plots.errors(FOUND, [], ALT),
    lambda: plots.cosine_tables({"a": [[1.0]]}, ["x"], ["y", "z"], ALT), lambda: plots.learning(STEPS, {}, {}, ALT),
    lambda: plots.learning(STEPS, {"a": RUNS[:2]}, {}, ALT), lambda: plots.missed({"a": [2.0]}, 10, ALT),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
