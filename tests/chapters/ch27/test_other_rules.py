"""Chapter 27: what one look can hear, where readings cross, and its measures, against witnesses that share no code."""

import itertools

import numpy as np
import pytest

from chapters import ch27
from transformer_lab.byhand.attention import attend
from transformer_lab.byhand.transformer import forward, init, pack
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.tasks.rule_table import RULES
from transformer_lab.tasks.rules import sample


def test_every_rule_asks_for_something_once():
    assert sorted(itertools.chain(*ch27.ASKS.values())) == sorted(RULES)


@pytest.mark.parametrize("rule", ch27.ASKS["asks for the present token"])
def test_rules_of_the_present_token_need_no_other(rule):
    tokens, allowed, decided, *_ = ch27.windows(rule)
    for token in range(RULES[rule].d_vocab):
        there = decided & (tokens == token)
        assert (allowed[there] == allowed[there][:1]).all()


def test_orders_are_those_of_going_through_all_of_them():
    for steps in (1, 2, 3):
        assert ch27.orders(ch27.looks_back(steps, 6), 6) == ch27.check_first_orders.solution(6, steps)


def test_what_is_heard_are_the_corners_of_the_hull():
    for seed in range(5):
        k = generator(seed, "test").normal(size=(8, 2))
        assert (ch27.heard(k, 100_000) == ch27.check_heard_in_plane.solution(k)).all()


def test_readings_of_a_real_head_cross():
    rng = generator(0, "test")
    q, k, v = rng.normal(size=(1, 4)), rng.normal(size=(2, 2, 4)), rng.normal(size=(2, 2, 5))
    rest_k, rest_v = rng.normal(size=(3, 4)), rng.normal(size=(3, 5))
    z, total = np.empty((2, 2, 5)), np.empty((2, 2))
    for i, j in itertools.product(range(2), repeat=2):
        keys = np.concatenate([k[0, i, None], k[1, j, None], rest_k])
        z[i, j] = attend(q, keys, np.concatenate([v[0, i, None], v[1, j, None], rest_v]), scale=0.5)["z"][0]
        total[i, j] = np.exp(0.5 * q @ keys.T).sum()
    on_one, on_other = ch27.crossing(z, total)
    assert np.allclose(on_one, on_other, atol=1e-12)
    assert not np.allclose(*ch27.crossing(z, total[::-1]), atol=1e-3)


def test_wrong_answers_are_counted_one_by_one(monkeypatch):
    monkeypatch.setattr(ch27.measures, "N", 30)
    ch27.measures.windows.unchecked.cache_clear()
    run = ch27.run_of("lucky7", 3)
    params = init(run.model, seed=4)
    found = ch27.measures.measured(run, pack(params, parameter_shapes(run.model))[None])
    wrong = asked = 0
    for row in sample(run.task, 30, seed=0, purpose="other rules").tokens.tolist():
        said = forward(params, np.array([row]), run.model)["logits"][0].argmax(axis=-1)
        for i in range(1, 8):
            if row[i] == 7:  # nothing else is decided
                asked, wrong = asked + 1, wrong + (said[i] != row[i - 1])
    assert np.isclose(found["wrong"][0], wrong / asked)
    ch27.measures.windows.unchecked.cache_clear()


def test_the_rule_of_our_own_says_what_its_words_say_and_goes_again():
    with ch27.study.known("same_parity", ch27.SAME_PARITY) as task:
        rows = sample(task, 500, seed=0)
    before, numbers = rows.tokens[:, :-2] + rows.tokens[:, 1:-1], rows.tokens < 10
    asked = numbers[:, :-2] & numbers[:, 1:-1] & ~numbers[:, 2:]
    assert asked.sum() > 100 and (rows.targets[:, 2:] == before % 2)[asked].all()
    assert "same_parity" not in RULES


def test_who_says_one_thing_always_is_wrong_about_half_of_the_pairs():
    with ch27.study.known("same_parity", ch27.SAME_PARITY) as task:
        config = ch27.run_of("same_parity", 2).model
        params = {name: np.zeros_like(value) for name, value in init(config).items()}
        params["b_U"][0] = 1
        found = ch27.study.wrong_of_pairs(task, params, config)
    assert found.shape == (1, 20) and (found == 0.5).all()


def test_the_studies_are_there_with_all_their_models():
    assert ch27.STUDY.load().sizes["seed"] == ch27.TWO_TOKENS.load().sizes["seed"] == 16
