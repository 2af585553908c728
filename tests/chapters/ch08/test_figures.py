"""Figures of chapter 08: what is drawn is what was given, and nonsense is refused."""

import re

import numpy as np
import pytest

from chapters.ch08 import figures as plots
from transformer_lab import LabError, generator
from transformer_lab.plots import Figure

ALT = "A figure drawn for a test, with enough words."
RNG = generator(0, "further")
TOKENS = ["Add", "(", "5", ",", "8", ")", "1"]


def words(figure: Figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def test_every_token_and_every_step_has_its_name():
    figure = plots.per_step({"layer 0": RNG.random((3, 4, 7)), "layer 1": RNG.random((3, 4, 7))}, TOKENS,
                            ["1", "3", "[EOS]"], ALT)
    assert len(figure.svgs) == 2 and words(figure).count("Add") == 2 and words(figure).count("[EOS]") == 2


def test_shares_stand_at_their_bars_in_percent():
    shares = np.array([0, 0.374, 1, 0, 0, 0, 0.5])
    assert {"37", "100", "50"} <= set(words(plots.carried({"one": shares}, TOKENS, ALT)))


def test_trained_sizes_are_marked_and_bounds_have_names():
    figure = plots.beyond([2, 3, 4, 5], {"learned": RNG.random((5, 4)), "none": RNG.random((5, 4))}, (2, 3),
                          "arguments", ALT, baseline=np.full(4, 0.2))
    assert words(figure).count("trained") == 2 and words(figure).count("best guess per operation") == 2
    bare = plots.beyond([1, 2], {"a": RNG.random((2, 2))}, (1, 1), "depth", ALT)
    assert "best guess per operation" not in words(bare)


def test_models_stand_beside_each_other_and_what_is_not_known_is_left_out():
    known = plots.side_by_side({"parameters": [1e5, 1e8], "tokens": [1e6, 1e9]}, ["toy", "large"], ALT)
    partly = plots.side_by_side({"parameters": [1e5, 1e8], "tokens": [1e6, np.nan]}, ["toy", "large"], ALT)
    assert {"toy", "large", "parameters", "tokens"} <= set(words(known)) == set(words(partly))
    assert len("".join(partly.svgs)) < len("".join(known.svgs))


def test_scores_are_named_at_their_ends_in_every_panel():
    runs = {"whole": RNG.random((4, 3)), "tokens": RNG.random((4, 3))}
    figure = plots.scores([0, 50, 100, 200], {"one way": runs, "another": runs}, {"ceiling": 0.57}, ALT)
    assert len(figure.svgs) == 2 and [words(figure).count(name) for name in ("whole", "tokens", "ceiling")] == [2, 2, 2]


@pytest.mark.parametrize("draw", [
    lambda: plots.scores([0, 50], {"one way": {"whole": np.ones((3, 3))}}, {}, ALT),
    lambda: plots.per_step({"one": np.ones((2, 4, 7))}, TOKENS, ["1"], ALT),
    lambda: plots.per_step({"one": -np.ones((1, 4, 7))}, TOKENS, ["1"], ALT),
    lambda: plots.carried({"one": np.full(7, 1.5)}, TOKENS, ALT),
    lambda: plots.beyond([1, 2], {"one": np.ones((2, 3))}, (1, 1), "depth", ALT),
    lambda: plots.side_by_side({"one": [1.0, 2.0]}, ["only one"], ALT),
])
def test_what_does_not_fit_is_refused(draw):
    with pytest.raises(LabError):
        draw()
