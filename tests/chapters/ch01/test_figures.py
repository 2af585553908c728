"""Figures of chapter 01: names and bounds are written, level lines and falling ones carry theirs, maps have units."""

import re

import numpy as np

from chapters.ch01 import figures as plots
from transformer_lab.plots import Figure

WIDTHS = 2.0 ** np.arange(11)
LEVEL, FALLING = np.full(11, 0.1), 1 / np.sqrt(WIDTHS)
MARGIN = np.full(11, 0.01)


def words(figure: Figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def test_names_that_fit_alike_share_a_label_and_the_hard_answer_is_drawn_in():
    weights = np.array([[0.5, 0.5, 0.0], [0.4, 0.35, 0.25]])
    figure = plots.temperatures(np.array([0.01, 100.0]), weights, np.array([2.5, 3.0]), 2.5, ["tea", "milk", "jam"])
    assert {"tea, milk", "jam", "hard: the mean of those that tie"} <= set(words(figure))


def test_both_arms_of_a_law_are_named_in_every_panel():
    arms = {"bare": (FALLING, MARGIN, FALLING), "scaled": (LEVEL, MARGIN, LEVEL)}
    figure = plots.laws(WIDTHS, {"One": ("nats", arms), "Two": ("units", arms)}, "Two panels of two lines, for a test.")
    assert all(words(figure).count(name) == 2 for name in ("bare", "scaled"))
    assert {"1024", "nats", "units", "One", "Two"} <= set(words(figure))


def test_the_two_sides_of_rare_gradients_name_their_arms():
    arms = {"bare": (FALLING, MARGIN), "scaled": (LEVEL, MARGIN)}
    figure = plots.rare_gradients(WIDTHS, arms, arms)
    assert words(figure).count("bare") == words(figure).count("scaled") == 2


def test_every_bell_has_its_name():
    gaps = np.linspace(-5, 5, 101)
    bells = {f"width {s}": np.exp(-(gaps**2) / s) / np.sqrt(s) for s in (1, 4, 16)}
    assert set(bells) <= set(words(plots.near_ties(gaps, np.exp(-(gaps**2)), bells)))


def test_the_bound_of_one_head_stands_on_its_line():
    steps = np.arange(0, 40, 10)
    runs = {"one head": np.full((3, 4), 0.8), "two heads": np.ones((3, 4))}
    found = words(plots.learning(steps, runs, 0.8, "the most: 4/5"))
    assert {"the most: 4/5", "one head", "two heads", "80 %"} <= set(found)


def test_every_map_has_a_bar_with_its_unit():
    names = ["tea", "milk"]
    masks = plots.patterns({"causal": np.eye(2), "both": np.eye(2)}, names)
    heads = plots.circuits({"a": np.eye(2)}, {"a": LEVEL[:6]}, ["tea?", "milk?"], names)
    assert words(masks).count("weight") == 2 and words(heads).count("weight") == 1
