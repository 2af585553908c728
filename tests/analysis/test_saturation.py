"""Entropy, the size of the softmax Jacobian, and the exact laws, each against a second way to the same number."""

import math

import numpy as np
import pytest

from chapters.ch01.study import fit_power_law, mean_interval
from transformer_lab import generator
from transformer_lab.analysis.saturation import entropy, expected_for_two_keys, jacobian_size, tie_density
from transformer_lab.byhand.attention import softmax


def test_the_size_is_the_squared_norm_of_the_matrix():
    for row in softmax(generator(0, "rows").normal(size=(50, 7)) * 3):
        assert abs(jacobian_size(row) - (np.linalg.norm(np.diag(row) - np.outer(row, row)) ** 2)) < 1e-15


def test_the_size_is_the_mean_squared_length_of_what_comes_through():
    rng = generator(0, "upstream")
    row = softmax(rng.normal(size=5))
    through = rng.normal(size=(200_000, 5)) @ (np.diag(row) - np.outer(row, row))
    mean, margin = mean_interval((through**2).sum(axis=-1), level=0.999)
    assert abs(mean - jacobian_size(row)) < margin


def test_entropy_of_known_rows():
    assert entropy(np.full(64, 1 / 64)) == pytest.approx(math.log(64), rel=1e-14)
    assert entropy(np.array([0.5, 0.25, 0.25])) == pytest.approx(1.5 * math.log(2), rel=1e-14)


@pytest.mark.parametrize("measure, of", [("entropy", entropy), ("gradient", jacobian_size)])
@pytest.mark.parametrize("spread", [0.1, 1.0, 8.0, 32.0])
def test_two_keys_by_quadrature_and_by_chance(measure, of, spread):
    scores = spread * generator(0, f"two keys {spread}").normal(size=(400_000, 2))
    mean, margin = mean_interval(of(softmax(scores)), level=0.999)
    assert abs(mean - expected_for_two_keys(measure, spread)) < margin + 1e-9


@pytest.mark.parametrize("n_keys", [2, 3, 64])
def test_the_density_of_ties_by_chance(n_keys):
    scores = np.sort(generator(0, f"ties {n_keys}").normal(size=(200_000, n_keys)), axis=-1)
    near = (scores[:, -1] - scores[:, -2] < 0.02) / 0.02
    mean, margin = mean_interval(near, level=0.999)
    assert abs(mean - tie_density(n_keys)) < margin + 0.02 * n_keys**0.25 * tie_density(n_keys)


def misses(draws, derived, level=0.99):
    """How far the further of slope and intercept lies from the derived one, in half-widths of its interval."""
    line, margins = fit_power_law(2.0 ** np.arange(6), draws, level)
    return (np.abs(line - derived) / margins).max()


def root_law(rng):
    """Heavy-tailed draws of a law y = 2 x^(1/2)."""
    return 2 * np.sqrt(2.0 ** np.arange(6))[:, None] * rng.exponential(size=(6, 200))


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = generator(0, "coverage")
    inside = sum(misses(root_law(rng), [0.5, math.log(2)], level=0.95) <= 1 for _ in range(200))
    assert 0.88 <= inside / 200 <= 0.98  # two intervals, strongly correlated


def test_a_wrong_law_is_outside():
    draws = root_law(generator(0, "wrong"))
    assert misses(draws, [0.7, math.log(2)]) > 1 and misses(draws, [0.5, math.log(3)]) > 1
