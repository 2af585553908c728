"""Chapter 21: its contexts, its measures and its study, against witnesses that share no code with them."""

import itertools

import numpy as np
import pytest
from scipy.stats import fisher_exact

from chapters import ch21
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.gaze import least_gaze, preference, reads
from transformer_lab.byhand.transformer import forward
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
    assert np.isclose(ch21.check_least_loss.solution(2, 0.3, 6, 5), (1 - plus) * free + plus * unseen * np.log(6))
    assert np.isclose(odd + even, 0.7)


@pytest.fixture(scope="module")
def some():
    """Models of two recipes, proved and not: weights and the map of the plane."""
    found = ch21.by_recipe()
    chosen = [("plain data", seed) for seed in (0, 4, 15, 21, 80)] + [("balanced data", seed) for seed in (0, 10, 42)]
    return [(ch21.weights(found[name], seed), ch21.planes(found[name].sel(seed=[seed]))[0]) for name, seed in chosen]


def test_wrong_answers_are_those_of_plain_forward_passes(some):
    found = ch21.wrong_by_distance([plane for _, plane in some], 40)
    for place, distance in itertools.product(range(len(some)), (1, 4, 7)):
        params = some[place][0]
        rows = ch21.at_distance(distance, 40)
        said = forward(params, rows, ch21.MODEL)["logits"][:, 7].argmax(axis=-1)
        assert found[place, distance - 1] == pytest.approx((said != rows[:, 7 - distance]).mean())
    assert 0 < found.mean() < 1


def every_context(t):
    rows = np.array(list(itertools.product(range(12), repeat=t)))
    rows = rows[(rows % 2 == 0).any(axis=1)]
    place = t - 1 - (rows[:, ::-1] % 2 == 0).argmax(axis=1)
    return np.hstack([rows, np.full((len(rows), 1), 11)]), place


@pytest.mark.parametrize("t", [1, 2, 3])
def test_the_least_gaze_is_the_least_over_all_contexts(some, t):
    rows, place = every_context(t)
    first = 6 * (t * (t - 1) // 2)
    for params, plane in some:
        attention = forward(params, rows, ch21.MODEL)["blocks.0.pattern"][:, 0, t]
        share = attention[np.arange(len(rows)), place]
        least = least_gaze(plane, families(ch21.TASK))[first:first + 6 * t]
        family = 6 * place + rows[np.arange(len(rows)), place] // 2
        assert np.allclose(least, [share[family == one].min() for one in range(6 * t)])


def test_what_is_read_is_what_the_model_says_when_attention_is_set_by_hand(some):
    """The stream of the sign, the value of one row of it, and the rest of the model by its own tables."""
    for params, plane in some:
        p = {name.rpartition(".")[2]: value for name, value in params.items()}
        leads = reads(plane, families(ch21.TASK))
        names = [(t, j, e) for t in range(1, 8) for j in range(t) for e in range(0, 11, 2)]
        for place in (0, 50, 101, 167):
            t, j, even = names[place]
            z = p["W_E"][11] + p["W_pos"][t] + (p["W_E"][even] + p["W_pos"][j]) @ p["W_V"][:, 0]
            hidden = np.maximum(z @ p["W_in"] + p["b_in"], 0)
            logits = (z + hidden @ p["W_out"] + p["b_out"]) @ p["W_U"] + p["b_U"]
            assert leads[place] == pytest.approx(logits[even] - np.delete(logits, even).max())


def test_what_the_last_sign_prefers_is_in_the_scores_of_the_model(some):
    params, plane = some[0]
    rows = np.concatenate([np.where(np.arange(8) == 7, 11, token)[None] for token in range(11)])
    scores = forward(params, rows, ch21.MODEL)["blocks.0.scores"][:, 0, 7, :7]
    even = scores[::2].mean(axis=0)
    found = preference(plane, np.arange(0, 11, 2), np.arange(1, 11, 2))
    assert np.allclose(found, [(even - scores[1::2].mean(axis=0)).mean(), (even[6] - even[0]) / 6])


def test_the_study_has_the_weights_of_every_model():
    found = ch21.by_recipe()["plain data"]
    assert sum(value.size for value in ch21.weights(found, 255).values()) == 250 and found.sizes["seed"] == 256


@pytest.mark.parametrize(("one", "other", "of"), [(14, 40, 256), (14, 7, 256), (228, 235, 256), (0, 0, 5), (5, 0, 5)])
def test_the_chance_of_a_difference_is_fishers(one, other, of):
    theirs = fisher_exact([[one, of - one], [other, of - other]]).pvalue
    assert ch21.chance_alike(one, other, of) == pytest.approx(theirs, abs=1e-9)


def test_of_several_starts_the_one_with_the_least_loss_is_kept():
    found = ch21.SEVERAL.load()
    best = found["chosen_by"].values.argmin(axis=found["chosen_by"].dims.index("start"))
    for name in ("decided", "proved", "loss"):
        values = found[name].transpose("seed", "start").values
        assert np.array_equal(ch21.kept(found, 4)[name], values[np.arange(len(values)), best])
        assert np.array_equal(ch21.kept(found, 1)[name], values[:, 0])
