"""The list readers: gradients against a complex step, the ceiling against brute force and against other learners."""

from fractions import Fraction

import numpy as np
import pytest

from chapters.ch01.price_list import (
    brute_force_ceiling,
    ceiling,
    circuits,
    every_list,
    forward,
    gradients,
    init,
    score,
)
from transformer_lab import generator
from transformer_lab.byhand.attention import softmax


def reader(n_heads, n_seeds):
    """Heads that read lists of three names and three prices, and these lists."""
    return init(n_heads, range(n_seeds), n_prices=3), every_list(3, 3)


@pytest.mark.parametrize("n_heads", [1, 2])
def test_gradients_agree_with_the_complex_step(n_heads):
    rng, (params, world) = generator(n_heads, "reader"), reader(n_heads, 2)
    grads = gradients(params, world)[1]
    for name, value in params.items():
        direction = rng.normal(size=value.shape)
        logits = forward(params | {name: value + 1e-30j * direction}, world)["logits"]
        fair, dearer = world.fair, world.dearer
        losses = np.log1p(np.exp(np.where(dearer, -logits, logits)))[..., fair].mean(axis=-1)
        slopes = losses.imag / 1e-30
        assert np.allclose(slopes, (grads[name] * direction).sum(axis=(1, 2, 3)), rtol=1e-11, atol=1e-15), name


def test_the_loss_is_the_mean_of_what_each_answer_costs():
    params, world = reader(2, 1)
    chance = 1 / (1 + np.exp(-forward(params, world)["logits"][0]))
    costs = [-np.log(chance[i, j] if world.dearer[i, j] else 1 - chance[i, j]) for i, j in np.argwhere(world.fair)]
    assert abs(gradients(params, world)[0] - np.mean(costs)) < 1e-14


def test_the_circuits_are_the_model():
    params, world = reader(2, 3)
    found = circuits(params)
    asked = np.zeros((len(world.questions), 6))
    for row, (first, second) in enumerate(world.questions):
        asked[row, first] = asked[row, 3 + second] = 1
    pattern = softmax(asked @ found["W_QK"])  # seeds, heads, questions, names
    written = found["W_OV"][:, :, world.prices]  # seeds, heads, lists, names
    logits = np.einsum("shqn,shln->slq", pattern, written)
    assert np.allclose(logits, forward(params, world)["logits"], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_prices", range(2, 8))
def test_the_ceiling_is_what_brute_force_finds(n_prices):
    assert ceiling(n_prices, 1) == brute_force_ceiling(n_prices)


@pytest.mark.parametrize("n_prices", [3, 6, 7])
@pytest.mark.parametrize("seed", range(3))
def test_no_single_head_passes_the_ceiling(n_prices, seed):
    """Thousands of heads with random circuits, not trained ones: the bound holds for them all."""
    rng, world = generator(seed, "any head"), every_list(3, n_prices)
    pattern = softmax(rng.normal(size=(400, 6, 3)) * rng.choice([0.1, 1, 5, 50], size=(400, 1, 1)))
    written = rng.normal(size=(400, n_prices)) + rng.choice([0, 1], (400, 1)) * np.arange(n_prices)
    logits = np.einsum("sqn,sln->slq", pattern, written[:, world.prices]) - rng.normal(size=(400, 1, 6))
    best = score(logits, world).max()
    assert 0.5 < best <= float(ceiling(n_prices, 1)) + 1e-12


@pytest.mark.parametrize("n_prices", [3, 6, 9])
def test_the_ceiling_is_reached_by_hand(n_prices):
    world = every_list(3, n_prices)
    high = np.where(np.arange(n_prices) > (n_prices - 1) / 2, 1.0, -1.0)
    first = high[world.prices[:, world.questions[:, 0]]]
    hits = ((first > 0) == world.dearer)[world.fair]
    assert Fraction(int(hits.sum()), hits.size) == ceiling(n_prices, 1)
    both = world.prices[:, world.questions[:, 0]] - world.prices[:, world.questions[:, 1]]
    assert score(both.astype(float), world) == 1 == ceiling(n_prices, 2)
