"""Figures of chapter 07: what is drawn is what was given, and nonsense is refused."""

import re

import numpy as np
import pytest

from chapters.ch07 import figures as plots
from transformer_lab import LabError, generator

ALT = "A figure drawn for a test, with enough words."
RNG = generator(0, "learning figures")
X, RUNS = np.array([0.01, 0.1, 1.0]), RNG.random((3, 4))
AXES = {"x_label": "rate", "y_label": "share"}


def words(figure):
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def marks(figure):
    return len(re.findall(r"<use ", "".join(figure.svgs)))


def test_each_walk_has_its_panel_and_a_dot_for_each_step():
    figure = plots.valley({"slow": RNG.random((5, 2)), "fast": RNG.random((3, 2))}, (1.0, 4.0), ALT)
    assert len(figure.svgs) == 2 and {"slow", "fast"} <= set(words(figure))
    assert marks(figure) == 5 + 3 + 2  # the steps, and each start


def test_curves_are_named_where_they_end_and_skip_what_was_not_measured():
    half = np.where(np.arange(3)[:, None] < 2, RUNS, np.nan)
    figure = plots.curves({"one": {"whole": RUNS, "half": half}}, X, ALT, **AXES, bounds={"ceiling": 1.0}, log=True)
    assert {"one", "whole", "half", "ceiling", "rate", "share", "0.01", "0.1", "1"} <= set(words(figure))
    lines = len(re.findall(r"<path ", plots.curves({"one": {"whole": RUNS}}, X, ALT, **AXES).svgs[0]))
    assert len(re.findall(r"<path ", figure.svgs[0])) > lines


def test_only_wrong_answers_are_counted_in_a_confusion():
    counts = np.diag(np.full(10, 500)) @ np.eye(10, 11, dtype=int)
    counts[3, 4], counts[9, 10] = 17, 12
    assert {"17", "12", "after", "–"} <= set(words(plots.confusions({"after": counts}, ALT)))
    assert "500" not in words(plots.confusions({"after": counts}, ALT))


def test_nothing_wrong_is_an_empty_table():
    assert "after" in words(plots.confusions({"after": np.eye(10, 11, dtype=int)}, ALT))


def test_each_dot_is_there():
    figure = plots.scatter({"a": (RUNS[0], RUNS[1]), "b": (RUNS[1], RUNS[2])}, ALT, **AXES)
    assert marks(figure) == 2 * 4 and {"a", "b", "rate"} <= set(words(figure))


def test_what_was_found_stands_under_what_chance_gives():
    figure = plots.orders(np.array([1, 5, 2, 0]), {"trained": np.full(6, -0.8), "new": np.zeros(3)}, ALT, x_label="r")
    assert marks(figure) == 9 and {"trained", "new", "r"} <= set(words(figure))


@pytest.mark.parametrize("call", [
    lambda: plots.valley({}, (1, 2), ALT), lambda: plots.valley({"a": RUNS}, (1, 2), ALT),
    lambda: plots.valley({"a": RUNS[:, :2]}, 3, ALT), lambda: plots.curves({"a": {}}, X, ALT, **AXES),
    lambda: plots.curves({"a": {"b": RUNS[:2]}}, X, ALT, **AXES),
    lambda: plots.confusions({"a": np.eye(10, dtype=int)}, ALT), lambda: plots.scatter({"a": RUNS}, ALT, **AXES),
    lambda: plots.orders([1.5], {"a": [0.0]}, ALT, x_label=""),
    lambda: plots.orders([1], {"a": [2.0]}, ALT, x_label=""),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
