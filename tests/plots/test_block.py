"""Figures of chapter 05: what is drawn is what was given, and nonsense is refused."""

import re

import numpy as np
import pytest

from transformer_lab import LabError, generator
from transformer_lab.plots import Figure
from transformer_lab.plots import block as plots

ALT = "A figure drawn for a test, with enough words."
RNG = generator(0, "plots")
TOKENS = ["Max", "(", "5"]


def words(figure: Figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def test_every_seed_is_a_dot_and_every_bound_has_its_name():
    arms = {"first arm": RNG.random(10), "second arm": RNG.random(10)}
    figure = plots.arms({"all": arms}, {"chance": 0.1, "ceiling": 1.0}, ALT)
    assert len(re.findall(r"<use ", figure.svgs[0])) == 20
    assert {"chance", "ceiling", "first arm", "second arm", "all"} <= set(words(figure))


def test_shares_from_a_tenth_up_are_written_in_percent():
    probs = np.array([[0.05, 0.95], [0.5, 0.5]])
    figure = plots.emerging(probs, ["early", "late"], ["3", "9"], 1, ALT)
    assert {"95", "50", "early", "late"} <= set(words(figure)) and "5" not in words(figure)


def test_every_head_and_every_stage_has_its_panel_and_the_tokens():
    figure = plots.patterns(RNG.random((4, 3, 3)), TOKENS, ALT)
    assert len(figure.svgs) == 4 and words(figure).count("Max") == 4
    assert len(plots.stream({"a": RNG.normal(size=(3, 8)), "b": RNG.normal(size=(3, 8))}, TOKENS, ALT).svgs) == 2


def test_stages_share_one_scale():
    small, large = np.full((3, 8), 0.01), np.full((3, 8), 1.0)
    figure = plots.stream({"small": small, "large": large}, TOKENS, ALT)
    alone = plots.stream({"small": small}, TOKENS, ALT)
    assert figure.svgs[0] != alone.svgs[0] and words(figure).count("1") == 2


@pytest.mark.parametrize("call", [
    lambda: plots.patterns(np.zeros((4, 2, 3)), TOKENS, ALT), lambda: plots.stream([], TOKENS, ALT),
    lambda: plots.emerging([[2.0, 0.0]], ["a"], ["1", "2"], 0, ALT),
    lambda: plots.emerging([[0.5, 0.5]], ["a"], ["1", "2"], 2, ALT), lambda: plots.arms({"a": {"b": [[1.0]]}}, {}, ALT),
    lambda: plots.arms({"a": {"b": [1.0]}}, {"c": "high"}, ALT),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
