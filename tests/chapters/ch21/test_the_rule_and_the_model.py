"""Chapter 21: its contexts, its measures and its study, against witnesses that share no code with them."""

import itertools

import numpy as np
import pytest

from chapters import ch21
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.tasks.rules import floor, sample


@pytest.mark.parametrize("distance", range(1, 8))
def test_the_latest_even_number_stands_where_it_is_said_to_stand(distance):
    for row in ch21.at_distance(distance, 50).tolist():
        evens = [place for place, token in enumerate(row[:7]) if token % 2 == 0]
        assert row[7] == 11 and evens[-1] == 7 - distance


def test_a_reader_of_the_rule_loses_what_the_floor_says():
    losses = ch21.own_loss(sample(ch21.TASK, 40_000, seed=0, purpose="test"))
    assert abs(losses.mean() - floor(ch21.TASK)) < 4 * losses.mean(axis=1).std() / 200 + 0.001


def test_the_floor_of_the_exercise_is_that_of_a_chain_of_states():
    """A brute-force chain: all windows of two tokens by their chances, seen long after the start."""
    odd, even, plus = 0.7 * 5 / 11, 0.7 * 6 / 11, 3 / 13
    chances = {("odd", "+"): plus, ("even", "+"): 0.0}
    assert sum(chances.values()) < 1
    unseen = (1 + odd) / 2  # in the first place nothing came before; in the second one token, odd or a sign
    free = -0.3 * np.log(0.3) - 0.7 * np.log(0.7 / 11)
    assert np.isclose(ch21.check_floor.solution(2, 0.3, 6, 5), (1 - plus) * free + plus * unseen * np.log(6))
    assert np.isclose(odd + even, 0.7)


def test_wrong_answers_are_counted_one_by_one():
    params = init(ch21.MODEL, n_seeds=2, seed=3)
    found = ch21.wrong_by_distance(params, 20)
    for seed, distance in itertools.product(range(2), (1, 7)):
        own = {name: value[seed] for name, value in params.items()}
        rows = ch21.at_distance(distance, 20)
        wrong = sum(forward(own, row[None], ch21.MODEL)["logits"][0, 7].argmax() != row[7 - distance] for row in rows)
        assert found[seed, distance - 1] == wrong / 20


def test_excess_is_the_difference_of_two_mean_losses():
    params, windows = init(ch21.MODEL, n_seeds=2, seed=1), sample(ch21.TASK, 30, seed=0)
    logits = forward(params, windows.tokens, ch21.MODEL)["logits"]
    chosen = np.take_along_axis(logits, np.broadcast_to(windows.targets[None, ..., None], (2, 30, 8, 1)), -1)[..., 0]
    loss = (np.log(np.exp(logits.astype(float)).sum(-1)) - chosen).mean(axis=(1, 2))
    assert np.allclose(ch21.excess(params, windows), loss - ch21.own_loss(windows).mean(), atol=1e-5)


def test_the_study_is_there_and_has_the_weights_of_every_model():
    weights = ch21.weights(ch21.STUDY.load().sel(recipe="plain data"))
    assert sum(value[0].size for value in weights.values()) == 250 and {len(v) for v in weights.values()} == {32}
