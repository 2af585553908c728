"""Figures of positions: what is drawn is what was given, names do not collide, and nonsense is refused."""

import re

import numpy as np
import pytest

from transformer_lab import LabError, generator
from transformer_lab.plots import Figure
from transformer_lab.plots import positions as plots
from transformer_lab.plots.style import spread

ALT = "A figure drawn for a test, with enough words."
RNG = generator(0, "plots")
TABLE = RNG.random((3, 2))


def words(figure: Figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def test_names_at_the_ends_of_lines_are_kept_apart_and_in_order():
    heights = [0.5, 0.1, 0.45, 0.44]
    placed = spread(heights, 0.2)
    assert np.diff(np.sort(placed)).min() >= 0.2 - 1e-9
    assert (np.argsort(placed) == np.argsort(heights)).all() and min(placed) == 0.1


def test_every_number_of_a_table_is_written_in_its_cell():
    figure = plots.tables({"one": TABLE, "two": 1 - TABLE}, ["a", "b", "c"], ["d-e", "f-g"], ALT)
    written = words(figure)
    assert all(f"{value:.2f}" in written for value in [*TABLE.ravel(), *(1 - TABLE).ravel()])
    assert {"a", "b", "c", "one", "two"} <= set(written)


def test_every_seed_is_a_dot_and_the_bound_has_its_name():
    arms = {"first arm": RNG.random(20), "second arm": RNG.random(20)}
    figure = plots.accuracies({"with": arms, "without": arms}, {"with": (0.43, "ceiling")}, ALT)
    assert len(re.findall(r"<use ", figure.svgs[0])) == 40
    assert "ceiling" in figure.svgs[0] and "ceiling" not in figure.svgs[1]


def test_a_lookup_shows_tokens_beside_marks_and_rows():
    tokens = ["a", "b", "a"]
    figure = plots.lookup(np.eye(2)[[0, 1, 0]], np.eye(2), np.eye(2)[[0, 1, 0]], tokens, ALT)
    assert len(figure.svgs) == 3 and words(figure).count("a") == 4


@pytest.mark.parametrize("draw", [
    lambda: plots.code_table(RNG.normal(size=(20, 16)), ALT),
    lambda: plots.look_back(RNG.random((9, 9)), ALT),
    lambda: plots.similarity(np.arange(5), {"width 4": RNG.random(5)}, ALT),
    lambda: plots.one_matrix(np.arange(5), {"some": RNG.random(5)}, 3, ALT),
])
def test_a_figure_is_drawn_the_same_way_twice(draw):
    state = RNG.bit_generator.state
    first = draw()._repr_html_()
    RNG.bit_generator.state = state
    assert draw()._repr_html_() == first and len(first) < 60_000


@pytest.mark.parametrize("call", [
    lambda: plots.code_table(np.zeros(3), ALT), lambda: plots.similarity(np.arange(4), {"a": np.zeros(3)}, ALT),
    lambda: plots.tables({"a": TABLE}, ["x"], ["y", "z"], ALT), lambda: plots.tables([], ["x"], ["y"], ALT),
    lambda: plots.accuracies({"a": {"b": [[1.0]]}}, {}, ALT), lambda: plots.look_back("pattern", ALT),
    lambda: plots.lookup(np.eye(2), np.eye(3), np.eye(2), ["a", "b"], ALT),
    lambda: plots.one_matrix(np.arange(3), [1, 2], 3, ALT),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
